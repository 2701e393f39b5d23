//! Actions that depend on one another.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use crate::{handlers_of, stop};

#[kopfrs::test]
async fn the_story_of_a_config_map_is_told_twice(cluster: Cluster) {
    cluster
        .apply(include_str!("../../configmap-story/manifests/crd.yaml"))
        .await;
    let sites = cluster.kind("sites.story.kopf.dev").await;
    let maps = cluster.objects::<ConfigMap>();
    let tells = |settings: &'static str, server: &'static str| {
        move |site: &Value| {
            site["status"]["settings"] == settings && site["status"]["server"] == server
        }
    };
    let operator = cluster
        .operator()
        .handlers(handlers_of("configmap_story"))
        .start()
        .await;
    sites
        .create_from(include_str!("../../configmap-story/manifests/shop.yaml"))
        .await;
    sites.until("shop", tells("created", "Created")).await;

    // Told again, by another start: nothing is written but what came of it.
    operator.until_settled().await;
    let stored = maps.get("shop-settings").await;
    stop(&operator).await;
    let again = operator.start_again().await;
    sites.until("shop", tells("verified", "Unchanged")).await;
    assert_eq!(maps.get("shop-settings").await, stored);

    let red = json!({ "spec": { "colour": "red" } });
    sites.merge("shop", red).await;
    sites.until("shop", tells("updated", "Updated")).await;
    let stored = maps.get("shop-settings").await;
    assert_eq!(stored.data.unwrap()["colour"], "red");
    let server = cluster.objects::<Deployment>().get("shop").await;
    let pods = server.spec.template.metadata.unwrap();
    assert_eq!(pods.annotations.unwrap()["story.kopf.dev/colour"], "red");

    // Somebody else's settings are left alone, and the status says why nothing happens.
    let foreign = "{apiVersion: v1, kind: ConfigMap, metadata: {name: mine-settings}}";
    maps.create_from(foreign).await;
    let mine =
        "{apiVersion: story.kopf.dev/v1, kind: Site, metadata: {name: mine}, spec: {colour: blue}}";
    sites.create_from(mine).await;
    let is_refused = |site: &Value| {
        let said = site["status"]["settings"].as_str();
        said.is_some_and(|said| said.contains("somebody else's"))
    };
    sites.until("mine", is_refused).await;
    assert_eq!(maps.get("mine-settings").await.data, None);
    stop(&again).await;
}
