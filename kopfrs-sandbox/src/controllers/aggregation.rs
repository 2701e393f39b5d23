//! Keeps roles that are made of other roles up to date.
//!
//! Follows cluster roles. Each change of one may concern any that aggregates.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    cluster::Cluster,
    object::{fields_mut, key_of},
    rbac::{CLUSTER_ROLES, gathered},
    storage::Event,
};

/// Events looked at in one go.
const BATCH: usize = 4096;

pub(super) async fn run(cluster: Arc<Cluster>, mut feed: UnboundedReceiver<Arc<Event>>) {
    let mut events = Vec::new();
    while feed.recv_many(&mut events, BATCH).await > 0 {
        let concerned = events
            .drain(..)
            .any(|event: Arc<Event>| event.resource.as_ref() == CLUSTER_ROLES);
        if concerned {
            gather(&cluster);
        }
    }
}

fn gather(cluster: &Cluster) {
    let all = cluster.store.list(CLUSTER_ROLES, "").1;
    for role in &all {
        let Some(rules) = gathered(&role.value, &all) else {
            continue;
        };
        let rules = if rules.is_empty() {
            Value::Null
        } else {
            Value::Array(rules)
        };
        if role.value["rules"] != rules {
            super::change(cluster, CLUSTER_ROLES, &key_of(&role.value), |value| {
                fields_mut(value).insert("rules".to_owned(), rules.clone());
            });
        }
    }
}
