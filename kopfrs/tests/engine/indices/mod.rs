//! Indices: what they hold, and that nobody sees them incomplete.

mod attributes;
mod content;
mod failures;
mod pauses;
mod start;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::index::Indices;
use kopfrs::prelude::*;
use kube::api::{Api, DeleteParams, Patch as ApiPatch, PatchParams, PostParams};

use crate::bench::Bench;

/// What the indices of an operator hold, from the outside.
#[derive(Clone, Default)]
pub(crate) struct View(Arc<Mutex<Indices>>);

impl View {
    /// The same handlers, and one that lets the indices be seen.
    fn seen(&self, registry: Registry) -> Registry {
        let view = self.clone();
        let look = move |indices: Indices| {
            *view.0.lock().unwrap_or_else(PoisonError::into_inner) = indices;
            std::future::ready(())
        };
        registry.add(on::startup().id("look").run(look))
    }

    /// All that an index of names holds, in the order of the keys.
    fn of(&self, id: &str) -> Vec<(String, Vec<String>)> {
        let indices = self.0.lock().unwrap().clone();
        if indices.ids().next().is_none() {
            // The operator has not begun yet.
            return Vec::new();
        }
        let index = indices.get::<String, String>(id).unwrap();
        let all = index.iter().map(|(key, store)| (key, store.to_vec()));
        all.collect::<BTreeMap<_, _>>().into_iter().collect()
    }
}

/// What an index holds, written down.
fn content(expected: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let owned = |values: &&[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let all = expected.iter();
    all.map(|(key, values)| ((*key).to_owned(), owned(values)))
        .collect()
}

/// Those config maps that have a role, by their role: `data.value`.
fn by_role() -> on::Builder<on::Index> {
    on::index::<ConfigMap>().id("by_role")
}

/// The entry of one config map; none without a role.
fn entry(map: &Body) -> BTreeMap<String, String> {
    let role = map.label("role").map(str::to_owned);
    let value = map.as_value()["data"]["value"].as_str().unwrap_or_default();
    let value = value.to_owned();
    role.into_iter().map(|role| (role, value.clone())).collect()
}

fn maps(bench: &Bench) -> Api<ConfigMap> {
    Api::namespaced(bench.sandbox.client(), "default")
}

async fn create_map(bench: &Bench, name: &str, role: Option<&str>, value: &str) {
    let object = json!({
        "metadata": {"name": name, "labels": role.map(|role| json!({"role": role}))},
        "data": {"value": value},
    });
    let object = serde_json::from_value(object).unwrap();
    let params = PostParams::default();
    maps(bench).create(&params, &object).await.unwrap();
}

async fn merge_map(bench: &Bench, name: &str, patch: Value) {
    let params = PatchParams::default();
    let patched = maps(bench)
        .patch(name, &params, &ApiPatch::Merge(patch))
        .await;
    patched.unwrap();
}

async fn delete_map(bench: &Bench, name: &str) {
    let params = DeleteParams::default();
    maps(bench).delete(name, &params).await.unwrap();
}

/// Waits until an index holds this.
async fn until_it_holds(bench: &Bench, view: &View, expected: &[(&str, &[&str])]) {
    let what = format!("an index with {expected:?}");
    bench
        .until(&what, || async { view.of("by_role") == content(expected) })
        .await;
}
