//! The operator of the external store, and the store.

use std::time::Duration;

use kopfrs::lifecycle::Operation;
use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Objects, OperatorHandle};

use crate::examples::external_store::store::{Fault, Store};
use crate::handlers_of;

pub(super) use Operation::{Create, Delete, Update};

/// The operator of the external store, at work.
pub(super) struct Bench {
    pub(super) cluster: Cluster,
    pub(super) store: Store,
    pub(super) entries: Objects<Value>,
    pub(super) operator: OperatorHandle,
}

impl Bench {
    /// With a store that does everything at once.
    pub(super) async fn new(cluster: Cluster) -> Self {
        Self::with(cluster, Store::default()).await
    }

    /// With a store that takes its time.
    pub(super) async fn slow(cluster: Cluster) -> Self {
        Self::with(cluster, Store::slow(Duration::from_millis(300))).await
    }

    pub(super) async fn with(cluster: Cluster, store: Store) -> Self {
        let definitions = handlers_of("external_store").definitions();
        for definition in definitions {
            let text = serde_json::to_string(&definition).expect("JSON");
            cluster.apply(&text).await;
        }
        let shared = store.clone();
        let connect = move || std::future::ready(State(shared.clone()));
        let handlers = Registry::new()
            .add(on::startup().id("connect").run(connect))
            .merge(&handlers_of("external_store"));
        let operator = cluster.operator().handlers(handlers).start().await;
        Self {
            entries: cluster.kind("entries.store.kopf.dev").await,
            cluster,
            store,
            operator,
        }
    }

    /// An object that asks for a value.
    pub(super) async fn create(&self, name: &str, value: &str) {
        self.create_with(name, value, "{}").await;
    }

    /// The same with annotations.
    pub(super) async fn create_with(&self, name: &str, value: &str, annotations: &str) {
        self.entries
            .create_from(&format!(
                "{{apiVersion: store.kopf.dev/v1, kind: Entry, metadata: {{name: {name}, annotations: {annotations}}}, \
                 spec: {{value: {value}}}}}"
            ))
            .await;
    }

    pub(super) async fn until_phase(&self, name: &str, phase: &str) -> Value {
        let is_there = |entry: &Value| entry["status"]["phase"] == phase;
        self.entries.until(name, is_there).await
    }

    /// Waits until the object tells that it was looked at as it is now, and is there.
    pub(super) async fn until_current(&self, name: &str) -> Value {
        let is_current = |entry: &Value| {
            let is_seen = entry["status"]["observedGeneration"] == entry["metadata"]["generation"];
            is_seen && entry["status"]["phase"] == "Succeeded"
        };
        self.entries.until(name, is_current).await
    }

    /// Waits until the store has answered so many calls of an operation about a name.
    pub(super) async fn until_calls(&self, name: &str, operation: Operation, count: usize) {
        let store = &self.store;
        let has_come = move || async move {
            let calls = store.calls(name);
            let number = calls
                .iter()
                .filter(|(called, _)| *called == operation)
                .count();
            number >= count
        };
        self.cluster
            .until(format!("{count} calls to {operation} {name}"), has_come)
            .await;
    }

    pub(super) fn fail(
        &self,
        name: &'static str,
        operation: Operation,
        (after, times): (usize, usize),
    ) {
        self.store.fail(Fault {
            name,
            operation,
            after,
            times,
            message: "the store is on fire",
        });
    }

    pub(super) async fn stop(&self) {
        crate::stop(&self.operator).await;
    }
}
