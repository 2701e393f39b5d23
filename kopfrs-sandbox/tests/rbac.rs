//! Who may give rights, and roles that are made of others.

use http::{Method, Request};
use kopfrs_sandbox::Sandbox;
use kube::Client;
use serde_json::{Value, json};

const GROUP: &str = "rbac.authorization.k8s.io";
const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";

async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Value {
    let media = if method == Method::PATCH {
        "application/merge-patch+json"
    } else {
        "application/json"
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, media)
        .body(body.to_string().into_bytes())
        .expect("a request");
    match client.request::<Value>(request).await {
        Ok(value) => value,
        Err(kube::Error::Api(status)) => serde_json::to_value(*status).expect("a status"),
        Err(error) => panic!("{error}"),
    }
}

fn role(kind: &str, name: &str, rules: &Value) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": {"name": name}, "rules": rules,
    })
}

fn binding(name: &str, role: &str) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "RoleBinding", "metadata": {"name": name},
        "roleRef": {"kind": "ClusterRole", "name": role}, "subjects": [{"kind": "User", "name": "bob"}],
    })
}

/// A sandbox with a user who may write roles, and these rules besides.
async fn with_granter(rules: &[Value]) -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().rbac(true).build();
    let own = json!({"apiGroups": [GROUP], "resources": ["roles", "rolebindings"], "verbs": ["create", "patch"]});
    let rules: Vec<&Value> = [&own].into_iter().chain(rules).collect();
    let objects = [
        role("ClusterRole", "granter", &json!(rules)),
        json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "granter"},
            "roleRef": {"kind": "ClusterRole", "name": "granter"},
            "subjects": [{"kind": "User", "name": "alice"}],
        }),
    ];
    for object in objects {
        sandbox
            .apply_yaml(&object.to_string())
            .await
            .expect("a good object");
    }
    let token = sandbox.tokens().issue("alice", ["people"]);
    let client = sandbox.client_with_token(&token);
    (sandbox, client)
}

fn reads(resource: &str) -> Value {
    json!({"apiGroups": [""], "resources": [resource], "verbs": ["get", "list"]})
}

#[tokio::test(start_paused = true)]
async fn nobody_grants_what_they_do_not_have() {
    let (_sandbox, alice) = with_granter(&[reads("configmaps")]).await;
    let own = role("Role", "own", &json!([reads("configmaps")]));
    assert_eq!(
        send(&alice, Method::POST, ROLES, &own).await["kind"],
        "Role"
    );
    let more = role(
        "Role",
        "more",
        &json!([reads("configmaps"), reads("secrets")]),
    );
    let refused = send(&alice, Method::POST, ROLES, &more).await;
    assert_eq!(
        refused["message"],
        "roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"alice\" (groups=[\"people\" \
         \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n\
         {APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}"
    );
    let path = format!("{ROLES}/own");
    let patch = json!({"rules": [reads("secrets")]});
    assert_eq!(
        send(&alice, Method::PATCH, &path, &patch).await["code"],
        403
    );
    let refused = send(
        &alice,
        Method::POST,
        BINDINGS,
        &binding("all", "cluster-admin"),
    )
    .await;
    assert_eq!(refused["code"], 403);
}

#[tokio::test(start_paused = true)]
async fn who_may_escalate_or_bind_may() {
    let exempt = json!({"apiGroups": [GROUP], "resources": ["roles"], "verbs": ["escalate"]});
    let bind = json!({
        "apiGroups": [GROUP], "resources": ["clusterroles"], "resourceNames": ["view"], "verbs": ["bind"],
    });
    let (_sandbox, alice) = with_granter(&[exempt, bind]).await;
    let more = role("Role", "more", &json!([reads("secrets")]));
    assert_eq!(
        send(&alice, Method::POST, ROLES, &more).await["kind"],
        "Role"
    );
    let view = send(&alice, Method::POST, BINDINGS, &binding("view", "view")).await;
    assert_eq!(view["kind"], "RoleBinding", "{view}");
    let edit = send(&alice, Method::POST, BINDINGS, &binding("edit", "edit")).await;
    assert_eq!(edit["code"], 403, "{edit}");
}

#[tokio::test(start_paused = true)]
async fn rules_say_what_they_are_for() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let rows = [
        (
            json!([{"apiGroups": [""], "resources": ["pods"]}]),
            "rules[0].verbs",
        ),
        (
            json!([{"verbs": ["get"], "resources": ["pods"]}]),
            "rules[0].apiGroups",
        ),
        (
            json!([{"verbs": ["get"], "nonResourceURLs": ["/x"]}]),
            "rules[0].nonResourceURLs",
        ),
    ];
    for (rules, field) in rows {
        let refused = send(&client, Method::POST, ROLES, &role("Role", "r", &rules)).await;
        assert_eq!(refused["code"], 422, "{field}");
        assert!(
            refused["message"]
                .as_str()
                .is_some_and(|text| text.contains(field)),
            "{refused}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn bindings_keep_their_role() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    send(&client, Method::POST, BINDINGS, &binding("b", "view")).await;
    let patch = json!({"roleRef": {"name": "edit"}});
    let refused = send(&client, Method::PATCH, &format!("{BINDINGS}/b"), &patch).await;
    assert!(
        refused["message"]
            .as_str()
            .is_some_and(|text| text.ends_with("cannot change roleRef")),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn roles_gather_what_is_labelled_for_them() {
    let sandbox = Sandbox::builder().rbac(true).build();
    let client = sandbox.client();
    let token = sandbox.tokens().issue("bob", [""; 0]);
    let bob = sandbox.client_with_token(&token);
    send(&client, Method::POST, BINDINGS, &binding("b", "view")).await;
    let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    assert_eq!(
        send(&bob, Method::GET, leases, &json!({})).await["code"],
        403
    );
    let mut more = role(
        "ClusterRole",
        "more",
        &json!([{
            "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"],
        }]),
    );
    more["metadata"]["labels"] = json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"});
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    send(&client, Method::POST, roles, &more).await;
    while send(&bob, Method::GET, leases, &json!({})).await["kind"] != "LeaseList" {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let view = send(&client, Method::GET, &format!("{roles}/view"), &json!({})).await;
    assert!(
        view["rules"]
            .as_array()
            .is_some_and(|rules| rules.len() > 1),
        "{view}"
    );
}

#[tokio::test(start_paused = true)]
async fn service_accounts_get_tokens_that_can_be_read() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}});
    let account = send(&client, Method::POST, accounts, &account).await;
    let ask = async |spec: Value| {
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec,
        });
        let path = format!("{accounts}/robot/token");
        let answer = send(&client, Method::POST, &path, &request).await;
        answer["status"]["token"]
            .as_str()
            .expect("a token")
            .to_owned()
    };
    let token = ask(json!({})).await;
    let payload = token.split('.').nth(1).expect("three parts");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64");
    let claims: Value = serde_json::from_slice(&payload).expect("claims");
    assert_eq!(claims["sub"], "system:serviceaccount:default:robot");
    assert_eq!(
        claims["kubernetes.io"]["serviceaccount"]["uid"],
        account["metadata"]["uid"]
    );
    let lifetime = claims["exp"].as_u64().zip(claims["iat"].as_u64());
    assert_eq!(lifetime.map(|(end, begin)| end - begin), Some(3600));

    let path = "/api/v1/namespaces/default";
    let with = |token: &str| sandbox.client_with_token(token);
    assert_eq!(
        send(&with(&token), Method::GET, path, &json!({})).await["kind"],
        "Namespace"
    );
    let elsewhere = ask(json!({"audiences": ["elsewhere"]})).await;
    assert_eq!(
        send(&with(&elsewhere), Method::GET, path, &json!({})).await["code"],
        401
    );
    tokio::time::advance(std::time::Duration::from_secs(3601)).await;
    assert_eq!(
        send(&with(&token), Method::GET, path, &json!({})).await["code"],
        401
    );
}
