#![allow(unused)]

use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kopfrs::prelude::*;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "x.io", version = "v1", kind = "Demo", namespaced)]
struct DemoSpec {
    size: u32,
}

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "x.io", version = "v1", kind = "Global")]
struct GlobalSpec {}

#[derive(Deserialize)]
struct Loose {
    size: Option<u32>,
}

// Old and new: the attribute's type, its spec, or `&Value`.
#[on::update(Demo)]
fn something_that_would_fit(old: Loose) {}
#[on::update(Demo)]
fn another_kind(new: ConfigMap) {}
#[on::update(Demo)]
fn another_spec(new: Option<GlobalSpec>) {}
#[on::update("demos")]
fn typed_without_a_type(old: DemoSpec) {}
#[on::field(Demo, field = "spec.size")]
fn field_that_is_no_data(old: std::time::Instant) {}

// The current object is not one of its parts or states.
#[on::update(Demo)]
fn old_in_an_arc(old: Arc<Demo>) {}
#[on::update(Demo)]
fn meta_in_an_arc(meta: Arc<ObjectMeta>) {}
#[on::update(Demo)]
fn labels_in_an_arc(labels: Arc<Demo>) {}
#[on::update(Demo)]
fn memo_in_an_arc(memo: Arc<Demo>) {}

// Namespaces.
#[on::update(Global)]
fn no_namespace(namespace: &str) {}
#[on::update(Node)]
fn no_namespace_either(namespace: String) {}
#[on::update("demos")]
fn nobody_knows(namespace: &str) {}

fn main() {}
