use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;

use super::*;

/// A deployment of the site's size.
async fn deploy(site: Arc<Site>, actions: Actions) -> Result<Action> {
    let labels = json!({"site": site.name_any()});
    let container = json!({"name": "main", "image": "example.invalid/site:1"});
    let deployment = json!({
        "metadata": {"name": site.name_any()},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    });
    let mut deployment: Deployment = serde_json::from_value(deployment)?;
    actions.adopt(&mut deployment)?;
    let size = site.spec.size;
    let shape = move |deployment: &mut Deployment| {
        deployment.spec.replicas = Some(size);
    };
    actions.create_or_update(&mut deployment, shape).await?;
    Ok(Action::Done)
}

#[kopfrs::test]
async fn an_owned_deployment_is_put_back_and_made_again(cluster: Cluster) {
    let handlers = Registry::new().add(handler().owns::<Deployment>().run(deploy));
    let (sites, operator) = start(&cluster, handlers).await;
    let deployments = cluster.objects::<Deployment>();
    let is_of = |size: i32| move |deployment: &Deployment| deployment.spec.replicas == Some(size);
    sites.create(&site("a", 0)).await;
    let first = deployments.until("a", is_of(0)).await;
    let owner = &first.metadata.owner_references.as_ref().unwrap()[0];
    assert_eq!((&*owner.kind, owner.controller), ("Site", Some(true)));
    deployments
        .merge("a", json!({"spec": {"replicas": 1}}))
        .await;
    deployments.until("a", is_of(0)).await;
    deployments.delete("a").await;
    let uid = first.metadata.uid.clone();
    let is_another = move |deployment: &Deployment| deployment.metadata.uid != uid;
    deployments.until("a", is_another).await;
    operator.stop().await;
}

#[kopfrs::test]
async fn a_watched_secret_wakes_those_that_name_it(cluster: Cluster) {
    let names = |site: Arc<Site>| site.spec.secret.clone();
    let apply = async |body: Body, patch: Patch, actions: Actions, site: Arc<Site>| -> Result<()> {
        let Some(name) = &site.spec.secret else {
            return Ok(());
        };
        let mut secret = Secret::default();
        secret.metadata.name = Some(name.clone());
        secret.metadata.namespace = body.namespace().map(str::to_owned);
        let found = actions.find(&secret).await?;
        let password = found.and_then(|secret| secret.data).unwrap_or_default();
        let password = password
            .get("password")
            .map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned());
        patch.status(json!({"phase": password.unwrap_or_else(|| "missing".to_owned())}));
        Ok(())
    };
    let handler = handler().uses::<Secret, _, _>(names).run(apply);
    let (sites, operator) = start(&cluster, Registry::new().add(handler)).await;
    let mut reader = site("reader", 1);
    reader.spec.secret = Some("pw".to_owned());
    sites.create(&reader).await;
    sites.create(&site("other", 1)).await;
    let says = |phase: &'static str| {
        move |site: &Site| {
            let status = site.status.as_ref();
            status.is_some_and(|status| status.phase.as_deref() == Some(phase))
        }
    };
    sites.until("reader", says("missing")).await;
    operator.until_settled().await;
    let calls = operator.calls().of("other").ids().len();
    let secrets = cluster.objects::<Secret>();
    secrets
        .create_from(
            "{apiVersion: v1, kind: Secret, metadata: {name: pw}, stringData: {password: one}}",
        )
        .await;
    sites.until("reader", says("one")).await;
    secrets
        .merge("pw", json!({"stringData": {"password": "two"}}))
        .await;
    sites.until("reader", says("two")).await;
    secrets.delete("pw").await;
    sites.until("reader", says("missing")).await;
    operator.stop().await;
    assert_eq!(operator.calls().of("other").ids().len(), calls);
}

#[kopfrs::test]
async fn a_function_of_what_is_watched_names_whom_to_wake(cluster: Cluster) {
    let readers = |secret: Arc<Secret>| secret.labels().get("read-by").cloned();
    let handler = handler().watches(readers).run(async || {});
    let (sites, operator) = start(&cluster, Registry::new().add(handler)).await;
    for name in ["a", "b"] {
        sites.create(&site(name, 1)).await;
    }
    operator
        .until_calls("both", |calls| calls.ids().len() == 2)
        .await;
    cluster
        .objects::<Secret>()
        .create_from("{apiVersion: v1, kind: Secret, metadata: {name: s, labels: {read-by: b}}}")
        .await;
    operator
        .until_calls("the reader", |calls| calls.of("b").ids().len() == 2)
        .await;
    operator.until_settled().await;
    assert_eq!(operator.calls().of("a").ids().len(), 1);
    operator.stop().await;
}
