//! Tokens of service accounts.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Target, read};
use crate::{
    auth::User,
    cluster::Cluster,
    error::{ApiError, FieldError, Subject},
};

const SHORTEST: u64 = 600;
const USUAL: u64 = 3600;

/// Answers a TokenRequest.
pub(crate) fn answer(cluster: &Cluster, target: &Target, body: &Value) -> Result<Value, ApiError> {
    let account = read::get(cluster, target, "")?;
    let seconds = body["spec"]["expirationSeconds"].as_u64().unwrap_or(USUAL);
    if seconds < SHORTEST {
        let why = "may not specify a duration less than 10 minutes";
        let error = FieldError::invalid(
            "spec.expirationSeconds",
            &body["spec"]["expirationSeconds"],
            why,
        );
        let subject = Subject {
            group: "authentication.k8s.io",
            resource: "TokenRequest",
            name: "",
        };
        return Err(ApiError::invalid(subject, &[error]));
    }
    let mut spec = body["spec"].clone();
    spec["expirationSeconds"] = json!(seconds);
    let lifetime = Duration::from_secs(seconds);
    let user = User::service_account(&target.namespace, &target.name);
    let token = cluster.tokens.add(user, Some(Instant::now() + lifetime));
    Ok(json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": target.name, "namespace": target.namespace,
            "creationTimestamp": cluster.clock.rfc3339(), "uid": account.value["metadata"]["uid"],
        },
        "spec": spec,
        "status": {
            "token": token,
            "expirationTimestamp": cluster.clock.rfc3339_after(lifetime),
        },
    }))
}
