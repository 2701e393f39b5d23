//! What happens by itself: tasks that follow the store's log.
//!
//! Each is a loop over events that decides from the store's present state, so that a lost race is tried again with the
//! next event. They write through the same rules as requests do, without HTTP.

mod aggregation;
mod definitions;
mod garbage;
mod names;
mod namespaces;
mod workloads;

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    admission::Caller,
    auth::User,
    cluster::Cluster,
    object::{meta, metadata_mut},
    registry::Kind,
    strategy,
    verbs::{Target, delete},
};

/// The resource of definitions in the store.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Starts all controllers; dropping the set stops them.
pub(crate) fn start(cluster: &Arc<Cluster>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(definitions::run(cluster.clone(), cluster.store.feed()));
    tasks.spawn(namespaces::run(cluster.clone(), cluster.store.feed()));
    tasks.spawn(aggregation::run(cluster.clone(), cluster.store.feed()));
    tasks.spawn(garbage::run(cluster.clone(), cluster.store.feed()));
    if cluster.settings.workloads {
        tasks.spawn(workloads::run(cluster.clone(), cluster.store.feed()));
    }
    tasks
}

/// Changes an object, as often as it takes; removes it when nothing holds it any more.
fn change(cluster: &Cluster, resource: &str, key: &str, change: impl Fn(&mut Value)) {
    let store = &cluster.store;
    while let Some(current) = store.get(resource, key) {
        let mut value = current.value.clone();
        change(&mut value);
        strategy::metadata::clean(metadata_mut(&mut value));
        let done = if strategy::may_go(&value) {
            store.remove(resource, key, current.revision).is_ok()
        } else if value == current.value {
            true
        } else {
            store
                .replace(resource, key, current.revision, current.form.clone(), value)
                .is_ok()
        };
        if done {
            return;
        }
    }
}

/// What became of an attempt to delete something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is gone, on its way, or not what was meant any more.
    Done,
    /// A webhook said no, or could not be asked: it may be another time.
    Refused,
}

/// How long what was refused is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// A controller as webhooks know it.
fn caller(account: &str) -> Caller {
    Caller::new(User::service_account("kube-system", account))
}

/// Deletes an object; that it is gone already is fine. It is done in the version that is stored, if that is served: no
/// conversion is needed then.
async fn delete(
    cluster: &Cluster,
    kind: &Arc<Kind>,
    object: &Value,
    options: &delete::DeleteOptions,
) -> Outcome {
    let kinds = cluster.registry.kinds();
    let target = Target {
        kind: kinds.stored(kind).unwrap_or(kind).clone(),
        namespace: meta(object, "namespace").to_owned(),
        name: meta(object, "name").to_owned(),
    };
    match delete::delete(cluster, &target, options).await {
        Err(error) if !matches!(error.code, 404 | 409) => {
            tracing::warn!(resource = %kind.resource, key = target.key(), %error, "failed to delete an object");
            Outcome::Refused
        }
        Ok(_) | Err(_) => Outcome::Done,
    }
}
