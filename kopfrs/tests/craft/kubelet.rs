//! Plays the kubelet: runs the program of each Pod beside the test, and writes down how it has ended.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;
use tokio::task::JoinHandle;

/// How long to wait before looking for Pods again. Time is paused in these tests.
const LOOK: Duration = Duration::from_millis(100);

pub(crate) struct Kubelet(JoinHandle<()>);

impl Kubelet {
    /// Runs this program in place of all images of a namespace.
    pub(crate) fn start(
        client: Client,
        namespace: &str,
        program: PathBuf,
        env: (&str, PathBuf),
    ) -> Self {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let env = (env.0.to_owned(), env.1);
        Self(tokio::spawn(async move {
            loop {
                let found = pods.list(&ListParams::default()).await.unwrap();
                for pod in found.items.iter().filter(|pod| is_waiting(pod)) {
                    run(&pods, &secrets, pod, &program, &env).await;
                }
                tokio::time::sleep(LOOK).await;
            }
        }))
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn is_waiting(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    pod.metadata.deletion_timestamp.is_none() && phase.is_none_or(|phase| phase == "Pending")
}

async fn run(
    pods: &Api<Pod>,
    secrets: &Api<Secret>,
    pod: &Pod,
    program: &PathBuf,
    env: &(String, PathBuf),
) {
    let spec = pod.spec.as_ref().unwrap();
    let mut volumes = spec.volumes.iter().flatten();
    let secret = volumes.find_map(|volume| volume.secret.as_ref()?.secret_name.clone());
    let Some(secret) = secrets.get_opt(&secret.unwrap()).await.unwrap() else {
        // It waits for its volume.
        return;
    };
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), &secret.data.unwrap()["input.json"].0).unwrap();
    let container = &spec.containers[0];
    let variables = container.env.iter().flatten();
    let variables = variables.filter_map(|one| Some((&one.name, one.value.as_ref()?)));
    let mut command = Command::new(program);
    command.args(container.args.iter().flatten());
    command.envs(variables).env(&env.0, &env.1);
    let output = command.env("KOPFRS_INPUT", input.path()).output().unwrap();
    let said = if output.stderr.is_empty() {
        output.stdout
    } else {
        output.stderr
    };
    let terminated = json!({
        "exitCode": output.status.code().unwrap(), "reason": "Error",
        "message": String::from_utf8(said).unwrap(),
    });
    let status = json!({
        "name": container.name, "state": {"terminated": terminated}, "image": "", "imageID": "", "ready": false,
        "restartCount": 0,
    });
    let status = json!({"status": {"phase": "Failed", "containerStatuses": [status]}});
    // It may have been deleted meanwhile.
    let _ = pods
        .patch_status(
            &pod.name_any(),
            &PatchParams::default(),
            &Patch::Merge(status),
        )
        .await;
}
