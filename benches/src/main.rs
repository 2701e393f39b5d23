//! The job that frameworks are measured with: a finalizer, `status.created` and `status.x` when an
//! item is created, `status.x` when it is updated, and nothing when it is deleted.
//!
//! It keeps its memory in the status, or as `KOPFRS_PERSISTENCE_PLACE=annotations` and
//! `KOPFRS_PERSISTENCE_KEEP=digest` say.

use kopfrs::prelude::*;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "bench.dev", version = "v1", kind = "Item", namespaced)]
struct ItemSpec {
    #[serde(default)]
    x: i64,
}

#[on::create(Item)]
async fn create(spec: ItemSpec, patch: &Patch) {
    patch.status(json!({ "created": true, "x": spec.x }));
}

#[on::update(Item)]
async fn update(new: ItemSpec, patch: &Patch) {
    patch.status(json!({ "x": new.x }));
}

#[on::delete(Item)]
async fn delete() {}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_job_is_to_show_x_in_the_status() {
        let patch = Patch::new();
        create(ItemSpec { x: 1 }, &patch).await;
        let created = json!({ "status": { "created": true, "x": 1 } });
        assert_eq!(patch.merged(), created);
        let patch = Patch::new();
        update(ItemSpec { x: 2 }, &patch).await;
        assert_eq!(patch.merged(), json!({ "status": { "x": 2 } }));
    }
}
