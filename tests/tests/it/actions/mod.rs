//! What handlers do to other objects, on a server.

mod deleting;
mod events;
mod listing;
mod upserts;
mod writing;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::api::Actions;
use kopfrs::testing::Cluster;
use kube::core::{DynamicObject, TypeMeta};
use serde_json::{Value, json};

/// A namespace to act in.
struct Place {
    cluster: Cluster,
    actions: Actions,
}

impl Place {
    fn new(cluster: &Cluster) -> Self {
        Self {
            cluster: cluster.clone(),
            actions: Actions::new(cluster.client()),
        }
    }

    fn name(&self) -> &str {
        self.cluster.namespace()
    }

    /// An object that is not stored yet.
    fn map(&self, name: &str) -> ConfigMap {
        let mut map = ConfigMap::default();
        map.metadata.name = Some(name.to_owned());
        map.metadata.namespace = Some(self.name().to_owned());
        map
    }

    /// An object of a kind that only its text tells.
    fn dynamic(&self, types: Option<TypeMeta>, name: &str, data: Value) -> DynamicObject {
        let mut object = DynamicObject {
            types,
            metadata: self.map(name).metadata,
            data,
        };
        object.metadata.namespace = Some(self.name().to_owned());
        object
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as fields of objects have it")]
fn config_map() -> Option<TypeMeta> {
    Some(TypeMeta {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "as fields of objects have it")]
fn data(key: &str, value: &str) -> Option<BTreeMap<String, String>> {
    Some(BTreeMap::from([(key.to_owned(), value.to_owned())]))
}

/// A kind with a status subresource.
fn gadgets() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "gadgets.actions.kopfrs.dev" },
        "spec": {
            "group": "actions.kopfrs.dev",
            "scope": "Namespaced",
            "names": { "plural": "gadgets", "singular": "gadget", "kind": "Gadget" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "spec": { "type": "object", "properties": { "size": { "type": "integer" } } },
                        "status": { "type": "object", "properties": { "ready": { "type": "integer" } } },
                    },
                } },
            }],
        },
    })
}

#[expect(clippy::unnecessary_wraps, reason = "as fields of objects have it")]
fn gadget() -> Option<TypeMeta> {
    Some(TypeMeta {
        api_version: "actions.kopfrs.dev/v1".to_owned(),
        kind: "Gadget".to_owned(),
    })
}
