//! An operator, the objects that it handles, and what it was called for.

use std::collections::BTreeMap;

use kopfrs::cause::ChangingCause;
use kopfrs::handler::Invocation;
use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Gate, Objects, OperatorHandle, OperatorSetup, Test};
use kopfrs_tests::rest::Rest;

const PLURAL: &str = "gauges";
const GROUP: &str = "weather.example.com";

/// A namespace of objects.
#[derive(Clone)]
pub(super) struct Station {
    pub(super) cluster: Cluster,
    pub(super) gauges: Objects<Value>,
    pub(super) rest: Rest,
}

/// Runs a test for each row, all at once: on real servers each of them takes a while.
pub(super) fn run_all<R: Send>(
    rows: Vec<(String, R)>,
    check: impl AsyncFn(Station, R) + Copy + Send,
) {
    std::thread::scope(|scope| {
        for (name, row) in rows {
            scope.spawn(move || {
                Test::new(&name).run(async |cluster| check(Station::new(cluster).await, row).await);
            });
        }
    });
}

/// Handlers for creation, update and deletion: `status.size` shows `spec.size`.
pub(super) fn handlers() -> Registry {
    let gauges = || Selector::name(&format!("{PLURAL}.{GROUP}")).expect("the name is valid");
    let show = |call: Arc<Invocation<ChangingCause>>| {
        let size = call.cause.body.spec()["size"].clone();
        call.cause.patch.status(json!({"size": size}));
        std::future::ready(())
    };
    Registry::new()
        .add(on::create_of(gauges()).id("create").run(show))
        .add(on::update_of(gauges()).id("update").run(show))
        .add(on::delete_of(gauges()).id("delete").run(async || {}))
}

/// What was called for one object, as `handler/retry`.
pub(super) fn calls_of(operator: &OperatorHandle, name: &str) -> Vec<String> {
    let calls = operator.calls().of(name);
    let named = calls
        .iter()
        .map(|call| format!("{}/{}", call.handler, call.retry));
    named.collect()
}

impl Station {
    pub(super) async fn new(cluster: Cluster) -> Self {
        cluster.apply(&definition().to_string()).await;
        Self {
            gauges: cluster.kind(&format!("{PLURAL}.{GROUP}")).await,
            rest: Rest::new(cluster.client()),
            cluster,
        }
    }

    pub(super) fn operator(&self) -> OperatorSetup {
        self.cluster.operator().handlers(handlers())
    }

    /// Starts an operator that goes through a gate.
    pub(super) async fn start_behind(
        &self,
        gate: &Gate,
        settings: impl FnOnce(&mut Settings),
    ) -> OperatorHandle {
        self.operator()
            .settings(settings)
            .through(gate)
            .start()
            .await
    }

    /// The path of an object.
    pub(super) fn path(&self, name: &str) -> String {
        let namespace = self.cluster.namespace();
        format!("/apis/{GROUP}/v1/namespaces/{namespace}/{PLURAL}/{name}")
    }

    pub(super) async fn create(&self, name: &str, size: u32) {
        let gauge = json!({"metadata": {"name": name}, "spec": {"size": size}});
        self.gauges.create(&gauge).await;
    }

    pub(super) async fn resize(&self, name: &str, size: u64) {
        self.gauges
            .merge(name, json!({"spec": {"size": size}}))
            .await;
    }

    /// All objects, by their names.
    pub(super) async fn all(&self) -> BTreeMap<String, Value> {
        let named = |item: Value| Some((item["metadata"]["name"].as_str()?.to_owned(), item));
        let all = self.gauges.list().await;
        all.into_iter().filter_map(named).collect()
    }

    /// Waits until something holds of all objects.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&BTreeMap<String, Value>) -> bool) {
        self.cluster
            .until(what, async || holds(&self.all().await))
            .await;
    }

    /// Waits until all objects are shown as they are, and are remembered as handled so.
    pub(super) async fn until_calm(&self, count: usize) {
        let what = format!("{count} gauges to be handled");
        self.until(&what, |all| {
            all.len() == count && all.values().all(is_handled)
        })
        .await;
    }
}

/// Whether the status shows what the spec says, and that is what was handled last.
pub(super) fn is_handled(object: &Value) -> bool {
    let handling = &object["status"]["handling"]["kopfrs.dev"];
    let baseline = handling["lastHandledConfiguration"].as_str();
    let baseline: Value = baseline
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    object["status"]["size"] == object["spec"]["size"]
        && baseline["spec"] == object["spec"]
        && baseline["metadata"]["labels"] == object["metadata"]["labels"]
        && handling["progress"].is_null()
}

fn definition() -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({"type": "object", "properties": {"spec": open, "status": open}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{PLURAL}.{GROUP}")},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": "Gauge", "plural": PLURAL, "singular": "gauge"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}
