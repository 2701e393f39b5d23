//! What was measured, in the text format of Prometheus, under the names that dashboards know.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use super::checks::Now;
use super::process;
use crate::api::{RequestCounts, RequestOutcome};
use crate::metrics::{Counter, Histogram, KindMetrics, Metrics};
use crate::reactor::QueueState;

/// What is written down.
pub(super) struct What<'a> {
    pub(super) metrics: &'a Metrics,
    pub(super) counts: &'a RequestCounts,
    pub(super) now: &'a Now,
    /// The kinds that are served, as soon as the operator is at work.
    pub(super) queues: Option<Vec<QueueState>>,
}

/// A text that grows.
#[derive(Debug, Default)]
pub(super) struct Text(String);

type Labels<'a> = [(&'a str, &'a str)];

impl Text {
    fn begin(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn counter(&mut self, name: &str, help: &str) {
        self.begin(name, help, "counter");
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str) {
        self.begin(name, help, "gauge");
    }

    fn histogram(&mut self, name: &str, help: &str) {
        self.begin(name, help, "histogram");
    }

    pub(super) fn value(&mut self, name: &str, labels: &Labels<'_>, value: impl Display) {
        let _ = writeln!(self.0, "{name}{} {value}", braced(labels));
    }

    fn buckets(&mut self, name: &str, labels: &Labels<'_>, histogram: &Histogram) {
        let mut count = 0;
        for (bound, up_to) in histogram.buckets() {
            let bound = if bound.is_infinite() {
                "+Inf".to_owned()
            } else {
                bound.to_string()
            };
            let labels = [labels, &[("le", &*bound)]].concat();
            self.value(&format!("{name}_bucket"), &labels, up_to);
            count = up_to;
        }
        self.value(&format!("{name}_sum"), labels, histogram.sum());
        self.value(&format!("{name}_count"), labels, count);
    }
}

fn braced(labels: &Labels<'_>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |value: &str| {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let labels = labels.iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    format!("{{{}}}", labels.join(","))
}

/// Everything.
pub(super) fn text(what: &What<'_>) -> String {
    let mut text = Text::default();
    queues(&mut text, what);
    reconciles(&mut text, what);
    requests(&mut text, what.counts);
    handlers(&mut text, what.metrics);
    operator(&mut text, what);
    process::write(&mut text);
    text.0
}

/// A counter of a kind.
type Count = fn(&KindMetrics) -> &Counter;

/// Times of a kind.
type Times = fn(&KindMetrics) -> &Histogram;

/// As client-go measures its queues.
fn queues(text: &mut Text, what: &What<'_>) {
    let kinds = what.metrics.kinds();
    let states = what.queues.as_deref().unwrap_or_default();
    let name = "workqueue_depth";
    text.gauge(name, "Current depth of workqueue");
    for state in states {
        text.value(name, &labels_of(&state.name), state.waiting);
    }
    let name = "workqueue_unfinished_work_seconds";
    text.gauge(
        name,
        "How many seconds of work are in progress and not yet observed by work_duration",
    );
    for state in states {
        text.value(
            name,
            &labels_of(&state.name),
            state.unfinished.as_secs_f64(),
        );
    }
    let name = "workqueue_longest_running_processor_seconds";
    text.gauge(
        name,
        "How many seconds the longest running turn of an object has taken so far",
    );
    for state in states {
        text.value(name, &labels_of(&state.name), state.longest.as_secs_f64());
    }
    let counters: [(&str, &str, Count); 2] = [
        (
            "workqueue_adds_total",
            "Total number of adds handled by workqueue",
            |kind| &kind.adds,
        ),
        (
            "workqueue_retries_total",
            "Total number of retries handled by workqueue",
            |kind| &kind.retries,
        ),
    ];
    for (name, help, of) in counters {
        text.counter(name, help);
        for (kind, metrics) in &kinds {
            text.value(name, &labels_of(kind), of(metrics).get());
        }
    }
    let histograms: [(&str, &str, Times); 2] = [
        (
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested",
            |kind| &kind.waited,
        ),
        (
            "workqueue_work_duration_seconds",
            "How long in seconds processing an item from workqueue takes",
            |kind| &kind.worked,
        ),
    ];
    for (name, help, of) in histograms {
        text.histogram(name, help);
        for (kind, metrics) in &kinds {
            text.buckets(name, &labels_of(kind), of(metrics));
        }
    }
}

fn labels_of(kind: &str) -> [(&str, &str); 2] {
    [("name", kind), ("controller", kind)]
}

/// As controller-runtime measures its reconciliations: here, a look at an object.
fn reconciles(text: &mut Text, what: &What<'_>) {
    let kinds = what.metrics.kinds();
    let name = "controller_runtime_reconcile_total";
    text.counter(name, "Total number of reconciliations per controller");
    for (kind, metrics) in &kinds {
        for (result, counter) in [
            ("success", &metrics.succeeded),
            ("requeue_after", &metrics.requeued),
            ("error", &metrics.failed),
        ] {
            text.value(
                name,
                &[("controller", kind), ("result", result)],
                counter.get(),
            );
        }
    }
    let name = "controller_runtime_reconcile_errors_total";
    text.counter(name, "Total number of reconciliation errors per controller");
    for (kind, metrics) in &kinds {
        text.value(name, &[("controller", kind)], metrics.failed.get());
    }
    let name = "controller_runtime_reconcile_time_seconds";
    text.histogram(name, "Length of time per reconciliation per controller");
    for (kind, metrics) in &kinds {
        text.buckets(name, &[("controller", kind)], &metrics.looked);
    }
    let name = "controller_runtime_active_workers";
    text.gauge(name, "Number of currently used workers per controller");
    for state in what.queues.as_deref().unwrap_or_default() {
        text.value(name, &[("controller", &*state.name)], state.working);
    }
}

/// As client-go measures its requests; and, under a name of our own, what they were for.
fn requests(text: &mut Text, counts: &RequestCounts) {
    let rows = counts.rows();
    let mut by_code: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for (kind, count) in &rows {
        let code = match kind.outcome {
            RequestOutcome::Ok if kind.verb == "create" => "201".to_owned(),
            RequestOutcome::Ok => "200".to_owned(),
            RequestOutcome::Refused(code) => code.to_string(),
            RequestOutcome::Failed => "<error>".to_owned(),
        };
        *by_code.entry((code, method(kind.verb))).or_default() += count;
    }
    let name = "rest_client_requests_total";
    text.counter(
        name,
        "Number of HTTP requests, partitioned by status code and method.",
    );
    for ((code, method), count) in &by_code {
        text.value(name, &[("code", code), ("method", method)], count);
    }
    let name = "rest_client_request_duration_seconds";
    text.histogram(name, "Request latency in seconds, partitioned by verb.");
    for (verb, times) in counts.times() {
        text.buckets(name, &[("verb", verb.as_str())], &times);
    }
    let name = "kopfrs_requests_total";
    text.counter(name, "Number of requests, by what they were for.");
    for (kind, count) in &rows {
        let result = match kind.outcome {
            RequestOutcome::Ok => "success".to_owned(),
            RequestOutcome::Refused(code) => code.to_string(),
            RequestOutcome::Failed => "error".to_owned(),
        };
        let labels = [
            ("verb", kind.verb),
            ("resource", &*kind.resource),
            ("subresource", &*kind.subresource),
            ("result", &*result),
        ];
        text.value(name, &labels, count);
    }
}

fn method(verb: &str) -> &'static str {
    match verb {
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        "delete" | "deletecollection" => "DELETE",
        _ => "GET",
    }
}

fn handlers(text: &mut Text, metrics: &Metrics) {
    let handlers = metrics.handlers();
    let name = "kopfrs_handler_calls_total";
    text.counter(name, "Number of calls of a handler, by what came of them.");
    for ((id, role), metrics) in &handlers {
        for (result, counter) in [
            ("success", &metrics.succeeded),
            ("retry", &metrics.retried),
            ("failure", &metrics.failed),
        ] {
            let labels = [("handler", &**id), ("kind", kind(role)), ("result", result)];
            text.value(name, &labels, counter.get());
        }
    }
    let name = "kopfrs_handler_duration_seconds";
    text.histogram(name, "How long in seconds a call of a handler takes.");
    for ((id, role), metrics) in &handlers {
        text.buckets(
            name,
            &[("handler", &**id), ("kind", kind(role))],
            &metrics.took,
        );
    }
}

/// `create handler` is of the kind `create`.
fn kind<'a>(role: &&'a str) -> &'a str {
    role.trim_end_matches(" handler")
}

fn operator(text: &mut Text, what: &What<'_>) {
    let state = &what.now.state;
    if let Some(lease) = &state.lease {
        let name = "leader_election_master_status";
        text.gauge(
            name,
            "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master.",
        );
        text.value(name, &[("name", &*lease.name)], u8::from(lease.is_leader));
    }
    let name = "kopfrs_paused";
    text.gauge(
        name,
        "Whether the operator is paused: it stands by for another one.",
    );
    text.value(name, &[], u8::from(!what.now.pauses.is_empty()));
    let name = "kopfrs_watches";
    text.gauge(name, "Number of watches, by whether they work.");
    let broken = state
        .watches
        .values()
        .filter(|watch| watch.trouble.is_some());
    let broken = broken.count();
    text.value(name, &[("state", "working")], state.watches.len() - broken);
    text.value(name, &[("state", "failing")], broken);
    let name = "kopfrs_objects";
    text.gauge(name, "Number of objects that are known, by kind.");
    for state in what.queues.as_deref().unwrap_or_default() {
        text.value(name, &[("resource", &*state.name)], state.objects);
    }
    let name = "kopfrs_build_info";
    text.gauge(name, "The version of the framework.");
    text.value(name, &[("version", env!("CARGO_PKG_VERSION"))], 1);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::health::Health;

    #[test]
    fn what_was_measured_is_told_under_names_that_dashboards_know() {
        let metrics = Metrics::default();
        metrics.switch_on();
        let kind = metrics.kind("demos.example.com").unwrap();
        kind.adds.add();
        kind.succeeded.add();
        kind.worked.observe(Duration::from_millis(20));
        let handler = metrics.handler("a\"b", "create handler").unwrap();
        handler.retried.add();
        let now = Now {
            state: Health::default().state(),
            pauses: Vec::new(),
            is_started: true,
            are_indices_complete: true,
            waiting: None,
        };
        let text = text(&What {
            metrics: &metrics,
            counts: &RequestCounts::default(),
            now: &now,
            queues: None,
        });
        for line in [
            "# TYPE workqueue_adds_total counter",
            r#"workqueue_adds_total{name="demos.example.com",controller="demos.example.com"} 1"#,
            r#"workqueue_work_duration_seconds_bucket{name="demos.example.com",controller="demos.example.com",le="0.1"} 1"#,
            r#"workqueue_work_duration_seconds_bucket{name="demos.example.com",controller="demos.example.com",le="+Inf"} 1"#,
            r#"workqueue_work_duration_seconds_sum{name="demos.example.com",controller="demos.example.com"} 0.02"#,
            r#"controller_runtime_reconcile_total{controller="demos.example.com",result="success"} 1"#,
            r#"kopfrs_handler_calls_total{handler="a\"b",kind="create",result="retry"} 1"#,
            "kopfrs_paused 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in:\n{text}");
        }
    }
}
