//! An operator in this process, the objects that it handles, and what it was called for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::cause::ChangingCause;
use kopfrs::handler::Invocation;
use kopfrs::operator::OperatorBuilder;
use kopfrs::prelude::*;
use kopfrs_sandbox::Proxy;
use kopfrs_tests::backend::{Cluster, Namespace, Rest};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How long anything may take on a slow machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

const PLURAL: &str = "gauges";
const GROUP: &str = "weather.example.com";

/// What the handlers do: `status.size` shows `spec.size`.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

/// A namespace of objects.
pub(super) struct Station {
    pub(super) cluster: &'static Cluster,
    pub(super) namespace: Namespace,
    pub(super) rest: Rest,
    pub(super) calls: Calls,
}

/// An operator that runs.
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), kopfrs::operator::OperatorError>>,
}

impl Calls {
    fn note(&self, call: &Invocation<ChangingCause>) {
        let mut calls = self.0.lock().expect("nobody panics with it");
        let name = call.cause.body.name().to_owned();
        let handler = format!("{}/{}", call.handler, call.attempt.retry);
        calls.entry(name).or_default().push(handler);
    }

    /// What was called for one object, as `handler/retry`.
    pub(super) fn of(&self, name: &str) -> Vec<String> {
        let calls = self.0.lock().expect("nobody panics with it");
        calls.get(name).cloned().unwrap_or_default()
    }
}

impl Station {
    pub(super) async fn new(prefix: &str) -> Self {
        let cluster = Cluster::get();
        cluster.install(&[definition()]).await;
        Self {
            cluster,
            namespace: cluster.namespace(prefix).await,
            rest: cluster.rest(),
            calls: Calls::default(),
        }
    }

    /// Handlers for creation, update and deletion that show the size in the status.
    pub(super) fn registry(&self) -> Registry {
        let gauges = || Selector::name(&format!("{PLURAL}.{GROUP}")).expect("the name is valid");
        let show = |is_shown: bool| {
            let calls = self.calls.clone();
            move |call: Arc<Invocation<ChangingCause>>| {
                calls.note(&call);
                if is_shown {
                    let size = call.cause.body.spec()["size"].clone();
                    call.cause.patch.status(json!({"size": size}));
                }
                std::future::ready(Ok::<(), HandlerError>(()))
            }
        };
        Registry::new()
            .add(on::create_of(gauges()).id("create").run(show(true)))
            .add(on::update_of(gauges()).id("update").run(show(true)))
            .add(on::delete_of(gauges()).id("delete").run(show(false)))
    }

    /// A proxy before the cluster, and the way through it.
    pub(super) async fn proxy(&self) -> Proxy {
        self.cluster.proxy().await
    }

    /// Starts an operator that goes through a proxy.
    pub(super) async fn start_behind(&self, proxy: &Proxy, settings: Settings) -> Running {
        let client = Client::try_from(proxy.config()).expect("a client can be made");
        self.start(client, settings).await
    }

    /// Starts an operator, and goes on when it watches.
    pub(super) async fn start(&self, client: Client, settings: Settings) -> Running {
        let builder = Operator::builder().registry(self.registry());
        self.start_built(builder.settings(settings).client(client))
            .await
    }

    pub(super) async fn start_built(&self, builder: OperatorBuilder) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = oneshot::channel::<()>();
        let operator = builder
            .namespace(self.namespace.name())
            .stop_when(async move { drop(stopped.await) })
            .cancel_when(std::future::pending())
            .on_ready(move |_| ready.send(()).expect("the test waits for it"))
            .build()
            .expect("the operator is well put together");
        let task = tokio::spawn(operator.run());
        is_ready.await.expect("the operator gets ready");
        Running { stop, task }
    }

    /// The path of an object.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.list_path())
    }

    pub(super) fn list_path(&self) -> String {
        format!(
            "/apis/{GROUP}/v1/namespaces/{}/{PLURAL}",
            self.namespace.name()
        )
    }

    pub(super) async fn create(&self, name: &str, size: u32) {
        let object = json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": "Gauge",
            "metadata": {"name": name}, "spec": {"size": size},
        });
        self.rest
            .post(&self.list_path(), &object)
            .await
            .unwrap_or_else(|error| panic!("{name} cannot be created: {error}"));
    }

    pub(super) async fn merge(&self, name: &str, patch: Value) {
        self.rest
            .merge(&self.path(name), &patch)
            .await
            .unwrap_or_else(|error| panic!("{name} cannot be patched: {error}"));
    }

    /// All objects, by their names.
    pub(super) async fn all(&self) -> BTreeMap<String, Value> {
        let list = self.rest.get(&self.list_path()).await;
        let list = list.expect("the objects are listed").unwrap_or_default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let named = |item: Value| Some((item["metadata"]["name"].as_str()?.to_owned(), item));
        items.into_iter().filter_map(named).collect()
    }

    /// Waits until something holds of all objects.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&BTreeMap<String, Value>) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let all = self.all().await;
            if holds(&all) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{what} has not come: {:#}",
                all.values().next().unwrap()
            );
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until all objects are shown as they are, and are remembered as handled so.
    pub(super) async fn until_calm(&self, count: usize) {
        self.until("that all is handled", |all| {
            all.len() == count && all.values().all(is_handled)
        })
        .await;
    }
}

impl Station {
    /// Leaves nothing behind: without the operator nobody takes its finalizers off.
    pub(super) async fn leave(self) {
        for (name, _) in self.all().await {
            let path = self.path(&name);
            let free = json!({"metadata": {"finalizers": null}});
            let deleted = self.rest.delete(&path, None).await;
            deleted.expect("it is deleted");
            // Without a finalizer it is gone already.
            let _ = self.rest.merge(&path, &free).await;
        }
        self.namespace.delete().await;
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

impl Running {
    pub(super) async fn stop(self) {
        drop(self.stop);
        self.task
            .await
            .expect("the operator does not panic")
            .expect("the operator ends well");
    }

    /// Whether it still runs: it must not end by itself.
    pub(super) fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
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
