//! Ending namespaces: Pods first, then everything else, then the namespace itself.
//!
//! Follows namespaces and, while one is terminating, what happens in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::Outcome;
use crate::{
    cluster::Cluster,
    object::{Object, child_mut, is_deleting, meta_list},
    registry::Kind,
    storage::Event,
    strategy::builtin::definition::set_condition,
    verbs::delete::DeleteOptions,
};

const NAMESPACES: &str = "namespaces";
/// As whom it deletes.
const ACCOUNT: &str = "namespace-controller";
/// How long a namespace is left alone after its deletion was asked for. Clusters wait five seconds;
/// what matters is that clients see the namespace terminating before it is changed any further.
const GRACE: Duration = Duration::from_secs(1);
/// Events looked at in one go: many of one namespace cost one look at it.
const BATCH: usize = 4096;

pub(super) async fn run(cluster: Arc<Cluster>, mut feed: UnboundedReceiver<Arc<Event>>) {
    let mut terminating = BTreeSet::new();
    let mut refused = BTreeSet::new();
    let mut events = Vec::new();
    loop {
        tokio::select! {
            count = feed.recv_many(&mut events, BATCH) => if count == 0 {
                return;
            },
            // What was refused is tried again together with what happens next, or else after a while.
            () = tokio::time::sleep(super::RETRY), if !refused.is_empty() => {}
        }
        let mut touched = std::mem::take(&mut refused);
        let mut is_new = false;
        for event in events.drain(..) {
            if event.resource.as_ref() == NAMESPACES {
                if is_deleting(&event.object.value) {
                    is_new |= terminating.insert(event.key.clone());
                    touched.insert(event.key.clone());
                }
            } else if let Some((namespace, _)) = event.key.split_once('/')
                && terminating.contains(namespace)
            {
                touched.insert(namespace.to_owned());
            }
        }
        if is_new {
            tokio::time::sleep(GRACE).await;
        }
        for namespace in touched {
            match empty(&cluster, &namespace).await {
                Emptied::Gone => drop(terminating.remove(&namespace)),
                Emptied::Refused => drop(refused.insert(namespace)),
                Emptied::AsFarAsItGoes => {}
            }
        }
    }
}

/// What became of an attempt to empty a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emptied {
    /// There is no such namespace, or it is not to end.
    Gone,
    /// Everything is gone or has been told to go.
    AsFarAsItGoes,
    /// Something was not allowed to go.
    Refused,
}

/// Empties a terminating namespace as far as it goes.
async fn empty(cluster: &Cluster, namespace: &str) -> Emptied {
    let Some(object) = cluster.store.get(NAMESPACES, namespace) else {
        return Emptied::Gone;
    };
    if !is_deleting(&object.value) {
        return Emptied::Gone;
    }
    let kinds = cluster.registry.kinds();
    let namespaced: Vec<&Arc<Kind>> = kinds
        .resources()
        .filter(|kind| kind.namespaced && kind.verbs.contains(&"delete"))
        .collect();
    let is_pods = |kind: &&&Arc<Kind>| kind.plural == "pods" && kind.group.is_empty();
    let mut left = Left::default();
    for kind in namespaced.iter().filter(is_pods) {
        left.delete_all(cluster, kind, namespace).await;
    }
    if left.is_empty() {
        for kind in namespaced.iter().filter(|kind| !is_pods(kind)) {
            left.delete_all(cluster, kind, namespace).await;
        }
    }
    let now = cluster.clock.rfc3339();
    super::change(cluster, NAMESPACES, namespace, |value| {
        left.report(value, &now);
        if left.is_empty() {
            child_mut(value, "spec").remove("finalizers");
        }
    });
    if left.is_refused {
        Emptied::Refused
    } else {
        Emptied::AsFarAsItGoes
    }
}

/// What is left in a namespace.
#[derive(Default)]
struct Left {
    /// By `plural.group`.
    resources: BTreeMap<String, usize>,
    finalizers: BTreeMap<String, usize>,
    is_refused: bool,
}

impl Left {
    fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Deletes all objects of a kind in the namespace, and counts what finalizers or grace still hold.
    async fn delete_all(&mut self, cluster: &Cluster, kind: &Arc<Kind>, namespace: &str) {
        let prefix = format!("{namespace}/");
        let options = DeleteOptions {
            is_collective: true,
            caller: Some(super::caller(ACCOUNT)),
            given: json!({"propagationPolicy": "Background"}),
            ..DeleteOptions::default()
        };
        for object in cluster.store.list(&kind.resource, &prefix).1 {
            if !is_deleting(&object.value) {
                let outcome = super::delete(cluster, kind, &object.value, &options).await;
                self.is_refused |= outcome == Outcome::Refused;
            }
        }
        self.count(kind, &cluster.store.list(&kind.resource, &prefix).1);
    }

    fn count(&mut self, kind: &Kind, objects: &[Arc<Object>]) {
        if objects.is_empty() {
            return;
        }
        self.resources
            .insert(format!("{}.{}", kind.plural, kind.group), objects.len());
        for object in objects {
            for finalizer in meta_list(&object.value, "finalizers") {
                *self.finalizers.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
    }

    /// Writes the conditions a real namespace controller writes.
    fn report(&self, value: &mut Value, now: &str) {
        if self.is_empty() && value["status"]["conditions"].is_null() {
            return;
        }
        let status = child_mut(value, "status");
        status.entry("conditions").or_insert_with(|| json!([]));
        for (kind, state, reason, message) in self.conditions() {
            set_condition(status, kind, state, reason, &message, now);
        }
    }

    fn conditions(&self) -> [(&'static str, &'static str, &'static str, String); 5] {
        let fine = |kind, reason, message: &str| (kind, "False", reason, message.to_owned());
        let content = if self.is_empty() {
            fine(
                "NamespaceContentRemaining",
                "ContentRemoved",
                "All content successfully removed",
            )
        } else {
            let message = format!(
                "Some resources are remaining: {}",
                joined(&self.resources, "has")
            );
            (
                "NamespaceContentRemaining",
                "True",
                "SomeResourcesRemain",
                message,
            )
        };
        let finalizers = if self.finalizers.is_empty() {
            let message = "All content-preserving finalizers finished";
            fine(
                "NamespaceFinalizersRemaining",
                "ContentHasNoFinalizers",
                message,
            )
        } else {
            let list = joined(&self.finalizers, "in");
            let message = format!("Some content in the namespace has finalizers remaining: {list}");
            (
                "NamespaceFinalizersRemaining",
                "True",
                "SomeFinalizersRemain",
                message,
            )
        };
        let discovered = "All resources successfully discovered";
        let parsed = "All legacy kube types successfully parsed";
        let deleted = "All content successfully deleted, may be waiting on finalization";
        [
            fine(
                "NamespaceDeletionDiscoveryFailure",
                "ResourcesDiscovered",
                discovered,
            ),
            fine(
                "NamespaceDeletionGroupVersionParsingFailure",
                "ParsedGroupVersions",
                parsed,
            ),
            fine("NamespaceDeletionContentFailure", "ContentDeleted", deleted),
            content,
            finalizers,
        ]
    }
}

fn joined(counts: &BTreeMap<String, usize>, word: &str) -> String {
    let texts = counts
        .iter()
        .map(|(name, count)| format!("{name} {word} {count} resource instances"));
    texts.collect::<Vec<_>>().join(", ")
}
