//! What objects cost: memory at rest, allocations when they are found again, bytes on the wire.
//!
//! These do not depend on the machine. All are measured in one test, as the allocator counts for the
//! whole process; what the embedded server does is left out by letting it do nothing meanwhile.

use std::sync::Arc;
use std::time::Duration;

use dhat::HeapStats;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use kopfrs::prelude::*;
use kopfrs_sandbox::Sandbox;
use kube::api::{Api, ListParams, PostParams};
use kube::client::Body as HttpBody;
use tokio::sync::oneshot;
use tokio::time::sleep;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const OBJECTS: usize = 1000;
const PAYLOAD: usize = 1000;

/// An object as operators usually have it, of a kilobyte.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "example.com", version = "v1", kind = "Demo", namespaced)]
struct DemoSpec {
    payload: String,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), kopfrs::operator::OperatorError>>,
}

impl Running {
    async fn start(client: Client) -> Self {
        let show = |call: Arc<Invocation<ChangingCause>>| {
            call.cause.patch.status(json!({"isDone": true}));
            std::future::ready(Ok::<(), HandlerError>(()))
        };
        let registry = Registry::new()
            .add(on::create::<Demo>().id("create").run(show))
            .add(on::delete::<Demo>().id("delete").run(show));
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = oneshot::channel::<()>();
        let operator = Operator::builder()
            .registry(registry)
            .client(client)
            .stop_when(async move { drop(stopped.await) })
            .cancel_when(std::future::pending())
            .on_ready(move |_| ready.send(()).expect("the test waits for it"))
            .build()
            .unwrap();
        let task = tokio::spawn(operator.run());
        is_ready.await.unwrap();
        Self { stop, task }
    }

    async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap().unwrap();
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..6000 {
        if holds().await {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} has not come");
}

/// A client to which each list of the kind is answered with the same bytes as the first one.
async fn canned(client: &Client) -> Client {
    let request = Request::get("/apis/example.com/v1/demos?limit=10000").body(HttpBody::empty());
    let response = client.send(request.unwrap()).await.unwrap();
    let list = response.into_body().collect().await.unwrap().to_bytes();
    let client = client.clone();
    let service = tower::service_fn(move |request: Request<HttpBody>| {
        let (client, list) = (client.clone(), list.clone());
        async move {
            let uri = request.uri();
            if uri.path().ends_with("/demos") && uri.query().is_some_and(|q| q.contains("limit")) {
                return Ok(Response::new(HttpBody::from(list.to_vec())));
            }
            client.send(request).await
        }
    });
    Client::new(service, "default")
}

#[tokio::test(start_paused = true)]
async fn objects_are_cheap() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let sandbox = Sandbox::new();
    sandbox
        .apply_yaml(include_str!("footprint.yaml"))
        .await
        .unwrap();
    let demos: Api<Demo> = Api::namespaced(sandbox.client(), "default");
    for number in 0..OBJECTS {
        let payload = "x".repeat(PAYLOAD);
        let demo = Demo::new(&format!("demo-{number:04}"), DemoSpec { payload });
        demos.create(&PostParams::default(), &demo).await.unwrap();
    }
    let running = Running::start(sandbox.client()).await;
    until("the handling of all", async || {
        let all = demos.list(&ListParams::default()).await.unwrap();
        all.iter().all(|demo| demo.finalizers().len() == 1)
            && sandbox
                .journal()
                .requests()
                .writes()
                .iter()
                .filter(|w| w.subresource() == "status")
                .count()
                >= OBJECTS
    })
    .await;
    running.stop().await;
    check_bytes(&sandbox);

    let client = canned(&sandbox.client()).await;
    let (tasks, before) = (alive_tasks(), HeapStats::get());
    let running = Running::start(client).await;
    // All have been looked at when the clock moves on.
    sleep(Duration::from_secs(5)).await;
    let at_rest = HeapStats::get();
    let per_object = |after: u64, before: u64| (after - before) / OBJECTS as u64;
    let bytes = per_object(at_rest.curr_bytes as u64, before.curr_bytes as u64);
    let blocks = per_object(at_rest.total_blocks, before.total_blocks);
    println!("{bytes} bytes at rest and {blocks} allocations for each object");
    assert!(bytes <= 700, "{bytes} bytes for an object at rest");
    assert!(
        blocks <= 155,
        "{blocks} allocations to find an object again"
    );
    assert!(
        alive_tasks() < tasks + 20,
        "no object has a task of its own"
    );
    running.stop().await;
    assert!(alive_tasks() <= tasks, "no task is left over");
}

/// What is sent: the finalizer, and one patch with the status and the memory.
fn check_bytes(sandbox: &Sandbox) {
    let writes = sandbox.journal().requests().resource("demos").verb("patch");
    let bytes: u64 = writes.iter().map(|write| write.request_bytes()).sum();
    let per_object = bytes / OBJECTS as u64;
    println!("{per_object} bytes sent for each object");
    assert_eq!(writes.iter().count(), 2 * OBJECTS);
    assert!(
        per_object <= PAYLOAD as u64 + 450,
        "{per_object} bytes sent for an object"
    );
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}
