//! A child for each object: a pod that is made of a template, and whose phase the parent shows.

use k8s_openapi::api::core::v1::{EnvVar, Pod, PodStatus};
use kopfrs::prelude::*;
use kube::api::Patch as Change;

/// The label of children: the uid of the parent.
const PARENT: &str = "kopf.dev/parent";

#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[kube(group = "kopf.dev", version = "v1", kind = "KopfExample", namespaced)]
struct KopfExampleSpec {
    duration: Option<String>,
    field: Option<String>,
}

#[on::create(KopfExample)]
async fn create_fn(
    spec: KopfExampleSpec,
    uid: &str,
    namespace: &str,
    actions: Actions,
) -> Result<Value> {
    let known = format!("{PARENT}={uid}");
    let known = actions.list::<Pod>().namespace(namespace).labels(&known);
    // After a crash the child may be there already. Its name would not tell: the server makes it.
    let pod = match known.await?.into_iter().next() {
        Some(pod) => pod,
        None => {
            let mut pod = pod_of(&spec)?;
            pod.labels_mut().insert(PARENT.to_owned(), uid.to_owned());
            // Its namespace, the prefix of its name, the parent's labels, and whom it goes with.
            actions.adopt(&mut pod)?;
            actions.create(&mut pod).await?;
            pod
        }
    };
    info!("the child is {}", pod.name_any());
    Ok(json!({ "children": [pod.uid()] })) // will be `status.create_fn`
}

#[on::event(Pod, labels("kopf.dev/parent" = PRESENT))]
async fn child_event(
    event_type: EventType,
    meta: ObjectMeta,
    status: Option<PodStatus>,
    actions: Actions,
) -> Result {
    let (Some(parent), Some(name), Some(namespace)) =
        (parent_of(&meta), &meta.name, &meta.namespace)
    else {
        return Ok(());
    };
    let is_there = event_type != EventType::Deleted;
    let phase = status.and_then(|status| status.phase).filter(|_| is_there);
    info!("{parent} learns that the child is {phase:?}");
    let mut parent = KopfExample::new(parent, KopfExampleSpec::default());
    parent.metadata.namespace = Some(namespace.clone());
    let change = Change::Merge(json!({ "status": { "pods": { name: phase } } }));
    let told = actions.patch_status(&mut parent, &change).await;
    // Otherwise the parent has gone first, its children after it.
    told.ignore_not_found()?;
    Ok(())
}

/// The template, filled in. Values are put where they belong, and not into the text: whatever users
/// write, it stays a value.
fn pod_of(spec: &KopfExampleSpec) -> Result<Pod> {
    let mut pod: Pod = serde_saphyr::from_str(include_str!("pod.yaml"))?;
    let variable = |name: &str, value: &Option<String>, default: &str| EnvVar {
        name: name.to_owned(),
        value: Some(value.clone().unwrap_or_else(|| default.to_owned())),
        ..EnvVar::default()
    };
    for container in pod.spec.iter_mut().flat_map(|spec| &mut spec.containers) {
        container.env = Some(vec![
            variable("FIELD", &spec.field, "default-value"),
            variable("DURATION", &spec.duration, "0"),
        ]);
    }
    Ok(pod)
}

fn parent_of(meta: &ObjectMeta) -> Option<&str> {
    let owners = meta.owner_references.iter().flatten();
    owners
        .filter(|owner| owner.kind == KopfExample::kind(&()))
        .map(|owner| &*owner.name)
        .next()
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use kopfrs::testing::Sandbox;

    use super::*;

    fn actions(sandbox: &Sandbox) -> Actions {
        let owner = json!({
            "apiVersion": "kopf.dev/v1",
            "kind": "KopfExample",
            "metadata": { "name": "x", "namespace": "default", "uid": "1" },
        });
        Actions::new(sandbox.client()).with_owner(Body::new(owner))
    }

    #[test]
    fn a_value_stays_a_value() {
        let spec = KopfExampleSpec {
            field: Some("a: {b\nc".to_owned()),
            duration: None,
        };
        let pod = json!(pod_of(&spec).unwrap());
        assert_eq!(
            pod["spec"]["containers"][0]["env"],
            json!([
                { "name": "FIELD", "value": "a: {b\nc" },
                { "name": "DURATION", "value": "0" },
            ])
        );
    }

    #[tokio::test]
    async fn there_is_one_child_however_often_the_parent_is_created() {
        let actions = actions(&Sandbox::new());
        let mut children = Vec::new();
        for _ in 0..2 {
            let spec = KopfExampleSpec::default();
            let result = create_fn(spec, "1", "default", actions.clone()).await;
            children.push(result.unwrap()["children"].clone());
        }
        assert!(children[0][0].is_string());
        assert_eq!(children[0], children[1]);
    }

    #[tokio::test]
    async fn a_parent_that_is_gone_learns_nothing() {
        let sandbox = Sandbox::new();
        let definition = include_str!("../manifests/crd.yaml");
        sandbox.apply_yaml(definition).await.unwrap();
        let actions = actions(&sandbox);
        let mut pod = Pod::default();
        actions.adopt(&mut pod).unwrap();
        pod.metadata.name = Some("x-1".to_owned());
        let told = child_event(EventType::Deleted, pod.metadata, None, actions).await;
        told.unwrap();
    }
}
