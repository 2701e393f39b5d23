use super::*;

#[kopfrs::test]
async fn what_cannot_be_converted_is_told_to_the_client(cluster: Cluster) {
    let meters = Meters::define(&cluster).await;
    let operator = meters.convert(Registry::new()).await;
    meters.create("v1", "broken", 1).await.unwrap();
    let begin = |version: &str| {
        let group = &meters.group;
        format!("conversion webhook for {group}/{version}, Kind=Meter failed: Meter ")
    };
    let end = |from: &str, to: &str| {
        format!("broken cannot be converted from {from} to {to}: broken is broken")
    };
    let (code, why) = refusal(meters.read("v1alpha1", "broken").await);
    assert_eq!(code, 500);
    assert!(
        why.starts_with(&begin("v1")) && why.ends_with(&end("v1", "v1beta1")),
        "{why}"
    );
    let (code, why) = refusal(meters.create("v1alpha1", "broken-too", 1).await);
    assert_eq!(code, 500);
    assert!(
        why.starts_with(&begin("v1alpha1"))
            && why.ends_with("from v1alpha1 to v1beta1: broken-too is broken"),
        "{why}"
    );
    let (code, _) = refusal(meters.read("v1", "broken-too").await);
    assert_eq!(code, 404);
    let listed = Rest::new(cluster.client());
    let listed = listed.send("GET", &meters.path("v1beta1", ""), None).await;
    let (code, why) = refusal(listed);
    assert!(code == 500 && why.ends_with(&end("v1", "v1beta1")), "{why}");
    operator.stop().await;
    meters.remove().await;
}

#[kopfrs::test]
async fn without_the_operator_objects_are_what_they_are_stored_as(cluster: Cluster) {
    let meters = Meters::define(&cluster).await;
    let operator = meters.convert(Registry::new()).await;
    meters.create("v1alpha1", "a", 1).await.unwrap();
    operator.stop().await;
    let seen = meters.read("v1", "a").await.unwrap();
    assert_eq!(seen["spec"], json!({"size": 1}));
    let patch = json!({"spec": {"size": 2}});
    meters.merge("v1", "a", patch).await.unwrap();
    let (code, why) = refusal(meters.read("v1alpha1", "a").await);
    assert_eq!(code, 500);
    let begin = format!(
        "conversion webhook for {}/v1, Kind=Meter failed: Post \"https://127.0.0.1:",
        meters.group
    );
    let end = format!(
        "/convert/meters.{}?timeout=30s\": dial tcp 127.0.0.1:",
        meters.group
    );
    assert!(
        why.starts_with(&begin) && why.contains(&end) && why.ends_with("connection refused"),
        "{why}"
    );
    // The next operator says where it is.
    let operator = meters.convert(Registry::new()).await;
    let seen = meters.read("v1alpha1", "a").await.unwrap();
    assert_eq!(seen["spec"], json!({"count": 2}));
    operator.stop().await;
    meters.remove().await;
}
