//! `kubectl create`: one object of a built-in kind, in protobuf, for which it has no other form.

use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use super::wire::Sent;

/// A message that is being written.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    /// An entry of a map.
    fn entry(self, field: u64, key: &str, value: &[u8]) -> Self {
        self.message(field, &Self::default().text(1, key).bytes(2, value))
    }

    /// The message as a body, in its envelope.
    fn of(&self, api_version: &str, kind: &str) -> Vec<u8> {
        let names = Self::default().text(1, api_version).text(2, kind);
        let envelope = Self::default().message(1, &names).message(2, self);
        let envelope = envelope.text(3, "").text(4, "");
        [b"k8s\0".as_slice(), &envelope.0].concat()
    }
}

/// As Go writes it: what is no pointer is always there, be it empty.
fn metadata(name: &str, namespace: &str) -> Message {
    let message = Message::default()
        .text(1, name)
        .text(2, "")
        .text(3, namespace);
    let message = message.text(4, "").text(5, "").text(6, "").number(7, 0);
    message.text(8, "")
}

async fn create(cluster: &Cluster, path: &str, body: Vec<u8>) -> Value {
    Sent::new(
        "POST",
        format!("{path}?fieldManager=kubectl-create&fieldValidation=Strict"),
    )
    .headers(&[
        ("content-type", "application/vnd.kubernetes.protobuf"),
        ("accept", "application/json"),
        (
            "user-agent",
            "kubectl/v1.32.4 (linux/amd64) kubernetes/4cb5f07",
        ),
    ])
    .body(body)
    .ok(cluster)
    .await
}

#[kopfrs::test(wire)]
async fn kubectl_create_makes_what_it_was_asked_for(cluster: Cluster) {
    let core = format!("/api/v1/namespaces/{}", cluster.namespace());

    let map = Message::default()
        .message(1, &metadata("settings", cluster.namespace()))
        .entry(2, "key", b"value");
    let map = create(
        &cluster,
        &format!("{core}/configmaps"),
        map.of("v1", "ConfigMap"),
    )
    .await;
    assert_eq!(map["data"], json!({"key": "value"}));
    assert_eq!(
        map["metadata"]["managedFields"][0]["manager"],
        "kubectl-create"
    );

    let secret = Message::default()
        .message(1, &metadata("secret", cluster.namespace()))
        .entry(2, "key", b"\xff\x00")
        .text(3, "");
    let secret = create(
        &cluster,
        &format!("{core}/secrets"),
        secret.of("v1", "Secret"),
    )
    .await;
    assert_eq!(secret["data"], json!({"key": "/wA="}));
    assert_eq!(secret["type"], "Opaque");

    let account = Message::default().message(1, &metadata("robot", cluster.namespace()));
    let path = format!("{core}/serviceaccounts");
    create(&cluster, &path, account.of("v1", "ServiceAccount")).await;

    let spec = Message::default().number(4, 3600);
    let request = Message::default()
        .message(1, &metadata("", ""))
        .message(2, &spec);
    let body = request.of("authentication.k8s.io/v1", "TokenRequest");
    let answer = create(&cluster, &format!("{path}/robot/token"), body).await;
    assert!(
        answer["status"]["token"]
            .as_str()
            .is_some_and(|token| !token.is_empty())
    );
}

#[kopfrs::test(wire)]
async fn a_deployment_keeps_its_containers_labels_and_zero_replicas(cluster: Cluster) {
    let labels = |message: Message| message.entry(11, "app", b"web");
    let port = Message::default()
        .text(1, "http")
        .number(2, 0)
        .number(3, 8080);
    let container = Message::default()
        .text(1, "nginx")
        .text(2, "nginx:1")
        .text(5, "")
        .message(6, &port.text(4, "TCP"))
        .message(
            8,
            &Message::default().entry(2, "cpu", &Message::default().text(1, "100m").0),
        )
        .text(14, "");
    let pod = Message::default().message(2, &container).text(3, "");
    let template = Message::default()
        .message(1, &labels(metadata("", "")))
        .message(2, &pod);
    let spec = Message::default()
        .number(1, 0)
        .message(2, &Message::default().entry(1, "app", b"web"))
        .message(3, &template)
        .message(4, &Message::default())
        .number(5, 0);
    let deployment = Message::default()
        .message(1, &labels(metadata("web", cluster.namespace())))
        .message(2, &spec)
        .message(3, &Message::default());
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments",
        cluster.namespace()
    );
    let made = create(&cluster, &path, deployment.of("apps/v1", "Deployment")).await;
    assert_eq!(made["spec"]["replicas"], 0);
    assert_eq!(
        made["spec"]["selector"],
        json!({"matchLabels": {"app": "web"}})
    );
    assert_eq!(
        made["spec"]["template"]["metadata"]["labels"],
        json!({"app": "web"})
    );
    let container = &made["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "nginx:1");
    assert_eq!(container["ports"][0]["containerPort"], 8080);
    assert_eq!(container["resources"], json!({"requests": {"cpu": "100m"}}));
}

#[kopfrs::test(wire)]
async fn auth_can_i_asks_in_protobuf_too(cluster: Cluster) {
    let attributes = Message::default()
        .text(1, "default")
        .text(2, "create")
        .text(3, "")
        .text(4, "*")
        .text(5, "pods")
        .text(6, "")
        .text(7, "");
    let spec = Message::default().message(1, &attributes);
    let review = Message::default()
        .message(1, &metadata("", ""))
        .message(2, &spec);
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let body = review.of("authorization.k8s.io/v1", "SelfSubjectAccessReview");
    let answer = create(&cluster, path, body).await;
    assert_eq!(answer["status"]["allowed"], true);
    assert_eq!(answer["spec"]["resourceAttributes"]["resource"], "pods");
}
