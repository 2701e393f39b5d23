//! What the tests run programs for, and who plays the kubelet.

use k8s_openapi::api::core::v1::Pod as PodObject;
use kopfrs::api::Actions;
use kopfrs::exec::{BoxRunner, Call, Runner};
use kopfrs::lifecycle::{self, Operation, Report};
use kopfrs::object::Body;
use kopfrs::prelude::*;
use kopfrs::testing::Cluster;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "exec.example.com", version = "v1", kind = "Site", namespaced)]
#[kube(status = "lifecycle::Status")]
pub(crate) struct SiteSpec {
    pub(crate) size: u32,
    pub(crate) password: String,
}

/// Whether there is Python; where it is missing, that is said on the terminal, past the capture of the test harness.
pub(crate) fn has_python() -> bool {
    let output = std::process::Command::new("python3")
        .arg("--version")
        .output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        let line = "NOT TESTED: programs in Python: python3 is not installed\n";
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("stderr is open");
    }
    is_there
}

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) fn site(name: &str) -> Site {
    let password = PASSWORD.to_owned();
    Site::new(name, SiteSpec { size: 1, password })
}

/// A call that needs no cluster.
pub(crate) fn call(operation: Operation, spec: &Value) -> Call {
    let object = json!({
        "apiVersion": "exec.example.com/v1", "kind": "Site",
        "metadata": {"name": "web", "namespace": "demo", "uid": "0a1b2c3d-4e5f-6789-abcd-ef0123456789"},
        "spec": spec, "status": {"payload": {"id": 7}},
    });
    Call::new(operation, Body::new(object))
}

/// A call for an object of a cluster.
pub(crate) fn call_for(cluster: &Cluster, operation: Operation, site: &Site) -> Call {
    let body = Body::new(serde_json::to_value(site).unwrap());
    Call::new(operation, body).actions(Actions::new(cluster.client()))
}

/// A site on the cluster.
pub(crate) async fn make_site(cluster: &Cluster, name: &str) -> Site {
    cluster.install::<Site>().await;
    cluster.objects().create(&site(name)).await
}

/// A program that runs beside the test.
pub(crate) struct Running(tokio::task::JoinHandle<Result<Report>>);

/// Begins to run a program.
pub(crate) fn start(runner: impl Runner + 'static, call: Call) -> Running {
    let runner = BoxRunner::new(runner);
    Running(tokio::spawn(async move { runner.run(&call).await }))
}

impl Running {
    pub(crate) async fn report(self) -> Report {
        self.0.await.unwrap().unwrap()
    }

    /// What it has failed with.
    pub(crate) async fn failure(self) -> String {
        let error = self.0.await.unwrap().expect_err("it fails");
        error.message().to_owned()
    }

    /// Drops it where it is, as an operator that stops does.
    pub(crate) async fn drop_it(self) {
        self.0.abort();
        assert!(self.0.await.is_err_and(|error| error.is_cancelled()));
    }
}

/// The one Pod that there is, once it is there.
pub(crate) async fn only_pod(cluster: &Cluster) -> PodObject {
    let pods = cluster.objects::<PodObject>();
    cluster
        .until("a Pod", async || !pods.list().await.is_empty())
        .await;
    let mut pods = pods.list().await;
    assert_eq!(pods.len(), 1, "one Pod in total: {pods:#?}");
    pods.remove(0)
}

/// Lets the kubelet say something of the program's container.
pub(crate) async fn say(cluster: &Cluster, pod: &str, phase: &str, state: Value) {
    let container = json!({
        "name": "program", "state": state, "image": "", "imageID": "", "ready": false, "restartCount": 0,
    });
    let status = json!({"phase": phase, "containerStatuses": [container]});
    let pods = cluster.objects::<PodObject>();
    pods.merge_status(pod, json!({ "status": status })).await;
}

/// Lets the program end.
pub(crate) async fn exit(cluster: &Cluster, pod: &str, code: i32, message: &str) {
    let phase = if code == 0 { "Succeeded" } else { "Failed" };
    let reason = if code == 0 { "Completed" } else { "Error" };
    let state = json!({"terminated": {"exitCode": code, "reason": reason, "message": message}});
    say(cluster, pod, phase, state).await;
}
