//! Indices: what is kept of pods, for handlers of other objects, timers and probes to look up.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kopfrs::prelude::*;

/// Whether each pod is running, by its namespace and name.
#[on::index(Pod)]
fn is_running(
    namespace: &str,
    name: &str,
    status: Option<PodStatus>,
) -> BTreeMap<(String, String), bool> {
    let phase = status.and_then(|status| status.phase);
    let key = (namespace.to_owned(), name.to_owned());
    BTreeMap::from([(key, phase.as_deref() == Some("Running"))])
}

/// The names of the pods with each label.
#[on::index(Pod)]
fn by_label(labels: BTreeMap<String, String>, name: &str) -> Vec<((String, String), String)> {
    let pairs = labels.into_iter();
    pairs.map(|label| (label, name.to_owned())).collect()
}

/// Tells in the status which pods of the object are there, and which of these are running.
#[on::resume("kopfexamples")]
#[on::create("kopfexamples")]
#[on::update("kopfexamples")]
fn count_pods(
    name: &str,
    namespace: Option<&str>,
    patch: &Patch,
    by_label: &Index<(String, String), String>,
    is_running: &Index<(String, String), bool>,
) {
    let mut pods = by_label.get(&("app".to_owned(), name.to_owned())).to_vec();
    pods.sort();
    let namespace = namespace.unwrap_or_default();
    let runs = |pod: &String| {
        let key = (namespace.to_owned(), pod.clone());
        is_running.get(&key).contains(&true)
    };
    let running: Vec<_> = pods.iter().filter(|pod| runs(pod)).collect();
    info!("{} of {} pods are running", running.len(), pods.len());
    patch.status(json!({ "pods": pods, "running": running }));
}

/// `curl localhost:8080/healthz`, with `--liveness http://localhost:8080/healthz`.
#[on::probe]
fn pod_count(is_running: &Index<(String, String), bool>) -> usize {
    is_running.len()
}

/// The names of all pods.
#[on::probe]
fn pod_names(is_running: &Index<(String, String), bool>) -> Vec<String> {
    let mut names: Vec<_> = is_running
        .keys()
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    names.sort();
    names
}

/// Tells in the status each few seconds which pods are running beside the object, whoever they belong to.
#[on::timer("kopfexamples", interval = 5)]
fn intervalled(
    namespace: Option<&str>,
    patch: &Patch,
    is_running: &Index<(String, String), bool>,
    by_label: &Index<(String, String), String>,
) {
    debug!("{by_label:?}");
    let pods = is_running.iter();
    let running = pods.filter(|(_, states)| states.contains(&true));
    let mut beside: Vec<_> = running
        .map(|(pod, _)| pod)
        .filter(|(place, _)| Some(place.as_str()) == namespace)
        .map(|(place, name)| format!("{place}::{name}"))
        .collect();
    beside.sort();
    patch.status(json!({ "running-pods": beside }));
}

#[on::cleanup]
fn cleanup_fn(is_running: &Index<(String, String), bool>) {
    info!("{} pods are left", is_running.len());
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use super::*;

    fn label(value: &str) -> (String, String) {
        ("app".to_owned(), value.to_owned())
    }

    #[test]
    fn pods_of_the_object_are_told() {
        let by_label = Index::from_iter([
            (label("x"), "b".to_owned()),
            (label("x"), "a".to_owned()),
            (label("y"), "c".to_owned()),
        ]);
        let key = |name: &str| ("demo".to_owned(), name.to_owned());
        let is_running = Index::from_iter([(key("a"), true), (key("b"), false)]);
        let patch = Patch::new();
        count_pods("x", Some("demo"), &patch, &by_label, &is_running);
        let told = json!({ "status": { "pods": ["a", "b"], "running": ["a"] } });
        assert_eq!(patch.merged(), told);
    }

    #[test]
    fn probes_and_the_timer_look_up_the_same() {
        let key = |place: &str, name: &str| (place.to_owned(), name.to_owned());
        let is_running = Index::from_iter([
            (key("demo", "b"), true),
            (key("demo", "a"), false),
            (key("other", "c"), true),
        ]);
        assert_eq!(pod_count(&is_running), 3);
        assert_eq!(pod_names(&is_running), ["a", "b", "c"]);
        let patch = Patch::new();
        let none = Index::from_iter(Vec::<(_, String)>::new());
        intervalled(Some("demo"), &patch, &is_running, &none);
        let told = json!({ "status": { "running-pods": ["demo::b"] } });
        assert_eq!(patch.merged(), told);
    }

    #[test]
    fn a_pod_runs_that_says_so() {
        let status = |phase: &str| PodStatus {
            phase: Some(phase.to_owned()),
            ..PodStatus::default()
        };
        for (status, expected) in [
            (None, false),
            (Some(status("Pending")), false),
            (Some(status("Running")), true),
        ] {
            let indexed = is_running("demo", "a", status);
            assert_eq!(indexed.into_values().next(), Some(expected));
        }
    }
}
