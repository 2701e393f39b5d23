//! What happens by itself: tasks that follow the store's log.
//!
//! Each is a loop over events that decides from the store's present state, so that a lost race is tried again with the
//! next event. They write through the same rules as requests do, without HTTP.

mod definitions;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::cluster::Cluster;

/// The resource of definitions in the store.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Starts all controllers; dropping the set stops them.
pub(crate) fn start(cluster: &Arc<Cluster>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let feed = cluster.store.feed();
    tasks.spawn(definitions::run(cluster.clone(), feed));
    tasks
}
