//! The journal: what was asked, demanded and waited for by tests.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs_sandbox::{Journal, On, Sandbox, fault::Fault};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::time::{Instant, sleep};

fn map(name: &str) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.to_owned());
    map
}

/// A sandbox in which alice has created `a` and patched it twice, and the administrator has read it.
async fn busy() -> (Sandbox, Journal) {
    let sandbox = Sandbox::new();
    let token = sandbox.tokens().issue("alice", ["developers"]);
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client_with_token(&token));
    maps.create(&PostParams::default(), &map("a"))
        .await
        .expect("created");
    for price in ["1", "2"] {
        let patch = Patch::Merge(json!({"data": {"price": price, "unit": "kg"}}));
        maps.patch("a", &PatchParams::default(), &patch)
            .await
            .expect("patched");
    }
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    maps.get("a").await.expect("read");
    let journal = sandbox.journal();
    (sandbox, journal)
}

/// What a demand panics with.
fn complaint<T>(demand: impl FnOnce() -> T) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(demand));
    let panic = panic.err().expect("a panic");
    *panic.downcast::<String>().expect("a text")
}

#[tokio::test(start_paused = true)]
async fn what_holds_is_demanded_in_one_line() {
    let (_sandbox, journal) = busy().await;
    let patches = || On::verb("patch").resource("configmaps").user("alice");
    assert_eq!(journal.expect(patches()).times(2)[1].status(), Some(200));
    journal.expect(patches()).at_least(1);
    journal.expect(patches()).at_most(2);
    journal.expect(patches().name("b")).never();
    let last = patches().body(json!({"data": {"price": "2"}}));
    assert_eq!(journal.expect(last).once().name(), "a");
    let get = On::verb("get").user("kubernetes-admin");
    let found = journal.expect_in_order([On::verb("create"), patches(), patches(), get]);
    assert_eq!(found.len(), 4);
    assert_eq!(journal.requests().on(&On::writes()).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_hold_says_what_was_seen() {
    let (_sandbox, journal) = busy().await;
    let patches = On::verb("patch").resource("configmaps");
    let text = complaint(|| journal.expect(patches.clone()).times(3));
    let expected = [
        "expected 3 patch of configmaps, found 2\n",
        "#3 PATCH /api/v1/namespaces/default/configmaps/a? -> 200 by alice",
        r#"{"data":{"price":"2","unit":"kg"}}"#,
        "seen besides:\n",
        "#4 GET /api/v1/namespaces/default/configmaps/a -> 200 by kubernetes-admin",
    ];
    for part in expected {
        assert!(text.contains(&part.replace("a? ", "a ")), "{part}\n{text}");
    }
    let text = complaint(|| journal.expect(On::writes().name("b")).once());
    assert!(text.contains("found 0\nfound: nothing\n"), "{text}");
    let text = complaint(|| journal.expect(On::writes()).never());
    assert!(text.starts_with("expected no create/update/"), "{text}");

    let create = On::verb("create");
    let text = complaint(|| journal.expect_in_order([patches, create]));
    assert!(text.starts_with("expected one after #2 PATCH"), "{text}");
    assert!(text.contains("found 1\nfound:\n  #1 POST"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn long_journals_are_listed_by_their_end() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    for number in 0..100 {
        let _ = maps.get(&format!("none-{number}")).await;
    }
    let text = complaint(|| sandbox.journal().expect(On::verb("get")).never());
    assert!(text.contains("(the last 30 of 100)"), "{text}");
    assert!(
        text.contains("none-99") && !text.contains("none-69"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_are_waited_for_until_they_come_and_are_answered() {
    let sandbox = Sandbox::new();
    let slow = Fault::delay(Duration::from_secs(5));
    sandbox.faults().inject(slow.on(On::verb("create")));
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    tokio::spawn(async move {
        for name in ["a", "b"] {
            maps.create(&PostParams::default(), &map(name))
                .await
                .expect("created");
        }
    });
    let (start, journal) = (Instant::now(), sandbox.journal());
    let second = Duration::from_secs(1);
    assert_eq!(journal.wait_for(On::verb("create")).await.len(), 1);
    assert_eq!(start.elapsed(), Duration::ZERO);
    let mark = journal.mark();
    let seen = journal.wait_for(On::verb("create")).times(2).await;
    assert_eq!(seen[1].status(), None);
    assert_eq!(start.elapsed(), 5 * second);
    let create = || On::verb("create");
    let seen = journal.wait_for(create()).since(mark).answered().await;
    assert_eq!(seen[0].status(), Some(201));
    assert_eq!(start.elapsed(), 10 * second);
    // What has come already is not waited for.
    journal
        .wait_for(create())
        .times(2)
        .within(Duration::ZERO)
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_what_came_instead() {
    let (_sandbox, journal) = busy().await;
    let start = Instant::now();
    let deletions = || On::verb("delete").resource("configmaps");
    let wait = journal.wait_for(deletions()).times(2);
    let unseen = wait.within(Duration::from_secs(7)).outcome().await;
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    let text = unseen.expect_err("no deletion").to_string();
    assert!(text.starts_with("expected 2 within 7s (at "), "{text}");
    assert!(text.contains("journal.rs:"), "{text}");
    assert!(text.contains("#4 GET"), "{text}");

    let awaited = async { journal.wait_for(deletions()).await };
    let panic = AssertUnwindSafe(awaited).catch_unwind().await;
    let panic = panic.expect_err("a panic");
    let text = panic.downcast::<String>().expect("a text");
    assert!(text.contains("delete of configmaps, found 0"), "{text}");
    assert_eq!(start.elapsed(), Duration::from_secs(37));
}

#[tokio::test(start_paused = true)]
async fn yaml_bodies_are_read_as_json_is() {
    let sandbox = Sandbox::new();
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let request = http::Request::post("/api/v1/namespaces/default/configmaps")
        .header("content-type", "application/yaml")
        .body(yaml.as_bytes().to_vec())
        .expect("a request");
    let answer = sandbox.client().request_text(request).await;
    answer.expect("created");
    let named = On::verb("create").name("a");
    let body = json!({"kind": "ConfigMap", "metadata": {"name": "a"}});
    sandbox.journal().expect(named.body(body)).once();
}

#[tokio::test(start_paused = true)]
async fn a_journal_forgets_the_oldest_of_too_much() {
    let sandbox = Sandbox::builder().journal_capacity(10).build();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    for number in 0..25 {
        let _ = maps.get(&format!("none-{number}")).await;
        sleep(Duration::from_secs(1)).await;
    }
    let requests = sandbox.journal().requests();
    assert_eq!(requests.len(), 10);
    assert_eq!((requests[0].number(), requests[9].number()), (16, 25));

    // 128 MiB of bodies at most, however few requests they are of.
    let sandbox = Sandbox::new();
    let body = vec![b' '; 1024 * 1024];
    for _ in 0..140 {
        let request = http::Request::post("/nowhere").body(body.clone());
        let request = request.expect("a request");
        let _ = sandbox.client().request_text(request).await;
    }
    let kept = sandbox.journal().requests();
    assert!((120..=128).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().expect("the newest").number(), 140);
}
