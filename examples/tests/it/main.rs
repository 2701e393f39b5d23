//! Every example as its readers run it: a process on a cluster, an object that comes and goes, and a
//! signal in the end.

mod commands;
mod program;

use k8s_openapi::api::core::v1::Pod;
use kopfrs_tests::backend::{Cluster, Namespace};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use self::program::Program;

/// A namespace with an example in it.
struct Stage {
    cluster: &'static Cluster,
    namespace: Namespace,
    api: Api<DynamicObject>,
}

impl Stage {
    /// Installs a kind, and makes room for an example.
    async fn new(definition: &str, kind: &GroupVersionKind) -> Self {
        let cluster = Cluster::get();
        let definition: Value = serde_saphyr::from_str(definition).unwrap();
        let plural = definition["spec"]["names"]["plural"]
            .as_str()
            .unwrap()
            .to_owned();
        cluster.install(&[definition]).await;
        let namespace = cluster.namespace("example").await;
        let resource = ApiResource::from_gvk_with_plural(kind, &plural);
        let api = Api::namespaced_with(cluster.client(), namespace.name(), &resource);
        Self {
            cluster,
            namespace,
            api,
        }
    }

    fn start(&self, program: &str) -> Program {
        Program::start(program, self.cluster.kubeconfig(), self.namespace.name())
    }

    /// Creates an object of a manifest in the namespace of the example.
    async fn create(&self, manifest: &str) {
        let mut object: DynamicObject = serde_saphyr::from_str(manifest).unwrap();
        object.metadata.namespace = Some(self.namespace.name().to_owned());
        self.api
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
    }

    async fn merge(&self, name: &str, patch: Value) {
        self.api
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .unwrap();
    }

    async fn get(&self, name: &str) -> Option<Value> {
        let found = self.api.get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    /// Deletes an object, and waits until it is gone.
    async fn delete(&self, name: &str) {
        self.api
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
        program::until("the end of the object", || async {
            self.get(name).await.is_none()
        })
        .await;
    }
}

fn kind(group: &str, kind: &str) -> GroupVersionKind {
    GroupVersionKind::gvk(group, "v1", kind)
}

/// A stage for the examples that share one kind.
async fn kopf_stage() -> Stage {
    let definition = include_str!("../../manifests/crd.yaml");
    Stage::new(definition, &kind("kopf.dev", "KopfExample")).await
}

const OBJECT: &str = include_str!("../../manifests/obj.yaml");
const NAME: &str = "kopf-example-1";

#[test]
fn minimal() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let program = stage.start(env!("CARGO_BIN_EXE_01-minimal"));
        program.until("watching kopfexamples", 1).await;
        stage.create(OBJECT).await;
        program.until("create handler succeeded", 1).await;
        program::until("the result in the status", || async {
            let object = stage.get(NAME).await.unwrap();
            object["status"]["create_fn"] == json!({"message": "hello world"})
        })
        .await;
        stage.delete(NAME).await;
        let log = program.stop().await;
        log.assert_once("create_fn: And here we are!");
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

#[test]
fn exceptions() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let program = stage.start(env!("CARGO_BIN_EXE_03-exceptions"));
        program.until("watching kopfexamples", 1).await;
        stage.create(OBJECT).await;
        program
            .until("create is handled: 1 succeeded, 3 failed", 1)
            .await;
        stage.delete(NAME).await;
        let log = program.stop().await;
        log.assert_once("instant_failure: create handler failed for good");
        log.assert_once("eventual_success: create handler succeeded");
        log.assert_count(
            "eventual_failure: create handler failed, next attempt in 1s",
            2,
        );
        log.assert_once("eventual_failure: create handler failed for good");
        log.assert_once("instant_failure_of_any_error: create handler failed for good");
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

#[test]
fn handlers() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let program = stage.start(env!("CARGO_BIN_EXE_05-handlers"));
        program.until("watching kopfexamples", 1).await;
        stage.create(OBJECT).await;
        program.until("create is handled: 3 succeeded", 1).await;
        stage.merge(NAME, json!({"spec": {"field": "other"}})).await;
        program.until("update is handled: 2 succeeded", 1).await;
        let log = program.stop().await;
        log.assert_once("CREATED 1st");
        log.assert_once("CREATED 2nd");
        log.assert_once(r#"FIELD CHANGED: None -> Some("value")"#);
        log.assert_once(r#"UPDATED: spec.field: "value" → "other""#);
        log.assert_once(r#"FIELD CHANGED: Some("value") -> Some("other")"#);
        log.assert_count("RESUMED", 0);
        log.assert_calm();

        let program = stage.start(env!("CARGO_BIN_EXE_05-handlers"));
        program.until("resume is handled: 2 succeeded", 1).await;
        stage.delete(NAME).await;
        let log = program.stop().await;
        for line in ["RESUMED 1st", "RESUMED 2nd", "DELETED 1st", "DELETED 2nd"] {
            log.assert_once(line);
        }
        log.assert_count("CREATED", 0);
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

/// The life of a demo, whether its status has an endpoint of its own or not.
async fn devoops(definition: &str) {
    let stage = Stage::new(definition, &kind("devoops.io", "Demo")).await;
    let pods: Api<Pod> = Api::namespaced(stage.cluster.client(), stage.namespace.name());
    let program = stage.start(env!("CARGO_BIN_EXE_devoops"));
    program.until("watching demo.v1", 1).await;
    let demo = include_str!("../../devoops/manifests/demo.yaml");
    stage.create(demo).await;
    program.until("create handler succeeded", 1).await;
    let pod = pods.get("demo-1").await.unwrap();
    let owner = &pod.metadata.owner_references.unwrap()[0];
    assert_eq!((&*owner.kind, &*owner.name), ("Demo", "demo-1"));
    assert_eq!(pod.metadata.labels.unwrap()["app"], "demo");
    program::until("the pod in the status", || async {
        stage.get("demo-1").await.unwrap()["status"]["pod"] == "demo-1"
    })
    .await;
    stage
        .merge("demo-1", json!({"spec": {"image": "other:1"}}))
        .await;
    program.until("update handler succeeded", 1).await;
    stage.delete("demo-1").await;
    program::until("the end of the pod", || async {
        pods.get_opt("demo-1").await.unwrap().is_none()
    })
    .await;
    let log = program.stop().await;
    log.assert_once("wait_for_start: waiting for the start");
    log.assert_once("log_in: login handler succeeded");
    log.assert_once(r#"update: spec.image: "registry.k8s.io/pause:3.10" → "other:1""#);
    log.assert_once("delete: the pod demo-1 is removed");
    log.assert_once("say_goodbye: cleanup handler succeeded");
    log.assert_calm();
    stage.namespace.delete().await;
}

/// Both have one name, so they come one after the other.
#[test]
fn devoops_with_and_without_a_status_endpoint() {
    Cluster::get().block_on(async {
        devoops(include_str!("../../devoops/manifests/crd.yaml")).await;
        Cluster::get().uninstall("demo.devoops.io").await;
        devoops(include_str!("../../devoops/without-status/crd.yaml")).await;
    });
}

#[test]
fn the_first_command_of_the_readme() {
    Cluster::get().block_on(async {
        let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/devoops/manifests");
        let program = Program::start_with(
            env!("CARGO_BIN_EXE_devoops"),
            &["--sandbox", "--apply", manifests],
        );
        program
            .until("[default/demo-1] create: create handler succeeded", 1)
            .await;
        program.until("export KUBECONFIG=", 1).await;
        let log = program.stop().await;
        log.assert_once("say_goodbye: cleanup handler succeeded");
        log.assert_calm();
    });
}
