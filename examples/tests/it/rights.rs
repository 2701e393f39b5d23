//! The operator with the rights of its manifests and no others, and with one less.

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule};
use kube::api::{Api, DeleteParams, PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::program::{Program, until};
use crate::stage::{Stage, kind};

const MANIFESTS: &str = include_str!("../../devoops/deploy/operator.yaml");
const DEMO: &str = include_str!("../../devoops/manifests/demo.yaml");
const DEVOOPS: &str = env!("CARGO_BIN_EXE_devoops");

/// A service account with what the manifests grant, and its credentials in a file.
struct Account {
    name: String,
    kubeconfig: tempfile::NamedTempFile,
}

fn manifest<T: DeserializeOwned>(kind: &str) -> T {
    let documents = MANIFESTS.split("\n---\n");
    let mut objects = documents.map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    let object = objects.find(|object| object["kind"] == kind).unwrap();
    serde_json::from_value(object).unwrap()
}

impl Account {
    /// Grants what the manifests say, but for the changes of a test.
    async fn new(stage: &Stage, change: impl Fn(&mut PolicyRule)) -> Self {
        let (client, params) = (stage.cluster.client(), PostParams::default());
        let namespace = stage.namespace.name().to_owned();
        let name = format!("devoops-{namespace}");
        let mut account: ServiceAccount = manifest("ServiceAccount");
        account.metadata.namespace = Some(namespace.clone());
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &namespace);
        accounts.create(&params, &account).await.unwrap();
        let mut role: ClusterRole = manifest("ClusterRole");
        role.metadata.name = Some(name.clone());
        if let Some(rules) = &mut role.rules {
            rules.iter_mut().for_each(change);
            rules.retain(|rule| !rule.verbs.is_empty());
        }
        let mut binding: ClusterRoleBinding = manifest("ClusterRoleBinding");
        binding.metadata.name = Some(name.clone());
        binding.role_ref.name.clone_from(&name);
        for subject in binding.subjects.iter_mut().flatten() {
            subject.namespace = Some(namespace.clone());
        }
        let roles: Api<ClusterRole> = Api::all(client.clone());
        roles.create(&params, &role).await.unwrap();
        let bindings: Api<ClusterRoleBinding> = Api::all(client);
        bindings.create(&params, &binding).await.unwrap();

        let request = TokenRequest {
            spec: Some(TokenRequestSpec::default()),
            ..TokenRequest::default()
        };
        let issued = accounts
            .create_token_request("devoops", &params, &request)
            .await
            .unwrap();
        let token = issued.status.unwrap().token.unwrap();
        let kubeconfig = kubeconfig(stage, &token);
        Self { name, kubeconfig }
    }

    fn start(&self, stage: &Stage) -> Program {
        Program::start(DEVOOPS, self.kubeconfig.path(), stage.namespace.name())
    }

    async fn remove(self, stage: &Stage) {
        let (client, params) = (stage.cluster.client(), DeleteParams::default());
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        bindings.delete(&self.name, &params).await.unwrap();
        let roles: Api<ClusterRole> = Api::all(client);
        roles.delete(&self.name, &params).await.unwrap();
    }
}

/// The way to the cluster with a token instead of all rights.
fn kubeconfig(stage: &Stage, token: &str) -> tempfile::NamedTempFile {
    let text = std::fs::read_to_string(stage.cluster.kubeconfig()).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    for user in config["users"].as_array_mut().unwrap() {
        user["user"] = json!({"token": token});
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();
    file
}

/// A whole life with the rights of the manifests: nobody says that something is forbidden.
pub(crate) async fn suffice(definition: &str) {
    let stage = Stage::new(definition, &kind("devoops.io", "Demo")).await;
    let account = Account::new(&stage, |_| {}).await;
    let pods: Api<Pod> = Api::namespaced(stage.cluster.client(), stage.namespace.name());
    let program = account.start(&stage);
    program.until("watching demo.v1", 1).await;
    stage.create(DEMO).await;
    program.until("create handler succeeded", 1).await;
    let image = json!({"spec": {"image": "other:1"}});
    stage.merge("demo-1", image).await;
    program.until("update handler succeeded", 1).await;
    stage.delete("demo-1").await;
    until("the end of the pod", || async {
        pods.get_opt("demo-1").await.unwrap().is_none()
    })
    .await;
    let log = program.stop().await;
    for forbidden in ["403", "orbidden", "what allows it"] {
        log.assert_count(forbidden, 0);
    }
    log.assert_calm();
    account.remove(&stage).await;
    stage.namespace.delete().await;
}

/// With one verb less the log says what is to be added to the role.
pub(crate) async fn are_named_where_they_lack(definition: &str) {
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
        let stage = Stage::new(definition, &kind("devoops.io", "Demo")).await;
        let account = Account::new(&stage, |rule| {
            if rule.resources.iter().flatten().any(|r| r == resource) {
                rule.verbs.retain(|granted| granted != verb);
            }
        })
        .await;
        let program = account.start(&stage);
        stage.create(DEMO).await;
        program.until(rule, 1).await;
        drop(program.stop().await);
        stage
            .merge("demo-1", json!({"metadata": {"finalizers": null}}))
            .await;
        account.remove(&stage).await;
        stage.namespace.delete().await;
    }
}
