//! What happens by itself: tasks that follow the store's log.
//!
//! Each is a loop over events that decides from the store's present state, so that a lost race is tried again with the
//! next event. They write through the same rules as requests do, without HTTP.

mod definitions;
mod garbage;
mod namespaces;

use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
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
    tasks.spawn(garbage::run(cluster.clone(), cluster.store.feed()));
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
                .replace(resource, key, current.revision, current.schema, value)
                .is_ok()
        };
        if done {
            return;
        }
    }
}

/// Deletes an object; that it is gone already is fine.
fn delete(cluster: &Cluster, kind: &Arc<Kind>, object: &Value, options: &delete::DeleteOptions) {
    let target = Target {
        kind: kind.clone(),
        namespace: meta(object, "namespace").to_owned(),
        name: meta(object, "name").to_owned(),
    };
    if let Err(error) = delete::delete(cluster, &target, options)
        && !matches!(error.code, 404 | 409)
    {
        tracing::warn!(resource = %kind.resource, key = target.key(), %error, "failed to delete an object");
    }
}
