//! What users may do, with roles and bindings enforced.

use k8s_openapi::api::{
    authentication::v1::{SelfSubjectReview, TokenRequest},
    authorization::v1::{
        ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
        SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
    },
    core::v1::{ConfigMap, Namespace, Pod, ServiceAccount},
};
use kopfrs_sandbox::Sandbox;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
    core::Status,
};

const ROLES: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [get, list], resourceNames: [settings]}
- {apiGroups: [""], resources: [pods/status], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: developers}
- {kind: ServiceAccount, name: robot}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: default}
"#;

async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::builder().rbac(true).build();
    sandbox.apply_yaml(ROLES).await.expect("applied");
    sandbox
}

fn alice(sandbox: &Sandbox) -> Client {
    sandbox.client_with_token(&sandbox.tokens().issue("alice", ["developers"]))
}

fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> Status {
    match result {
        Err(kube::Error::Api(status)) => *status,
        other => panic!("no refusal: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_gives_its_verbs_names_and_subresources_and_no_more() {
    let sandbox = sandbox().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(alice(&sandbox));
    maps.get("settings").await.expect("allowed");
    let only = ListParams::default().fields("metadata.name=settings");
    maps.list(&only).await.expect("allowed");

    let status = refusal(maps.list(&ListParams::default()).await);
    assert_eq!((status.code, &*status.reason), (403, "Forbidden"));
    assert_eq!(
        status.message,
        "configmaps is forbidden: User \"alice\" cannot list resource \"configmaps\" in API group \"\" \
         in the namespace \"default\""
    );
    let status = refusal(maps.delete("settings", &DeleteParams::default()).await);
    assert_eq!(
        status.message,
        "configmaps \"settings\" is forbidden: User \"alice\" cannot delete resource \"configmaps\" in API \
         group \"\" in the namespace \"default\""
    );
    let everywhere: Api<ConfigMap> = Api::all(alice(&sandbox));
    let status = refusal(everywhere.list(&ListParams::default()).await);
    assert!(
        status.message.ends_with("at the cluster scope"),
        "{status:?}"
    );

    let pods: Api<Pod> = Api::default_namespaced(alice(&sandbox));
    let patch = kube::api::Patch::Merge(serde_json::json!({}));
    let params = kube::api::PatchParams::default();
    // Allowed, and so it is found out that there is no such Pod.
    assert_eq!(
        refusal(pods.patch_status("x", &params, &patch).await).code,
        404
    );
    assert_eq!(refusal(pods.patch("x", &params, &patch).await).code, 403);
}

#[tokio::test(start_paused = true)]
async fn discovery_is_for_all_who_are_known() {
    let sandbox = sandbox().await;
    let client = alice(&sandbox);
    client.apiserver_version().await.expect("allowed");
    client.list_core_api_resources("v1").await.expect("allowed");
    let request = http::Request::get("/metrics").body(Vec::new());
    let status = refusal(client.request_text(request.expect("a request")).await);
    assert_eq!(
        status.message,
        "forbidden: User \"alice\" cannot get path \"/metrics\""
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_account_has_tokens_and_what_is_bound_to_it() {
    let sandbox = sandbox().await;
    let accounts: Api<ServiceAccount> = Api::default_namespaced(sandbox.client());
    let request = TokenRequest::default();
    let answer = accounts
        .create_token_request("robot", &PostParams::default(), &request)
        .await
        .expect("a token");
    let token = answer.status.expect("a status").token.expect("a token");
    let client = sandbox.client_with_token(&token);
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    maps.get("settings").await.expect("allowed");
    let status = refusal(maps.get("other").await);
    assert!(
        status
            .message
            .contains("User \"system:serviceaccount:default:robot\" cannot get"),
        "{status:?}"
    );

    let me: Api<SelfSubjectReview> = Api::all(client);
    let review = SelfSubjectReview::default();
    let review = me.create(&PostParams::default(), &review).await;
    let user = review.expect("reviewed").status.and_then(|s| s.user_info);
    let groups = user.and_then(|user| user.groups).expect("groups");
    assert_eq!(
        groups,
        [
            "system:serviceaccounts",
            "system:serviceaccounts:default",
            "system:authenticated"
        ]
    );

    accounts
        .delete("robot", &DeleteParams::default())
        .await
        .expect("deleted");
    assert_eq!(refusal(maps.get("settings").await).code, 401);
}

#[tokio::test(start_paused = true)]
async fn reviews_say_what_requests_would_find() {
    let sandbox = sandbox().await;
    let can = async |client: Client, verb: &str, name: &str| {
        let attributes = ResourceAttributes {
            verb: Some(verb.to_owned()),
            resource: Some("configmaps".to_owned()),
            namespace: Some("default".to_owned()),
            name: Some(name.to_owned()),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(client);
        let review = reviews.create(&PostParams::default(), &review).await;
        review.expect("reviewed").status.expect("a status")
    };
    let status = can(alice(&sandbox), "get", "settings").await;
    assert!(status.allowed);
    assert_eq!(
        status.reason.as_deref(),
        Some(
            "RBAC: allowed by RoleBinding \"readers/default\" of Role \"reader\" to Group \"developers\""
        )
    );
    assert!(!can(alice(&sandbox), "delete", "settings").await.allowed);
    assert!(can(sandbox.client(), "delete", "settings").await.allowed);

    let rules: Api<SelfSubjectRulesReview> = Api::all(alice(&sandbox));
    let review = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec {
            namespace: Some("default".to_owned()),
        },
        ..SelfSubjectRulesReview::default()
    };
    let review = rules.create(&PostParams::default(), &review).await;
    let status = review.expect("reviewed").status.expect("a status");
    assert!(status.resource_rules.iter().any(|rule| {
        rule.resource_names.as_deref() == Some(&["settings".to_owned()])
            && rule.verbs == ["get", "list"]
    }));
}

#[tokio::test(start_paused = true)]
async fn who_may_impersonate_acts_as_somebody_else() {
    let sandbox = sandbox().await;
    let get = async |client: Client, user: &str, groups: &[&str]| {
        let mut request = http::Request::get("/api/v1/namespaces/default/configmaps/settings")
            .header("impersonate-user", user);
        for group in groups {
            request = request.header("impersonate-group", *group);
        }
        let request = request.body(Vec::new()).expect("a request");
        client.request::<ConfigMap>(request).await
    };
    let admin = sandbox.client();
    assert!(get(admin.clone(), "bob", &["developers"]).await.is_ok());
    assert_eq!(refusal(get(admin.clone(), "bob", &[]).await).code, 403);
    let robot = "system:serviceaccount:default:robot";
    assert!(get(admin, robot, &[]).await.is_ok());
    let status = refusal(get(alice(&sandbox), "bob", &[]).await);
    assert_eq!(
        status.message,
        "users \"bob\" is forbidden: User \"alice\" cannot impersonate resource \"users\" in API group \"\" \
         at the cluster scope"
    );
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_judged_as_being_in_itself() {
    let sandbox = sandbox().await;
    let namespaces: Api<Namespace> = Api::all(alice(&sandbox));
    let status = refusal(namespaces.get("default").await);
    assert_eq!(
        status.message,
        "namespaces \"default\" is forbidden: User \"alice\" cannot get resource \"namespaces\" in API group \
         \"\" in the namespace \"default\""
    );
}
