use std::sync::Mutex;

use super::*;

#[kopfrs::test]
async fn handlers_see_the_version_they_ask_for(cluster: Cluster) {
    let meters = Meters::define(&cluster).await;
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = |seen: &Arc<Mutex<Vec<String>>>, kind: &'static str| {
        let seen = seen.clone();
        move |body: Body, patch: Patch| {
            let spec = body.spec();
            let text = format!("{kind} {}", spec["size"]);
            seen.lock().unwrap().push(text);
            patch.status(json!({"last": kind}));
            std::future::ready(())
        }
    };
    let handlers = Registry::new()
        .add(
            on::create_of(meters.selector("v1"))
                .id("create")
                .run(note(&seen, "create")),
        )
        .add(
            on::update_of(meters.selector("v1"))
                .id("update")
                .run(note(&seen, "update")),
        );
    let operator = meters.convert(handlers).await;
    operator.until_settled().await;
    seen.lock().unwrap().clear();
    meters.create("v1alpha1", "a", 3).await.unwrap();
    let last = |kind: &'static str| {
        let meters = meters.clone();
        cluster.until(format!("{kind} is in the status"), async move || {
            let seen = meters.read("v1beta1", "a").await.unwrap();
            seen["status"]["last"] == kind
        })
    };
    last("create").await;
    let patch = json!({"spec": {"count": 4}});
    meters.merge("v1alpha1", "a", patch).await.unwrap();
    last("update").await;
    operator.until_settled().await;
    assert_eq!(*seen.lock().unwrap(), ["create 3", "update 4"]);
    let stored = meters.read("v1", "a").await.unwrap();
    assert_eq!(stored["spec"], json!({"size": 4}));
    operator.stop().await;
    meters.remove().await;
}
