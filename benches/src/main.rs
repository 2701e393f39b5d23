//! The job that frameworks are measured with: a finalizer, `status.created` and `status.x` when an
//! item is created, `status.x` when it is updated, and nothing when it is deleted.
//!
//! `BENCH_STORAGE` says where the operator keeps its memory: `status` (the default) or
//! `annotations`.

use kopfrs::prelude::*;
use kopfrs::storage::{Persistence, Place};

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "bench.dev", version = "v1", kind = "Item", namespaced)]
struct ItemSpec {
    #[serde(default)]
    x: i64,
}

#[on::startup]
async fn choose_storage(settings: SettingsHandle) -> Result {
    let storage = std::env::var("BENCH_STORAGE").unwrap_or_else(|_| "status".to_owned());
    let place = place_of(&storage)?;
    settings.update(|s| s.persistence.default = Persistence::default().with_place(place));
    Ok(())
}

fn place_of(storage: &str) -> Result<Place, PermanentError> {
    match storage {
        "status" => Ok(Place::Status),
        "annotations" => Ok(Place::Annotations),
        other => Err(PermanentError::new(format!(
            "BENCH_STORAGE is status or annotations, not {other:?}"
        ))),
    }
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

    #[test]
    fn there_are_two_storages() {
        assert_eq!(place_of("status").unwrap(), Place::Status);
        assert_eq!(place_of("annotations").unwrap(), Place::Annotations);
        assert!(place_of("kopf").is_err());
    }
}
