//! An operator with everything an operator needs: it waits, logs in, creates a pod for each `Demo`,
//! tells what has changed, removes the pod, and says good-bye.
//!
//! ```sh
//! cargo run --bin devoops -- --sandbox --apply examples/devoops/manifests
//! ```

use std::thread;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use kopfrs::Handling;
use kopfrs::prelude::*;

/// A demo: `kubectl get demo`.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "devoops.io",
    version = "v1",
    kind = "Demo",
    plural = "demo",
    singular = "demo"
)]
#[kube(shortname = "d", namespaced, status = "DemoStatus")]
#[kube(printcolumn = r#"{"name":"Image","type":"string","jsonPath":".spec.image"}"#)]
#[kube(printcolumn = r#"{"name":"Pod","type":"string","jsonPath":".status.pod"}"#)]
#[kube(printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#)]
struct DemoSpec {
    /// The name of the pod; by default it is the object's.
    name: Option<String>,
    /// What the pod runs.
    #[serde(default = "image")]
    image: String,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
struct DemoStatus {
    /// The pod that belongs to the object.
    pod: Option<String>,
    /// What the operator remembers.
    handling: Option<Handling>,
}

fn image() -> String {
    "registry.k8s.io/pause:3.10".to_owned()
}

#[on::startup]
async fn wait_for_start() {
    info!("waiting for the start");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[on::login(errors = permanent)]
async fn log_in() -> Result<Credentials> {
    Ok(login::infer().await?)
}

#[on::create(Demo, retries = 5, backoff = "10s")]
async fn create(spec: DemoSpec, name: &str, actions: Actions, patch: &Patch) -> Result<()> {
    let mut pod = pod_of(&spec, name);
    actions.adopt(&mut pod)?;
    // After a crash the pod may be there already.
    if actions
        .create(&mut pod)
        .await
        .ignore_already_exists()?
        .is_none()
    {
        actions.get(&mut pod).await?;
    }
    info!("{name} has the pod {}", pod.name_any());
    patch.status(json!({ "pod": pod.name_any() }));
    Ok(())
}

#[on::update(Demo)]
async fn update(old: DemoSpec, new: DemoSpec, diff: &Diff) {
    for change in diff {
        info!("{change}");
    }
    if old.image != new.image {
        warn!("the pod keeps {}: pods are not changed", old.image);
    }
}

#[on::delete(Demo)]
async fn delete(status: Option<DemoStatus>, namespace: &str, actions: Actions) -> Result<()> {
    let mut pod = Pod::default();
    pod.metadata.name = status.and_then(|status| status.pod);
    pod.metadata.namespace = Some(namespace.to_owned());
    if pod.metadata.name.is_some() {
        actions.delete(&pod).await.ignore_not_found()?;
        info!("the pod {} is removed", pod.name_any());
    }
    Ok(())
}

#[on::cleanup]
fn say_goodbye() {
    info!("waiting for the end");
    thread::sleep(Duration::from_secs(1));
}

/// The pod of a demo; under the same name each time, so that there are never two.
fn pod_of(spec: &DemoSpec, name: &str) -> Pod {
    let container = Container {
        name: "main".to_owned(),
        image: Some(spec.image.clone()),
        ..Container::default()
    };
    let mut pod = Pod {
        spec: Some(PodSpec {
            containers: vec![container],
            ..PodSpec::default()
        }),
        ..Pod::default()
    };
    pod.metadata.name = Some(spec.name.clone().unwrap_or_else(|| name.to_owned()));
    pod
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use kopfrs::testing::Sandbox;
    use kube::CustomResourceExt as _;

    use super::*;

    fn spec(image: &str) -> DemoSpec {
        DemoSpec {
            name: None,
            image: image.to_owned(),
        }
    }

    fn actions(sandbox: &Sandbox) -> Actions {
        let owner = json!({
            "apiVersion": "devoops.io/v1",
            "kind": "Demo",
            "metadata": { "name": "x", "namespace": "default", "uid": "1" },
        });
        Actions::new(sandbox.client()).with_owner(Body::new(owner))
    }

    #[test]
    fn the_manifest_is_the_definition_of_the_type() {
        let file: Value = serde_saphyr::from_str(include_str!("manifests/crd.yaml")).unwrap();
        let definition = json!(Demo::crd());
        let yaml = serde_saphyr::to_string(&definition).unwrap();
        assert!(file == definition, "it should be:\n{yaml}");
    }

    #[tokio::test]
    async fn a_demo_has_one_pod_however_often_it_is_created() {
        let sandbox = Sandbox::new();
        let actions = actions(&sandbox);
        for _ in 0..2 {
            let patch = Patch::new();
            let created = create(spec("a"), "x", actions.clone(), &patch).await;
            created.unwrap();
            assert_eq!(patch.merged(), json!({ "status": { "pod": "x" } }));
        }
    }

    #[tokio::test]
    async fn the_pod_goes_with_its_demo() {
        let sandbox = Sandbox::new();
        let actions = actions(&sandbox);
        let mut pod = pod_of(&spec("a"), "x");
        actions.adopt(&mut pod).unwrap();
        actions.create(&mut pod).await.unwrap();
        let status = || {
            Some(DemoStatus {
                pod: Some("x".to_owned()),
                handling: None,
            })
        };
        delete(status(), "default", actions.clone()).await.unwrap();
        // Once more, as after a crash.
        delete(status(), "default", actions.clone()).await.unwrap();
        assert!(
            actions
                .get(&mut pod)
                .await
                .ignore_not_found()
                .unwrap()
                .is_none()
        );
    }

    #[tokio::test]
    async fn updates_are_only_told() {
        let (old, new) = (spec("a"), spec("b"));
        let diff = Diff::of(&json!(old), &json!(new));
        assert_eq!(diff.to_string(), r#"image: "a" → "b""#);
        update(old, new, &diff).await;
    }
}
