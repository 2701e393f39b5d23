//! What is remembered, where the API, other operators or other objects are in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::storage::{Keep, Persistence, Place};

use crate::bench::{Bench, Demo, Status};

/// Ends the call after ten of them, so that a hot loop does not hang the test.
fn bounded(
    bench: &Bench,
) -> impl Fn(Arc<kopfrs::handler::Invocation<ChangingCause>>) -> futures_lite::Boxed
+ Clone
+ Send
+ Sync
+ 'static {
    let calls = bench.calls.clone();
    let count = Arc::new(AtomicUsize::new(0));
    move |call: Arc<kopfrs::handler::Invocation<ChangingCause>>| {
        calls.note(&call);
        let n = count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if n > 10 {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    }
}

mod futures_lite {
    use std::pin::Pin;
    pub(super) type Boxed = Pin<Box<dyn Future<Output = kopfrs::prelude::Result<()>> + Send>>;
}

#[tokio::test(start_paused = true)]
async fn memory_that_is_pruned_is_no_loop() {
    let bench = Bench::new(Status::Strict).await;
    let mut settings = Settings::default();
    settings.persistence.default = Persistence::default().with_place(Place::Status);
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bounded(&bench)));
    let _running = bench.start_with(registry, settings).await;
    bench.create("a", json!({"size": 1})).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.calls.names(), ["create/0"]);
}

#[tokio::test(start_paused = true)]
async fn kopf_with_digests_is_no_loop() {
    let bench = Bench::new(Status::Plain).await;
    let mut settings = Settings::default();
    settings.persistence.default = Persistence::kopf().with_keep(Keep::Digest);
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bounded(&bench)));
    let _running = bench.start_with(registry, settings).await;
    bench.create("a", json!({"size": 1})).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.calls.names(), ["create/0"]);
}

#[tokio::test(start_paused = true)]
async fn transformations_leave_the_memory_of_others() {
    let bench = Bench::new(Status::Open).await;
    bench.create("a", json!({"size": 1})).await;
    let other = json!({"status": {"handling": {"other.example.com": {"progress": "{}"}}}});
    bench
        .api()
        .patch_status(
            "a",
            &kube::api::PatchParams::default(),
            &kube::api::Patch::Merge(other),
        )
        .await
        .unwrap();
    let transforming = bench.handler(|call| {
        call.cause
            .patch
            .transform(|body| body["spec"]["added"] = json!(1));
        std::future::ready(Ok(()))
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(transforming));
    let _running = bench.start(registry).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let object = bench.get("a").await.unwrap();
    assert!(
        object["status"]["handling"]["other.example.com"].is_object(),
        "{object}"
    );
}

#[tokio::test(start_paused = true)]
async fn transformations_while_the_memory_moves() {
    let bench = Bench::new(Status::Open).await;
    let transforming = bench.handler(|call| {
        call.cause
            .patch
            .transform(|body| body["spec"]["added"] = json!(1));
        std::future::ready(Ok(()))
    });
    let registry = || {
        Registry::new()
            .add(on::create::<Demo>().id("create").run(bench.noting()))
            .add(on::update::<Demo>().id("update").run(transforming.clone()))
    };
    let mut settings = Settings::default();
    settings.persistence.default = Persistence::default().with_place(Place::Annotations);
    let running = bench.start_with(registry(), settings).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    let _running = bench.start(registry()).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let object = bench.get("a").await.unwrap();
    assert_eq!(object["spec"]["added"], 1, "{object}");
}

#[tokio::test(start_paused = true)]
async fn the_whole_metadata_may_be_a_field() {
    let bench = Bench::new(Status::Plain).await;
    let registry = Registry::new().add(
        on::field::<Demo>()
            .field("metadata".parse().unwrap())
            .id("field")
            .run(bounded(&bench)),
    );
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(bench.calls.all().len() <= 2, "{:?}", bench.calls.names());
}

#[tokio::test(start_paused = true)]
async fn new_code_is_no_change_for_digests() {
    let bench = Bench::new(Status::Open).await;
    let mut settings = Settings::default();
    settings.persistence.default = Persistence::default().with_keep(Keep::Digest);
    let base = || Registry::new().add(on::update::<Demo>().id("update").run(bench.noting()));
    let running = bench.start_with(base(), settings.clone()).await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .until("memory", || async {
            !bench.get("a").await.unwrap()["status"]["handling"].is_null()
        })
        .await;
    bench
        .api()
        .patch_status(
            "a",
            &kube::api::PatchParams::default(),
            &kube::api::Patch::Merge(json!({"status": {"x": 1}})),
        )
        .await
        .unwrap();
    running.stop().await;
    let registry = base().add(
        on::field::<Demo>()
            .field("status.x".parse().unwrap())
            .id("field")
            .run(bench.noting()),
    );
    let _running = bench.start_with(registry, settings).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.calls.names(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn kopf_waiting_writes_nothing_per_event() {
    let bench = Bench::new(Status::Plain).await;
    let mut settings = Settings::default();
    settings.persistence.default = Persistence::kopf();
    let failing = bench
        .handler(|_| std::future::ready(Err(TemporaryError::after_secs("not yet", 3000).into())));
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(failing));
    let _running = bench.start_with(registry, settings).await;
    bench.create("a", json!({"size": 1})).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = bench.writes("a").len();
    for i in 0..5 {
        bench.merge("a", json!({"spec": {"size": i}})).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(bench.writes("a").len() - before, 5, "only ours");
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_counts_though_it_was_so_before() {
    let bench = Bench::new(Status::Open).await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .api()
        .patch_status(
            "a",
            &kube::api::PatchParams::default(),
            &kube::api::Patch::Merge(json!({"status": {"phase": "Ready"}})),
        )
        .await
        .unwrap();
    let api = bench.api();
    let phased = bench.handler(move |call| {
        let api = api.clone();
        async move {
            api.patch_status(
                "a",
                &kube::api::PatchParams::default(),
                &kube::api::Patch::Merge(json!({"status": {"phase": "Working"}})),
            )
            .await
            .unwrap();
            call.cause.patch.status(json!({"phase": "Ready"}));
            Ok(())
        }
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(phased));
    let _running = bench.start(registry).await;
    bench.until_handled("a").await;
    assert_eq!(bench.get("a").await.unwrap()["status"]["phase"], "Ready");
}

/// What the operator gives to objects.
#[derive(Clone, Debug, Default)]
struct Template {
    own: u32,
    shared: Arc<std::sync::Mutex<u32>>,
}

#[tokio::test(start_paused = true)]
async fn memos_of_objects_begin_as_copies_of_the_operators() {
    let bench = Bench::new(Status::Open).await;
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = seen.clone();
    let create = on::create::<Demo>().id("create").run(
        move |body: Body, memo: Memo<Template>, other: Memo<u8>| {
            memo.update(|template| {
                template.own += 1;
                *template.shared.lock().unwrap() += 1;
                let shared = *template.shared.lock().unwrap();
                noted.lock().unwrap().push((template.own, shared));
            });
            assert_eq!(
                other.get(),
                0,
                "what is not handed down begins anew: {}",
                body.name()
            );
            std::future::ready(())
        },
    );
    let startup = on::startup()
        .id("startup")
        .run(async |memo: Memo<Template>, other: Memo<u8>| {
            assert_eq!(memo.get().own, 10);
            memo.update(|template| template.own = 20);
            other.set(7);
        });
    let last = seen.clone();
    let cleanup = on::cleanup()
        .id("cleanup")
        .run(move |memo: Memo<Template>| {
            let shared = *memo.get().shared.lock().unwrap();
            last.lock().unwrap().push((memo.get().own, shared));
            std::future::ready(())
        });
    let registry = Registry::new().add(create).add(startup).add(cleanup);
    let template = Template {
        own: 10,
        ..Template::default()
    };
    let builder = Operator::builder().registry(registry).memo(template);
    let running = bench.start_built(builder).await;
    for name in ["a", "b"] {
        bench.create(name, json!({"size": 1})).await;
        bench.until_handled(name).await;
    }
    running.stop().await;
    assert_eq!(*seen.lock().unwrap(), [(21, 1), (21, 2), (20, 2)]);
}
