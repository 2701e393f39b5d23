//! Workloads: Deployments make ReplicaSets, those and Jobs make Pods.
//!
//! One loop over events of all three and of Pods. There is no kubelet: Pods stay Pending until somebody writes their
//! status, and then everything goes on as in a cluster. Pods and ReplicaSets that nobody owns are not adopted. What is
//! written goes through webhooks, under the names that a cluster's controllers have.

mod condition;
mod deployment;
mod history;
mod job;
mod pods;
mod progress;
mod replica_set;
mod rollout;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;
use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};

use crate::{
    cluster::Cluster,
    object::{key, meta},
    storage::Event,
};

const DEPLOYMENTS: &str = "deployments.apps";
const REPLICA_SETS: &str = "replicasets.apps";
const JOBS: &str = "jobs.batch";
const PODS: &str = "pods";

/// Events looked at in one go.
const BATCH: usize = 4096;

/// An object to look at, by its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    ReplicaSet(String),
    Deployment(String),
    Job(String),
}

pub(super) async fn run(cluster: Arc<Cluster>, mut feed: UnboundedReceiver<Arc<Event>>) {
    let mut events = Vec::new();
    // When to look at an object even if nothing happens to it.
    let mut later: BTreeMap<Work, Instant> = BTreeMap::new();
    loop {
        let next = later.values().min().copied();
        tokio::select! {
            count = feed.recv_many(&mut events, BATCH) => if count == 0 {
                return;
            },
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
        let mut due: BTreeSet<Work> = events.drain(..).flat_map(|event| touched(&event)).collect();
        let now = Instant::now();
        let timed = later.iter().filter(|(_, at)| **at <= now);
        due.extend(timed.map(|(work, _)| work.clone()));
        for work in due {
            later.remove(&work);
            if let Some(at) = sync(&cluster, &work).await {
                later.insert(work, at);
            }
        }
    }
}

/// Brings one object nearer to what it wants; gives when to come again, if something has to wait.
async fn sync(cluster: &Cluster, work: &Work) -> Option<Instant> {
    match work {
        Work::ReplicaSet(key) => replica_set::sync(cluster, key).await,
        Work::Deployment(key) => deployment::sync(cluster, key).await,
        Work::Job(key) => job::sync(cluster, key).await,
    }
}

/// Whom an event concerns: the object, and who owns it.
fn touched(event: &Event) -> Vec<Work> {
    let own = match event.resource.as_ref() {
        DEPLOYMENTS => Some(Work::Deployment(event.key.clone())),
        REPLICA_SETS => Some(Work::ReplicaSet(event.key.clone())),
        JOBS => Some(Work::Job(event.key.clone())),
        PODS => None,
        _ => return Vec::new(),
    };
    own.into_iter().chain(owner(&event.object.value)).collect()
}

fn owner(value: &Value) -> Option<Work> {
    let owner = controller(value)?;
    let key = key(meta(value, "namespace"), owner["name"].as_str()?);
    match owner["kind"].as_str()? {
        "Deployment" => Some(Work::Deployment(key)),
        "ReplicaSet" => Some(Work::ReplicaSet(key)),
        "Job" => Some(Work::Job(key)),
        _ => None,
    }
}

/// The owner reference that says who controls an object.
fn controller(value: &Value) -> Option<&Value> {
    let owners = value["metadata"]["ownerReferences"].as_array();
    owners
        .into_iter()
        .flatten()
        .find(|owner| owner["controller"] == true)
}

/// What of a resource an object controls.
fn controlled(cluster: &Cluster, resource: &str, by: &Value) -> Vec<Value> {
    let prefix = format!("{}/", meta(by, "namespace"));
    let (uid, objects) = (meta(by, "uid"), cluster.store.list(resource, &prefix).1);
    let mine = objects
        .iter()
        .filter(|object| controller(&object.value).is_some_and(|owner| owner["uid"] == *uid));
    mine.map(|object| object.value.clone()).collect()
}

/// A count in an object, 0 when absent.
fn count(value: &Value, path: [&str; 2]) -> i64 {
    value[path[0]][path[1]].as_i64().unwrap_or(0)
}
