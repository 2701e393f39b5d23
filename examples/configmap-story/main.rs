//! A sequence of actions, each of which depends on what came of those before it: a config map is
//! created, or looked at where there is one, and changed if it needs to be; then comes what uses it. A
//! step that fails is told in the status.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Container, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kopfrs::api::Change;
use kopfrs::prelude::*;

/// The annotation of pods that makes new ones of them when the settings change.
const COLOUR: &str = "story.kopf.dev/colour";

/// `kubectl get sites`
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "story.kopf.dev",
    version = "v1",
    kind = "Site",
    namespaced,
    status = "SiteStatus"
)]
struct SiteSpec {
    colour: String,
}

/// What came of the steps.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
struct SiteStatus {
    settings: Option<String>,
    server: Option<String>,
    handling: Option<kopfrs::Handling>,
}

#[on::create(Site)]
#[on::update(Site)]
#[on::resume(Site)]
async fn settle(spec: SiteSpec, name: &str, uid: &str, actions: Actions, patch: &Patch) -> Result {
    let settings = match settings(&spec, (name, uid), &actions).await {
        Ok(settings) => settings,
        Err(error) => {
            // Others may read it, too; the framework comes again.
            patch.status(json!({ "settings": error.to_string(), "server": null }));
            return Err(error);
        }
    };
    let server = server(&spec, name, &actions).await?;
    patch.status(json!({ "settings": settings, "server": format!("{server:?}") }));
    Ok(())
}

/// The settings: created, or found and changed where they are not as they shall be.
async fn settings(
    spec: &SiteSpec,
    (name, uid): (&str, &str),
    actions: &Actions,
) -> Result<&'static str> {
    let data = BTreeMap::from([("colour".to_owned(), spec.colour.clone())]);
    let mut map = ConfigMap {
        data: Some(data.clone()),
        ..ConfigMap::default()
    };
    map.metadata.name = Some(format!("{name}-settings"));
    actions.adopt(&mut map)?;
    match actions.create(&mut map).await {
        Ok(()) => return Ok("created"),
        Err(ActionError::AlreadyExists { .. }) => actions.get(&mut map).await?,
        Err(error) => return Err(error.into()),
    }
    if !map.owner_references().iter().any(|owner| owner.uid == uid) {
        let whose = format!("the config map {} is somebody else's", map.name_any());
        return Err(TemporaryError::new(whose, Duration::from_secs(30)).into());
    }
    if map.data.as_ref() == Some(&data) {
        return Ok("verified");
    }
    map.data = Some(data);
    actions.update(&mut map).await?;
    Ok("updated")
}

/// What uses the settings: the same steps, as one action.
async fn server(spec: &SiteSpec, name: &str, actions: &Actions) -> Result<Change, ActionError> {
    let mut server = Deployment::default();
    server.metadata.name = Some(name.to_owned());
    actions.adopt(&mut server)?;
    let labels = BTreeMap::from([("site".to_owned(), name.to_owned())]);
    let change = |server: &mut Deployment| {
        if server.metadata.uid.is_none() {
            server.spec = deployed(name, labels.clone());
        }
        let pods = server.spec.template.metadata.get_or_insert_default();
        let annotations = pods.annotations.get_or_insert_default();
        annotations.insert(COLOUR.to_owned(), spec.colour.clone());
    };
    actions.create_or_update(&mut server, change).await
}

fn deployed(name: &str, labels: BTreeMap<String, String>) -> DeploymentSpec {
    let container = Container {
        name: name.to_owned(),
        image: Some("registry.k8s.io/pause:3.10".to_owned()),
        ..Container::default()
    };
    DeploymentSpec {
        selector: LabelSelector {
            match_labels: Some(labels.clone()),
            ..LabelSelector::default()
        },
        template: PodTemplateSpec {
            metadata: Some(ObjectMeta {
                labels: Some(labels),
                ..ObjectMeta::default()
            }),
            spec: Some(PodSpec {
                containers: vec![container],
                ..PodSpec::default()
            }),
        },
        ..DeploymentSpec::default()
    }
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use kopfrs::api::Recorder;

    use super::*;

    fn owner(uid: &str) -> Body {
        Body::new(json!({
            "apiVersion": "story.kopf.dev/v1",
            "kind": "Site",
            "metadata": { "name": "shop", "namespace": "demo", "uid": uid },
        }))
    }

    async fn settled(recorder: &Recorder, colour: &str, uid: &str) -> Value {
        let (spec, patch) = (
            SiteSpec {
                colour: colour.to_owned(),
            },
            Patch::new(),
        );
        let actions = recorder.actions().with_owner(owner(uid));
        let _ = settle(spec, "shop", uid, actions, &patch).await;
        patch.merged()["status"].clone()
    }

    #[tokio::test]
    async fn what_is_as_it_shall_be_is_left_alone() {
        let recorder = Recorder::new();
        let mut told = Vec::new();
        for colour in ["blue", "blue", "red"] {
            told.push(settled(&recorder, colour, "1").await);
        }
        assert_eq!(
            told,
            [
                json!({ "settings": "created", "server": "Created" }),
                json!({ "settings": "verified", "server": "Unchanged" }),
                json!({ "settings": "updated", "server": "Updated" }),
            ]
        );
        let lines = recorder.lines();
        let written = lines.iter().filter(|line| line.starts_with("update"));
        assert_eq!(
            written.collect::<Vec<_>>(),
            [
                "update configmaps demo/shop-settings",
                "update deployments.apps demo/shop"
            ]
        );
    }

    #[tokio::test]
    async fn what_belongs_to_somebody_else_is_not_touched() {
        let recorder = Recorder::new();
        settled(&recorder, "blue", "1").await;
        let told = settled(&recorder, "red", "2").await;
        assert_eq!(
            told["settings"],
            "the config map shop-settings is somebody else's"
        );
        assert!(
            !recorder
                .lines()
                .iter()
                .any(|line| line.starts_with("update"))
        );
    }
}
