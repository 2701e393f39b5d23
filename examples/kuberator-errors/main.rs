//! Tells in the status what is wrong with an object: what kuberator's `error_handling` does.

use kopfrs::prelude::*;
use thiserror::Error;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "examples.kopfrs.dev", version = "v1", kind = "App")]
#[kube(namespaced, status = "AppStatus")]
struct AppSpec {
    replicas: i32,
    image: String,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AppStatus {
    state: Option<String>,
    observed_generation: Option<i64>,
    error: Option<AppProblem>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
struct AppProblem {
    r#type: String,
    message: String,
}

#[derive(Debug, Error, StatusError)]
enum AppError {
    #[error("{0} replicas: 1 to 10 are possible")]
    InvalidReplicas(i32),
    #[error("image {0:?} has no tag")]
    InvalidImage(String),
}

#[on::reconcile(App, resync = 0, backoff = "1m")]
fn apply(spec: AppSpec, patch: &Patch) -> Result<(), AppError> {
    patch.status(json!({ "state": "Error" }));
    let AppSpec { replicas, image } = spec;
    if !(1..=10).contains(&replicas) {
        return Err(AppError::InvalidReplicas(replicas));
    }
    if !image.contains(':') {
        return Err(AppError::InvalidImage(image));
    }
    info!("deploying {replicas} replicas of {image}");
    patch.status(json!({ "state": "Ready" }));
    Ok(())
}

#[on::delete(App)]
fn clean_up(body: &Body, patch: &Patch) {
    info!("cleaning up App {}", body.key());
    patch.status(json!({ "state": "Terminating" }));
}

kopfrs::main!();
