//! How things are, told when a test waits in vain: the object, its events, what the operators have done and still have
//! to do, and what was said last.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::Event;

use super::cluster::Cluster;
use super::handle::OperatorState;
use crate::resource::Resource;

/// How many calls and writes are shown.
const LAST: usize = 10;
/// How many lines of the log are shown.
const TAIL: usize = 25;

/// What is of interest besides the operators.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    /// How an object is called, and its path.
    object: Option<(String, String)>,
    /// Whose events.
    name: Option<String>,
}

impl About {
    /// An object and its events.
    pub(super) fn object(mut self, resource: &Resource, path: String, name: &str) -> Self {
        self.object = Some((format!("{resource} {name}"), path));
        self.events_of(name)
    }

    /// The events of an object.
    pub(super) fn events_of(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }
}

/// Tells how things are.
pub(super) async fn diagnose(cluster: &Cluster, about: &About) -> String {
    let mut text = String::new();
    if let Some((name, path)) = &about.object {
        text.push_str(&object(cluster, name, path).await);
    }
    if let Some(name) = &about.name {
        text.push_str(&events(cluster, name).await);
    }
    for state in cluster.operators() {
        text.push_str(&operator(&state));
    }
    text.push_str(&log(cluster));
    text
}

/// The last lines of the log.
pub(super) fn log(cluster: &Cluster) -> String {
    let log = cluster.log();
    if log.is_empty() {
        return "nothing was said\n".to_owned();
    }
    format!("said last:\n{}", indented(&log.tail(TAIL).to_string()))
}

async fn object(cluster: &Cluster, name: &str, path: &str) -> String {
    let mut object = match cluster.rest().get(path).await {
        Ok(Some(object)) => object,
        Ok(None) => return format!("{name} is not there\n\n"),
        Err(error) => return format!("{name} cannot be read: {error}\n\n"),
    };
    if let Some(meta) = object["metadata"].as_object_mut() {
        meta.remove("managedFields");
    }
    let shown = serde_json::to_string_pretty(&object).unwrap_or_default();
    format!("{name} as it is now:\n{}\n", indented(&shown))
}

async fn events(cluster: &Cluster, name: &str) -> String {
    let events = cluster.events(name).await;
    if events.is_empty() {
        return format!("there are no events about {name}\n\n");
    }
    let mut text = format!("events about {name}:\n");
    for event in events {
        text.push_str(&line(&event));
    }
    text.push('\n');
    text
}

fn line(event: &Event) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let series = event.series.as_ref().and_then(|series| series.count);
    let count = series.or(event.count).unwrap_or(1);
    let (kind, reason, message) = (
        text(&event.type_),
        text(&event.reason),
        text(&event.message),
    );
    format!("  {kind} {reason} ({count} times): {message}\n")
}

fn operator(state: &OperatorState) -> String {
    let mut text = format!("operator {} {}\n", state.number(), state.doing());
    let observer = state.observer();
    let served: Vec<String> = observer.served().iter().map(ToString::to_string).collect();
    let mut say = |what: &str, list: Vec<String>| {
        if !list.is_empty() {
            // Writing to a text does not fail.
            let _ = writeln!(text, "  {what}: {}", list.join(", "));
        }
    };
    say("serves", served);
    say(
        "waits for kinds that the API does not serve",
        observer.missing(),
    );
    let calls = state.calls();
    let skipped = calls.len().saturating_sub(LAST);
    let _ = writeln!(text, "  has called handlers {} times", calls.len());
    for call in &calls[skipped..] {
        let _ = writeln!(text, "    {call}");
    }
    let pending = observer.pending();
    let left = match pending.len() {
        0 => "  has nothing to do".to_owned(),
        1 => "  has something to do for 1 object".to_owned(),
        count => format!("  has something to do for {count} objects"),
    };
    let _ = writeln!(text, "{left}");
    for object in pending.iter().take(LAST) {
        let _ = writeln!(
            text,
            "    {} {} {}",
            object.resource, object.key, object.state
        );
    }
    text.push('\n');
    text
}

fn indented(text: &str) -> String {
    let lines = text.lines().flat_map(|line| ["  ", line, "\n"]);
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_with_how_often_they_were() {
        let event: Event = serde_json::from_value(serde_json::json!({
            "metadata": {}, "involvedObject": {}, "type": "Warning", "reason": "Failed", "message": "no", "count": 3,
        }))
        .unwrap();
        assert_eq!(line(&event), "  Warning Failed (3 times): no\n");
        assert_eq!(line(&Event::default()), "    (1 times): \n");
    }
}
