//! An operator in Python is replaced by one in Rust while its objects live on, and put back: whatever state they are in,
//! nothing is done twice and nothing is left out.

use kopfrs::testing::{Calls, Cluster, Objects, OperatorHandle};
use serde_json::{Value, json};

use super::{World, ours};

/// The same handlers as in `tests/kopf/harbour.py`.
mod harbour {
    use std::time::Duration;

    use kopfrs::prelude::*;
    use kopfrs::storage::Persistence;

    const SOON: Duration = Duration::from_millis(500);

    #[on::startup]
    fn configure(settings: &SettingsHandle) {
        settings.update(|s| s.persistence.default = Persistence::kopf());
    }

    #[on::resume("barges")]
    fn resumed() {}

    #[on::create("barges")]
    fn launched(spec: &Value) -> Value {
        json!({ "crew": spec["crew"] })
    }

    #[on::create("barges")]
    fn loaded(status: &Value) -> Result {
        if status.get("cargo").is_none() {
            return Err(TemporaryError::new("there is no cargo", SOON).into());
        }
        Ok(())
    }

    #[on::update("barges")]
    fn refitted(diff: &Diff) {
        for change in diff {
            info!("refitted: {change}");
        }
    }

    #[on::field("barges", field = "spec.crew")]
    fn mustered(old: Option<&Value>, new: Option<&Value>) {
        info!("mustered: {old:?} {new:?}");
    }

    #[on::delete("barges")]
    fn announced() {}

    #[on::delete("barges")]
    fn unloaded(status: &Value) -> Result {
        if status["cargo"].as_u64() > Some(0) {
            return Err(TemporaryError::new("there is cargo on board", SOON).into());
        }
        Ok(())
    }
}

const BARGES: (&str, &str) = ("barges", "Barge");
const BASELINE: &str = "kopf.zalando.org/last-handled-configuration";

fn is_handled(boat: &Value) -> bool {
    boat["metadata"]["annotations"][BASELINE].is_string()
}

async fn start(cluster: &Cluster) -> OperatorHandle {
    let handlers = kopfrs::Registry::module(&format!("{}::harbour", module_path!()));
    cluster.operator().handlers(handlers).start().await
}

/// What was done for an object: the handler, why, and at which attempt it has succeeded.
fn done(calls: &Calls, name: &str) -> Vec<(String, String, u32)> {
    let calls = calls.of(name).succeeded();
    let done = calls.iter();
    done.map(|call| (call.handler.clone(), call.reason.clone(), call.retry))
        .collect()
}

fn ids(done: &[(String, String, u32)]) -> Vec<(&str, &str)> {
    done.iter()
        .map(|(id, reason, _)| (&**id, &**reason))
        .collect()
}

/// Boats in all the states that an operator may leave behind: handled, handled and changed since, half created, half
/// deleted.
async fn left_by_python(world: &World, boats: &Objects<Value>) {
    let mut operator = world.start(&ours("harbour.py"));
    for name in ["anna", "bert", "carl", "dora"] {
        world.create(name, json!({"crew": 1})).await;
        operator.says(&format!("WAITING {name} 0")).await;
    }
    for name in ["anna", "bert", "dora"] {
        boats
            .merge_status(name, json!({"status": {"cargo": 7}}))
            .await;
        boats.until(name, is_handled).await;
    }
    boats.delete("dora").await;
    operator.says("STAYING dora 1").await;
    operator.says("WAITING carl 2").await;
    let said = operator.stop().await;
    for name in ["anna", "bert", "carl", "dora"] {
        assert_eq!(
            said.matches(&format!("LAUNCHED {name}")).count(),
            1,
            "{said}"
        );
    }
    assert_eq!(said.matches("ANNOUNCED dora").count(), 1, "{said}");
}

/// What was done by the operator in Rust, for boats as they were left to it.
fn check(calls: &Calls) {
    assert_eq!(ids(&done(calls, "anna")), [("resumed", "resume")]);
    let changed = [
        ("resumed", "update"),
        ("refitted", "update"),
        ("mustered/spec.crew", "update"),
    ];
    assert_eq!(ids(&done(calls, "bert")), changed);
    let [(id, _, retry)] = &done(calls, "carl")[..] else {
        panic!("carl was half created: {calls:?}");
    };
    assert!(id == "loaded" && *retry > 2, "{calls:?}");
    let [(id, _, retry)] = &done(calls, "dora")[..] else {
        panic!("dora was half deleted: {calls:?}");
    };
    assert!(id == "unloaded" && *retry > 1, "{calls:?}");
    let created = [
        ("launched", "create"),
        ("loaded", "create"),
        ("mustered/spec.crew", "create"),
    ];
    assert_eq!(ids(&done(calls, "erik")), created);
}

#[kopfrs::test(wire)]
async fn an_operator_in_python_is_replaced_and_put_back(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "migration.kopf.test", BARGES).await else {
        return;
    };
    let boats = cluster.kind("barges.migration.kopf.test").await;
    left_by_python(world, &boats).await;

    let cargo = |load: u64| json!({"status": {"cargo": load}});
    world.patch("bert", json!({"spec": {"crew": 2}})).await;
    world.create("erik", json!({"crew": 1})).await;
    boats.merge_status("erik", cargo(0)).await;
    let operator = start(&cluster).await;
    let is_tried = |calls: &Calls| !calls.of("carl").failed().is_empty();
    operator.until_calls("carl is tried again", is_tried).await;
    boats.merge_status("carl", cargo(0)).await;
    boats.merge_status("dora", cargo(0)).await;
    boats.until_gone("dora").await;
    for name in ["carl", "erik"] {
        boats.until(name, is_handled).await;
    }
    operator.until_settled().await;
    check(&operator.calls());
    operator.stop().await;

    // And back, with boats that the other one has changed, created, and half created.
    let operator = start(&cluster).await;
    world.patch("anna", json!({"spec": {"crew": 3}})).await;
    operator.until_succeeded("refitted").await;
    world.create("fred", json!({"crew": 1})).await;
    let is_tried = |calls: &Calls| calls.of("fred").failed().len() > 1;
    operator.until_calls("fred is tried again", is_tried).await;
    operator.stop().await;
    assert_eq!(
        operator.calls().of("fred").succeeded().ids(),
        ["launched", "mustered/spec.crew"]
    );

    world.patch("erik", json!({"spec": {"crew": 9}})).await;
    let mut operator = world.start(&ours("harbour.py"));
    operator.says("RESUMED anna").await;
    operator
        .says("REFITTED erik [('change', ('spec', 'crew'), 1, 9)]")
        .await;
    operator.says("WAITING fred 2").await;
    boats.merge_status("fred", cargo(0)).await;
    operator.says("LOADED fred").await;
    boats.merge_status("bert", cargo(0)).await;
    world.delete("bert").await;
    operator.says("UNLOADED bert").await;
    let said = operator.stop().await;
    for text in ["LAUNCHED", "REFITTED anna", "REFITTED bert", "Traceback"] {
        assert!(!said.contains(text), "{text} in:\n{said}");
    }
}
