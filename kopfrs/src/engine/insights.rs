//! What an operator has found out about its cluster, for aspects that follow it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::resource::Resource;

/// What an operator has found out about its cluster.
#[derive(Clone, Debug)]
pub(crate) struct Insights {
    /// All resources that the API serves.
    pub(crate) resources: Arc<[Resource]>,
    /// The namespaces that are served; `None` for all.
    pub(crate) namespaces: Option<Arc<BTreeSet<String>>>,
    /// Counts changes of definitions: one may have gone and come again though nothing else has changed.
    pub(crate) changes: u64,
}

impl Insights {
    /// Whether objects in a namespace are the operator's; those in none are.
    pub(crate) fn has_namespace(&self, namespace: Option<&str>) -> bool {
        match (&self.namespaces, namespace) {
            (Some(served), Some(namespace)) => served.contains(namespace),
            (_, None) | (None, _) => true,
        }
    }
}
