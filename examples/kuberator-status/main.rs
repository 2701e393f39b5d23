//! Tells in the status which generation it has seen: what kuberator's `with_status` does.

#![allow(
    clippy::needless_pass_by_value,
    reason = "handlers own their arguments"
)]

use kopfrs::prelude::*;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "examples.kopfrs.dev", version = "v1", kind = "Note")]
#[kube(namespaced, status = "NoteStatus")]
struct NoteSpec {
    message: String,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoteStatus {
    state: Option<String>,
    observed_generation: Option<i64>,
}

#[on::reconcile(Note, resync = 0)]
fn apply(spec: NoteSpec, body: &Body, patch: &Patch) {
    info!("Note {} says: {}", body.key(), spec.message);
    patch.status(json!({ "state": "Ready" }));
}

#[on::delete(Note)]
fn clean_up(body: &Body, patch: &Patch) {
    info!("cleaning up Note {}", body.key());
    patch.status(json!({ "state": "Terminating" }));
}

kopfrs::main!();
