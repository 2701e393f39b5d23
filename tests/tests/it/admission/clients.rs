//! What handlers send while the API server waits for them.

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::settings::WebhookServer;
use kube::Api;
use kube::api::PostParams;
use tokio::time::timeout;

use super::endpoints::{ask, free_port};
use super::*;

/// Longer than a busy machine takes, and shorter than requests wait.
const SECONDS: Duration = Duration::from_secs(20);

#[kopfrs::test(wire)]
async fn a_review_does_not_wait_for_what_waits_for_it(cluster: Cluster) {
    cluster
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: limits}}")
        .await;
    cluster.install::<Ticket>().await;
    let namespace = cluster.namespace().to_owned();
    let read = move |client: Client| {
        let limits = Api::<ConfigMap>::namespaced(client, &namespace);
        async move { limits.get("limits").await.map(drop) }
    };
    let handlers = Registry::new()
        .add(on::validate::<Ticket>().id("check").run(read))
        .add(on::create::<Ticket>().id("create").run(async || {}))
        .add(on::delete::<Ticket>().id("delete").run(async || {}));
    let setup = cluster.operator().handlers(handlers);
    let setup = setup.settings(|settings| settings.networking.requests_in_flight = 1);
    let operator = setup.webhooks().start().await;
    let tickets = cluster.objects::<Ticket>();
    tickets.create(&ticket("a", 1)).await;
    let settled = async {
        operator.until_succeeded("create").await;
        operator.until_settled().await;
    };
    timeout(SECONDS, settled).await.unwrap();
    operator.stop().await;
}

/// A lease that somebody else holds.
fn lease() -> String {
    let now = k8s_openapi::jiff::Timestamp::now();
    format!(
        "{{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {{name: lease}}, spec: {{holderIdentity: other, \
         leaseDurationSeconds: 3600, acquireTime: \"{now:.6}\", renewTime: \"{now:.6}\"}}}}"
    )
}

#[kopfrs::test(wire)]
async fn a_replica_that_stands_by_writes_what_is_asked_of_it(cluster: Cluster) {
    cluster.install::<Ticket>().await;
    cluster.apply(&lease()).await;
    let namespace = cluster.namespace().to_owned();
    let make = move |client: Client| {
        let maps = Api::<ConfigMap>::namespaced(client, &namespace);
        async move {
            let mut map = ConfigMap::default();
            map.metadata.name = Some("made".to_owned());
            maps.create(&PostParams::default(), &map).await.map(drop)
        }
    };
    let handler = on::validate::<Ticket>().id("make").side_effects(true);
    let handlers = Registry::new().add(handler.run(make));
    let (port, namespace) = (free_port(), cluster.namespace().to_owned());
    let setup = cluster.operator().handlers(handlers).settings(|settings| {
        settings.leader_election.enabled = true;
        settings.leader_election.lease_name = Some("lease".to_owned());
        settings.leader_election.namespace = Some(namespace);
        settings.admission.server = Some(WebhookServer::new().insecure(true).port(port));
    });
    let operator = setup.launch().await;
    operator.until_said("serving webhooks at").await;
    let question = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "CREATE", "namespace": cluster.namespace(), "userInfo": {"username": "x"},
        "resource": {"group": "admission.kopfrs.dev", "version": "v1", "resource": "tickets"},
        "object": {"metadata": {"name": "a"}},
    }});
    let url = format!("http://127.0.0.1:{port}/make");
    let (code, text) = ask(&url, &question.to_string()).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &answer["response"]["allowed"]),
        (200, &json!(true)),
        "{text}"
    );
    cluster.objects::<ConfigMap>().get("made").await;
    operator.stop().await;
}
