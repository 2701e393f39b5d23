use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, PostParams};

use super::*;

/// Everything that the operator needs in one namespace, and nothing anywhere else.
const ROLE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: sites}
rules:
  - {apiGroups: [reconcile.kopfrs.dev], resources: [sites], verbs: [get, list, watch, patch]}
  - {apiGroups: [reconcile.kopfrs.dev], resources: [sites/status], verbs: [patch]}
  - {apiGroups: [''], resources: [configmaps], verbs: [list, watch]}
  - {apiGroups: [''], resources: [events], verbs: [create, patch]}
";

const BINDING: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: sites}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: sites}
subjects: [{kind: ServiceAccount, name: sites}]
";

/// The credentials of an account that has these rights in the namespace of the test.
async fn token(cluster: &Cluster) -> String {
    let namespace = cluster.namespace();
    let accounts = cluster.objects::<ServiceAccount>();
    accounts
        .create_from("{apiVersion: v1, kind: ServiceAccount, metadata: {name: sites}}")
        .await;
    cluster.objects::<Role>().create_from(ROLE).await;
    let binding = BINDING.replace(
        "name: sites}]",
        &format!("name: sites, namespace: {namespace}}}]"),
    );
    cluster.objects::<RoleBinding>().create_from(&binding).await;
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client(), namespace);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec::default()),
        ..TokenRequest::default()
    };
    let parameters = PostParams::default();
    let issued = accounts
        .create_token_request("sites", &parameters, &request)
        .await;
    issued.unwrap().status.unwrap().token.unwrap()
}

#[kopfrs::test]
async fn with_the_rights_of_one_namespace_others_are_left_alone(cluster: Cluster) {
    cluster.install::<Site>().await;
    let other = cluster.another_namespace("other").await;
    let elsewhere = cluster.objects::<Site>().in_namespace(other);
    elsewhere.create(&site("far", 1)).await;
    let handlers = Registry::new()
        .add(handler().owns::<ConfigMap>().run(async || {}))
        .add(on::delete::<Site>().id("release").run(async || {}));
    let token = token(&cluster).await;
    let operator = cluster.operator().handlers(handlers).token(token);
    let operator = operator.start().await;
    let sites = cluster.objects::<Site>();
    sites.create(&site("near", 1)).await;
    operator.until_succeeded("apply").await;
    sites.delete("near").await;
    sites.until_gone("near").await;
    operator.stop().await;
    assert!(operator.calls().of("far").ids().is_empty());
    let far = elsewhere.get("far").await;
    assert_eq!(
        (far.metadata.finalizers, far.status.is_none()),
        (None, true)
    );
}
