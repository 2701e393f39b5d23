//! What Kopf's operators do here is what they do on any API server.

use std::path::Path;

use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use super::{BOATS, World, installed, ours};

#[kopfrs::test(wire)]
async fn a_handler_is_called_and_its_result_stored(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "kopf.test", BOATS).await else {
        return;
    };
    let operator = world.start(&ours("minimal.py"));
    world.create("anna", json!({"crew": 3})).await;
    let is_handled = |object: &Option<Value>| {
        object
            .as_ref()
            .is_some_and(|object| object["status"]["launched"]["crew"] == 3)
    };
    world.until("anna", is_handled).await;
    operator.stop().await;
    world.delete("anna").await;
}

#[kopfrs::test(wire)]
async fn changes_of_every_kind_are_handled_over_restarts(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "kopf.test", BOATS).await else {
        return;
    };
    world.create("early", json!({"crew": 1})).await;
    let mut operator = world.start(&ours("handlers.py"));
    operator.says("CREATED early after 2 retries").await;
    world.create("anna", json!({"crew": 1})).await;
    operator.says("CREATED anna after 2 retries").await;
    world.patch("anna", json!({"spec": {"crew": 2}})).await;
    operator
        .says("UPDATED anna [('change', ('spec', 'crew'), 1, 2)]")
        .await;
    operator.says("FIELD anna 1 2").await;
    let said = operator.stop().await;
    assert_eq!(said.matches("CREATED anna after").count(), 1, "{said}");

    world.patch("early", json!({"spec": {"crew": 5}})).await;
    let mut operator = world.start(&ours("handlers.py"));
    operator.says("RESUMED anna").await;
    operator.says("FIELD early 1 5").await;
    let path = format!("{}/anna", world.path());
    world.rest.delete(&path, None).await.expect("accepted");
    operator.says("DELETED anna").await;
    world.until("anna", Option::is_none).await;
    world.delete("early").await;
    let said = operator.stop().await;
    assert!(!said.contains("CREATED"), "{said}");
    assert!(!said.contains("Traceback"), "{said}");
}

#[kopfrs::test(wire)]
async fn raw_events_are_told_in_order(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "kopf.test", BOATS).await else {
        return;
    };
    let mut operator = world.start(&ours("events.py"));
    world.create("anna", json!({"crew": 1})).await;
    operator.says("EVENT anna").await;
    let anna = (world, "anna");
    operator.says_of_a_change(anna, "EVENT anna MODIFIED").await;
    world.delete("anna").await;
    operator.says("EVENT anna DELETED").await;
    operator.stop().await;
}

#[kopfrs::test(wire)]
async fn daemons_and_timers_live_as_long_as_their_object(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "kopf.test", BOATS).await else {
        return;
    };
    let mut operator = world.start(&ours("daemons.py"));
    world.create("anna", json!({"crew": 1})).await;
    operator.says("WATCHMAN anna").await;
    operator.says("LOOKOUT anna").await;
    let rings = |object: &Option<Value>| {
        object
            .as_ref()
            .is_some_and(|object| object["status"]["bells"].as_u64() >= Some(2))
    };
    world.until("anna", rings).await;
    world.delete("anna").await;
    operator.says("WATCHMAN anna ends").await;
    operator.says("LOOKOUT anna ends").await;
    operator.stop().await;
}

/// One of Kopf's own examples; what it says when an object is made and then changed.
async fn example(world: &World, file: &Path, change: &Value, says: &[&str]) {
    assert!(file.is_file(), "{} is not there", file.display());
    let mut operator = world.start(file);
    let spec = json!({"duration": "1m", "field": "value"});
    world.create("kopf-example-1", spec).await;
    operator.says(says[0]).await;
    world.patch("kopf-example-1", change.clone()).await;
    for text in says {
        operator.says(text).await;
    }
    world.delete("kopf-example-1").await;
    operator.stop().await;
}

#[kopfrs::test(wire)]
async fn kopf_s_own_examples_work_unchanged(cluster: Cluster) {
    let Some(folder) = installed::kopf_examples() else {
        return;
    };
    let names = ("kopfexamples", "KopfExample");
    let Some(world) = World::of(&cluster, "kopf.dev", names).await else {
        return;
    };
    let file = |name: &str| folder.join(name).join("example.py");
    let changed = json!({"spec": {"field": "changed"}});
    let annotated = json!({"metadata": {"annotations": {"someannotation": "somevalue"}}});
    let done = "Creation is processed: 1 succeeded";
    let minimal = [done, "And here we are!"];
    example(&world, &file("01-minimal"), &changed, &minimal).await;
    let handled = [
        "Creation is processed: 3 succeeded",
        "CREATED 2nd",
        "UPDATED",
        "FIELD CHANGED: value -> changed",
    ];
    example(&world, &file("05-handlers"), &changed, &handled).await;
    let mut operator = world.start(&file("08-events"));
    let spec = json!({"duration": "1m", "field": "value"});
    world.create("kopf-example-1", spec).await;
    operator.says("Event received:").await;
    let example_1 = (&world, "kopf-example-1");
    operator.says_of_a_change(example_1, "'MODIFIED'").await;
    world.delete("kopf-example-1").await;
    operator.stop().await;
    let pinged = [
        "Simulated failure.",
        "=> Ping from a sync daemon",
        "=> Ping from an async daemon",
    ];
    example(&world, &file("14-daemons"), &annotated, &pinged).await;
}
