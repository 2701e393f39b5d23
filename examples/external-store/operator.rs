//! Objects that stand for entries of the store: what is found there decides what is done.

#![allow(
    clippy::needless_pass_by_value,
    reason = "handlers own their arguments"
)]

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::lifecycle::{self, Applied, Deleted, Report, Verified};
use kopfrs::prelude::*;

use super::store::{Look, Store};

/// `kubectl get entries`
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "store.kopf.dev",
    version = "v1",
    kind = "Entry",
    plural = "entries",
    namespaced,
    status = "lifecycle::Status",
    printcolumn = r#"{"name":"Phase", "type":"string", "jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Message", "type":"string", "jsonPath":".status.message"}"#
)]
#[serde(rename_all = "camelCase")]
struct EntrySpec {
    value: String,
    /// The store cannot change entries of another shape: they are made anew.
    #[serde(default)]
    shape: String,
}

fn stored(spec: &EntrySpec) -> String {
    format!("{}:{}", spec.shape, spec.value)
}

#[on::verify(Entry, poll = "1s", resync = "30s", backoff = "2s")]
fn verify(name: &str, spec: EntrySpec, store: State<Store>) -> Result<Verified> {
    Ok(match store.look(name)? {
        Look::Nothing => Verified::Missing,
        Look::Arriving => Verified::InProgress,
        Look::Leaving => Verified::Deleting,
        Look::There(value) if value == stored(&spec) => Verified::Ready,
        Look::There(value) if !value.starts_with(&format!("{}:", spec.shape)) => {
            Verified::RecreateRequired
        }
        Look::There(_) => Verified::UpdateRequired,
    })
}

#[on::create(Entry, backoff = "2s")]
fn create(name: &str, spec: EntrySpec, store: State<Store>) -> Result<Report<Applied>> {
    store.create(name, &stored(&spec))?;
    Ok(applied(&store).with_payload(json!({"address": format!("store/{name}")})))
}

#[on::update(Entry, backoff = "2s")]
fn update(name: &str, spec: EntrySpec, store: State<Store>) -> Result<Applied> {
    store.update(name, &stored(&spec))?;
    Ok(applied(&store))
}

fn applied(store: &Store) -> Applied {
    if store.is_prompt() {
        Applied::Succeeded
    } else {
        Applied::AwaitingVerification
    }
}

#[on::delete(Entry, backoff = "2s")]
fn delete(name: &str, store: State<Store>) -> Result<Deleted> {
    Ok(match (store.delete(name)?, store.is_prompt()) {
        (false, _) => Deleted::Missing,
        (true, true) => Deleted::Done,
        (true, false) => Deleted::InProgress,
    })
}

/// Tells others where it is, before it is told to be there.
#[on::complete(Entry, backoff = "2s")]
async fn publish(name: &str, status: &Value, actions: Actions) -> Result {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(format!("{name}-address"));
    let address = status["payload"]["address"].as_str().unwrap_or("unknown");
    map.data = Some([("address".to_owned(), address.to_owned())].into());
    actions.adopt(&mut map)?;
    actions.create(&mut map).await.ignore_already_exists()?;
    Ok(())
}
