//! An API server with a few kinds, an operator on it, and what has been called.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::cause::ChangingCause;
use kopfrs::handler::Invocation;
use kopfrs::operator::OperatorBuilder;
use kopfrs::prelude::*;
use kopfrs::storage::Persistence;
use kopfrs_sandbox::Sandbox;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch as ApiPatch, PatchParams, PostParams};
use kube::client::Body;
use kube::core::{ApiResource, GroupVersionKind};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A demo whose status keeps whatever is put there.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "example.com", version = "v1", kind = "Demo", namespaced)]
pub(crate) struct DemoSpec {
    pub(crate) size: u32,
}

/// What has been called: handler, object, and what it saw.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) handler: String,
    pub(crate) name: String,
    pub(crate) retry: u32,
    pub(crate) old: Value,
    pub(crate) new: Value,
}

/// The calls of all handlers, in order.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Seen>>>);

impl Calls {
    pub(crate) fn note(&self, call: &Invocation<ChangingCause>) {
        let spec = |essence: &Option<Arc<Value>>| {
            essence
                .as_ref()
                .map_or(Value::Null, |e| e.get("spec").cloned().unwrap_or_default())
        };
        self.0.lock().unwrap().push(Seen {
            handler: call.handler.to_string(),
            name: call.cause.body.name().to_owned(),
            retry: call.attempt.retry,
            old: spec(&call.cause.old),
            new: spec(&call.cause.new),
        });
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// The calls as `handler/retry`, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.all()
            .iter()
            .map(|call| format!("{}/{}", call.handler, call.retry))
            .collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// How the status of the kind is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Status {
    /// An endpoint of its own, and everything is kept.
    Open,
    /// An endpoint of its own, and nothing but `phase` is kept.
    Strict,
    /// A part of the object like others.
    Plain,
}

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) calls: Calls,
}

pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), kopfrs::operator::OperatorError>>,
}

impl Bench {
    pub(crate) async fn new(status: Status) -> Self {
        let sandbox = Sandbox::new();
        let client = sandbox.client();
        let bench = Self {
            sandbox,
            client,
            calls: Calls::default(),
        };
        bench.install(status).await;
        bench
    }

    /// Installs the kind, and waits until it is served.
    pub(crate) async fn install(&self, status: Status) {
        self.sandbox.apply_yaml(&definition(status)).await.unwrap();
    }

    /// A function for a handler: notes the call, and does what is asked for.
    pub(crate) fn handler<F>(
        &self,
        act: impl Fn(Arc<Invocation<ChangingCause>>) -> F + Clone + Send + Sync + 'static,
    ) -> impl Fn(Arc<Invocation<ChangingCause>>) -> F + Clone + Send + Sync + 'static
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let calls = self.calls.clone();
        move |call: Arc<Invocation<ChangingCause>>| {
            calls.note(&call);
            act(call)
        }
    }

    /// A function for a handler that notes the call and is content.
    pub(crate) fn noting(
        &self,
    ) -> impl Fn(Arc<Invocation<ChangingCause>>) -> std::future::Ready<Result<()>>
    + Clone
    + Send
    + Sync
    + 'static {
        self.handler(|_| std::future::ready(Ok(())))
    }

    /// Starts an operator, and goes on when it watches everything.
    pub(crate) async fn start(&self, registry: Registry) -> Running {
        self.start_with(registry, Settings::default()).await
    }

    pub(crate) async fn start_with(&self, registry: Registry, settings: Settings) -> Running {
        self.start_built(Operator::builder().registry(registry).settings(settings))
            .await
    }

    /// The same bench, with an operator whose requests are seen first: those that get a status are
    /// refused with it.
    pub(crate) fn refusing(
        self,
        refuse: impl Fn(&http::Request<Body>) -> Option<u16> + Clone + Send + 'static,
    ) -> Self {
        let inner = self.client.clone();
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let (inner, refused) = (inner.clone(), refuse(&request));
            async move {
                let Some(code) = refused else {
                    return inner.send(request).await;
                };
                let text =
                    json!({"kind": "Status", "status": "Failure", "message": "no", "code": code});
                let response = http::Response::builder()
                    .status(code)
                    .header("content-type", "application/json");
                Ok(response
                    .body(Body::from(text.to_string().into_bytes()))
                    .unwrap())
            }
        });
        Self {
            client: kube::Client::new(service, "default"),
            ..self
        }
    }

    pub(crate) async fn start_built(&self, builder: OperatorBuilder) -> Running {
        Running::start(builder.client(self.client.clone())).await
    }

    /// Starts an operator, and does not wait for it.
    pub(crate) fn launch(&self, registry: Registry, settings: Settings) -> Running {
        let builder = Operator::builder().registry(registry).settings(settings);
        Running::launch(builder.client(self.client.clone()), || {})
    }

    pub(crate) fn api(&self) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk("example.com", "v1", "Demo");
        Api::namespaced_with(self.client.clone(), "default", &ApiResource::from_gvk(&gvk))
    }

    pub(crate) async fn create(&self, name: &str, spec: Value) {
        let object = json!({
            "apiVersion": "example.com/v1", "kind": "Demo", "metadata": {"name": name}, "spec": spec,
        });
        let object = serde_json::from_value(object).unwrap();
        self.api()
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
    }

    pub(crate) async fn merge(&self, name: &str, patch: Value) {
        self.api()
            .patch(name, &PatchParams::default(), &ApiPatch::Merge(patch))
            .await
            .unwrap();
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.api()
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }

    pub(crate) async fn get(&self, name: &str) -> Option<Value> {
        let found = self.api().get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    /// Waits until a condition holds; ten minutes of the paused clock are an eternity.
    pub(crate) async fn until<F: Future<Output = bool>>(
        &self,
        what: &str,
        mut condition: impl FnMut() -> F,
    ) {
        for _ in 0..6000 {
            if condition().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{what} has not come; calls: {:?}", self.calls.names());
    }

    pub(crate) async fn until_calls(&self, count: usize) {
        self.until("the number of calls", || async {
            self.calls.all().len() >= count
        })
        .await;
    }

    pub(crate) async fn until_gone(&self, name: &str) {
        self.until("the end of the object", || async {
            self.get(name).await.is_none()
        })
        .await;
    }

    /// Waits until the object is remembered as handled, with this essence.
    pub(crate) async fn until_handled(&self, name: &str) {
        self.until("the end of the handling", || async {
            let object = self.get(name).await.unwrap_or_default();
            let (spec, memory) = (object["spec"].clone(), memory(&object));
            memory.is_some_and(|memory| memory["spec"] == spec) && progress(&object).is_none()
        })
        .await;
    }

    /// The writes to one object by the operator: method and subresource, as `PATCH` or `PATCH/status`.
    pub(crate) fn writes(&self, name: &str) -> Vec<String> {
        let writes = self
            .sandbox
            .journal()
            .for_object("demos", "default", name)
            .writes();
        let own = writes.matching(|request| {
            request.user_agent().starts_with("kopfrs") || request.method() == "PATCH"
        });
        own.iter()
            .map(|request| match request.subresource() {
                "" => request.method().to_owned(),
                subresource => format!("{}/{subresource}", request.method()),
            })
            .collect()
    }
}

impl Running {
    /// Starts an operator, and goes on when it watches everything.
    pub(crate) async fn start(builder: OperatorBuilder) -> Self {
        let (ready, is_ready) = oneshot::channel::<()>();
        let running = Self::launch(builder, || ready.send(()).expect("the test waits for it"));
        // With paused time, waiting without a limit for what never comes would be for ever.
        let limit = Duration::from_secs(3600);
        let is_ready = tokio::time::timeout(limit, is_ready).await;
        let is_ready = is_ready.expect("the operator gets ready within an hour");
        is_ready.expect("the operator gets ready");
        running
    }

    pub(crate) fn launch(
        builder: OperatorBuilder,
        on_ready: impl FnOnce() + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let operator = builder
            .stop_when(async move { drop(stopped.await) })
            .cancel_when(std::future::pending())
            .on_ready(move |_| on_ready())
            .build()
            .unwrap();
        let task = tokio::spawn(operator.run());
        Self { stop, task }
    }

    /// Stops the operator as SIGTERM does.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap().unwrap();
    }

    /// Ends the operator as SIGKILL does: nothing is written down.
    pub(crate) async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

/// What the object says was handled last.
pub(crate) fn memory(object: &Value) -> Option<Value> {
    let prefix = Persistence::default().prefix().to_owned();
    let annotation =
        &object["metadata"]["annotations"][format!("{prefix}/last-handled-configuration")];
    let status = &object["status"]["handling"][&prefix]["lastHandledConfiguration"];
    let text = annotation.as_str().or(status.as_str())?;
    serde_json::from_str(text).ok()
}

/// The progress that is stored on the object.
pub(crate) fn progress(object: &Value) -> Option<Value> {
    let prefix = Persistence::default().prefix().to_owned();
    let annotation = &object["metadata"]["annotations"][format!("{prefix}/progress")];
    let status = &object["status"]["handling"][&prefix]["progress"];
    let text = annotation.as_str().or(status.as_str())?;
    serde_json::from_str(text).ok()
}

pub(crate) fn definition(status: Status) -> String {
    let (subresources, schema) = match status {
        Status::Open => (
            "subresources: {status: {}}",
            "x-kubernetes-preserve-unknown-fields: true",
        ),
        Status::Strict => (
            "subresources: {status: {}}",
            "properties: {phase: {type: string}}",
        ),
        Status::Plain => ("", "x-kubernetes-preserve-unknown-fields: true"),
    };
    format!(
        r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: demos.example.com}}
spec:
  group: example.com
  scope: Namespaced
  names: {{kind: Demo, plural: demos, singular: demo, shortNames: [dm], categories: [all]}}
  versions:
    - name: v1
      served: true
      storage: true
      {subresources}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {{type: object, x-kubernetes-preserve-unknown-fields: true}}
            status: {{type: object, {schema}}}
"
    )
}
