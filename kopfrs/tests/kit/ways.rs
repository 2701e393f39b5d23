//! How operators get to the cluster, and what goes wrong on the way.

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Fault, On, OpenWatches, Rule};
use kube::api::{Api, PostParams};

use crate::subject::{Gauge, gauge, showing};

#[kopfrs::test]
async fn faults_strike_the_operator_and_nobody_else(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let gate = cluster.gate().await;
    let operator = cluster
        .operator()
        .handlers(showing())
        .through(&gate)
        .start()
        .await;
    let gauges = cluster.objects::<Gauge>();
    gate.faults().take_down();
    gauges.create(&gauge("a", 1)).await;
    gauges.merge("a", json!({"spec": {"size": 2}})).await;
    gate.faults().bring_up();
    let injected = gate
        .faults()
        .inject(Rule::new(On::verb("patch"), Fault::status(500)).times(2));
    operator.until_settled().await;
    assert_eq!(injected.hits(), 2);
    assert_eq!(operator.calls().ids(), ["create"]);
    assert_eq!(gauges.get("a").await.status.unwrap_or_default().size, 2);
    let writes = operator.writes();
    let writes = writes.for_object("gauges", cluster.namespace(), "a");
    // The finalizer, the status, the memory; and what was in the way of them.
    assert_eq!((writes.status(200).len(), writes.status(500).len()), (3, 2));
    assert!(
        operator
            .journal()
            .requests()
            .iter()
            .all(|request| request.verb() != "create")
    );
}

#[kopfrs::test]
async fn logins_end_and_begin_anew(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let gate = cluster.gate().await;
    let tokens = Arc::new(std::sync::Mutex::new(Vec::new()));
    let login = {
        let (gate, tokens) = (gate.clone(), tokens.clone());
        move || {
            let token = gate.tokens().issue("operator", ["system:masters"]);
            tokens.lock().unwrap().push(token.clone());
            std::future::ready(Ok::<_, HandlerError>(gate.credentials_with_token(&token)))
        }
    };
    let handlers = showing().add(on::login().id("login").run(login));
    let operator = cluster
        .operator()
        .handlers(handlers)
        .by_login()
        .through(&gate)
        .start()
        .await;
    let first = tokens.lock().unwrap()[0].clone();
    assert!(gate.tokens().revoke(&first, OpenWatches::End));
    cluster.objects().create(&gauge("a", 1)).await;
    operator.until_succeeded("create").await;
    assert_eq!(tokens.lock().unwrap().len(), 2);
    assert_eq!(operator.calls().handler("login").len(), 2);
}

#[kopfrs::test]
async fn all_logins_lead_to_the_cluster_of_the_test(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let login = async || Ok::<_, HandlerError>(login::infer().await?);
    let handlers = showing().add(on::login().id("login").run(login));
    let operator = cluster.operator().handlers(handlers).start().await;
    cluster.objects().create(&gauge("a", 1)).await;
    operator.until_succeeded("create").await;
    operator.stop().await;
}

#[kopfrs::test]
async fn no_operator_of_a_test_gets_to_another_cluster(cluster: Cluster) {
    let elsewhere = async || {
        let config = kube::Config::new("https://127.0.0.1:1".parse()?);
        Ok::<_, HandlerError>(Credentials::new(config))
    };
    let handlers = showing().add(on::login().id("elsewhere").run(elsewhere));
    let operator = cluster.operator().handlers(handlers).launch().await;
    let error = operator.ended().await.unwrap_err().to_string();
    assert!(
        error.contains("returned credentials for https://127.0.0.1:1"),
        "{error}"
    );
}

/// A token of an account that may do nothing yet.
async fn token(cluster: &Cluster, name: &str) -> String {
    let account = format!("{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}}}}}");
    cluster.apply(&account).await;
    let accounts: Api<ServiceAccount> = Api::default_namespaced(cluster.client());
    let request = TokenRequest {
        spec: Some(TokenRequestSpec::default()),
        ..TokenRequest::default()
    };
    let issued = accounts
        .create_token_request(name, &PostParams::default(), &request)
        .await;
    issued.unwrap().status.unwrap().token.unwrap()
}

#[kopfrs::test]
async fn an_operator_has_the_rights_of_its_token(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let token = token(&cluster, "powerless").await;
    let operator = cluster
        .operator()
        .handlers(showing())
        .token(&token)
        .launch()
        .await;
    operator.until_said("verbs: [\"list\"]").await;
    let own: Api<Gauge> = Api::default_namespaced(cluster.client_with_token(&token));
    let refused = own.get("a").await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 403));
}

#[kopfrs::test]
async fn namespaces_are_served_as_told(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let other = cluster.another_namespace("other").await;
    let operator = cluster
        .operator()
        .handlers(showing())
        .namespaces([&other])
        .start()
        .await;
    cluster.objects().create(&gauge("a", 1)).await;
    cluster
        .objects()
        .in_namespace(&other)
        .create(&gauge("b", 1))
        .await;
    operator.until_settled().await;
    assert_eq!(
        (
            operator.calls().of("a").len(),
            operator.calls().of("b").len()
        ),
        (0, 1)
    );
}

/// On a cluster that tests share, it would meet the objects of others.
#[kopfrs::test(backend = "in-process")]
async fn all_namespaces_are_served_as_told(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let other = cluster.another_namespace("other").await;
    let operator = cluster
        .operator()
        .handlers(showing())
        .clusterwide()
        .start()
        .await;
    cluster.objects().create(&gauge("a", 1)).await;
    cluster
        .objects()
        .in_namespace(&other)
        .create(&gauge("b", 1))
        .await;
    operator
        .until_calls("both", |calls| calls.succeeded().len() == 2)
        .await;
    assert_eq!(
        cluster
            .kind("gauge")
            .await
            .in_namespace(&other)
            .get("b")
            .await["spec"]["size"],
        1
    );
}
