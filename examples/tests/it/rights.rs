//! The operator with the rights of its manifests and no others, and with one less.

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule};
use kopfrs::testing::{Cluster, OperatorSetup};
use kube::api::{Api, PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::devoops::DEMO;
use crate::{handlers_of, stop};

const MANIFESTS: &str = include_str!("../../devoops/deploy/operator.yaml");

/// A service account with what the manifests grant, in a namespace of its own.
struct Account {
    namespace: String,
    token: String,
}

fn manifest<T: DeserializeOwned>(kind: &str) -> T {
    let documents = MANIFESTS.split("\n---\n");
    let mut objects = documents.map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    let object = objects.find(|object| object["kind"] == kind).unwrap();
    serde_json::from_value(object).unwrap()
}

impl Account {
    /// Grants what the manifests say, but for the changes of a test.
    async fn new(cluster: &Cluster, change: impl Fn(&mut PolicyRule)) -> Self {
        let namespace = cluster.another_namespace("devoops").await;
        let account: ServiceAccount = manifest("ServiceAccount");
        let accounts = cluster.objects::<ServiceAccount>().in_namespace(&namespace);
        accounts.create(&account).await;
        let mut role: ClusterRole = manifest("ClusterRole");
        role.metadata.name = Some(namespace.clone());
        if let Some(rules) = &mut role.rules {
            rules.iter_mut().for_each(change);
            rules.retain(|rule| !rule.verbs.is_empty());
        }
        cluster.objects().create(&role).await;
        let mut binding: ClusterRoleBinding = manifest("ClusterRoleBinding");
        binding.metadata.name = Some(namespace.clone());
        binding.role_ref.name.clone_from(&namespace);
        for subject in binding.subjects.iter_mut().flatten() {
            subject.namespace = Some(namespace.clone());
        }
        cluster.objects().create(&binding).await;
        let token = token(cluster, &namespace).await;
        Self { namespace, token }
    }

    /// The operator with the rights of the account.
    fn operator(&self, cluster: &Cluster) -> OperatorSetup {
        let operator = cluster.operator().handlers(handlers_of("devoops"));
        operator.namespaces([&self.namespace]).token(&self.token)
    }
}

/// The credentials of the account.
async fn token(cluster: &Cluster, namespace: &str) -> String {
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client(), namespace);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec::default()),
        ..TokenRequest::default()
    };
    let params = PostParams::default();
    let issued = accounts
        .create_token_request("devoops", &params, &request)
        .await;
    issued.unwrap().status.unwrap().token.unwrap()
}

/// A whole life with the rights of the manifests: nobody says that something is forbidden.
pub(crate) async fn suffice(cluster: &Cluster) {
    let account = Account::new(cluster, |_| {}).await;
    let demos = cluster
        .kind("demo.devoops.io")
        .await
        .in_namespace(&account.namespace);
    let pods = cluster.objects::<Pod>().in_namespace(&account.namespace);
    let operator = account.operator(cluster).start().await;
    demos.create_from(DEMO).await;
    operator.until_succeeded("create").await;
    demos
        .merge("demo-1", json!({"spec": {"image": "other:1"}}))
        .await;
    operator.until_succeeded("update").await;
    demos.delete("demo-1").await;
    demos.until_gone("demo-1").await;
    pods.until_gone("demo-1").await;
    stop(&operator).await;
    let log = operator.log();
    for forbidden in ["403", "orbidden", "what allows it"] {
        assert!(!log.contains(forbidden), "{forbidden} in:\n{log}");
    }
}

/// With one verb less the log says what is to be added to the role.
pub(crate) async fn are_named_where_they_lack(cluster: &Cluster) {
    let rows = [
        (
            "demo",
            "list",
            r#"{apiGroups: ["devoops.io"], resources: ["demo"], verbs: ["list"]}"#,
        ),
        (
            "demo",
            "watch",
            r#"{apiGroups: ["devoops.io"], resources: ["demo"], verbs: ["watch"]}"#,
        ),
        (
            "demo",
            "patch",
            r#"{apiGroups: ["devoops.io"], resources: ["demo"], verbs: ["patch"]}"#,
        ),
        (
            "demo/status",
            "patch",
            r#"{apiGroups: ["devoops.io"], resources: ["demo/status"], verbs: ["patch"]}"#,
        ),
        (
            "pods",
            "create",
            r#"{apiGroups: [""], resources: ["pods"], verbs: ["create"]}"#,
        ),
    ];
    for (resource, verb, rule) in rows {
        let account = Account::new(cluster, |rule| {
            if rule.resources.iter().flatten().any(|r| r == resource) {
                rule.verbs.retain(|granted| granted != verb);
            }
        })
        .await;
        let operator = account.operator(cluster).launch().await;
        let demos = cluster.kind("demo.devoops.io").await;
        let demos = demos.in_namespace(&account.namespace);
        demos.create_from(DEMO).await;
        operator.until_said(rule).await;
        operator.kill().await;
        // The definition is to be removed, and waits for all objects.
        let released = json!({"metadata": {"finalizers": null}});
        demos.merge("demo-1", released).await;
        demos.delete("demo-1").await;
    }
}
