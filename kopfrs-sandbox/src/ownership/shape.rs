//! How values are put together: which maps and lists merge, and how list elements are told apart.
//!
//! Custom kinds say so in their schemas. Built-in kinds are known by the names of their fields, which is unambiguous
//! for the kinds served here.

use serde_json::{Map, Value, json};

use crate::{
    registry::{Kind, Origin},
    schema::Schema,
};

/// The type of a value, as far as merging needs it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'a> {
    Declared(&'a Schema),
    /// The root of a custom resource: its `metadata` is known, whatever the schema says.
    CustomRoot(&'a Schema),
    /// A field of a built-in type, by its name and its parent's.
    BuiltIn {
        name: &'a str,
        parent: &'a str,
    },
    /// Not declared: maps merge, lists do not.
    Free,
}

/// How a list merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum List {
    Atomic,
    Set,
    /// By these keys.
    Map(Vec<String>),
}

impl<'a> Shape<'a> {
    pub(super) fn of(kind: &'a Kind) -> Self {
        match &kind.origin {
            Origin::Custom(custom) => Self::CustomRoot(&custom.schema),
            Origin::BuiltIn(_) => Self::BuiltIn {
                name: "",
                parent: "",
            },
        }
    }

    pub(super) fn member(self, name: &'a str) -> Self {
        match self {
            Self::CustomRoot(_) if name == "metadata" => Self::BuiltIn { name, parent: "" },
            Self::Declared(schema) | Self::CustomRoot(schema) => {
                schema.member(name).map_or(Self::Free, Self::Declared)
            }
            Self::BuiltIn { name: parent, .. } => Self::BuiltIn { name, parent },
            Self::Free => Self::Free,
        }
    }

    pub(super) fn item(self) -> Self {
        match self {
            Self::Declared(schema) | Self::CustomRoot(schema) => {
                schema.items().map_or(Self::Free, Self::Declared)
            }
            Self::BuiltIn { .. } => self,
            Self::Free => Self::Free,
        }
    }

    /// Whether a map belongs to one owner as a whole.
    pub(super) fn is_atomic_map(self) -> bool {
        match self {
            Self::Declared(schema) => schema.is_atomic_map(),
            Self::CustomRoot(_) | Self::Free => false,
            Self::BuiltIn { name, .. } => {
                matches!(
                    name,
                    "selector"
                        | "nodeSelector"
                        | "fieldRef"
                        | "resourceFieldRef"
                        | "configMapKeyRef"
                        | "secretKeyRef"
                        | "labelSelector"
                        | "namespaceSelector"
                        | "objectSelector"
                        | "roleRef"
                )
            }
        }
    }

    pub(super) fn list(self) -> List {
        let keys = |keys: &[&str]| List::Map(keys.iter().map(|&key| key.to_owned()).collect());
        match self {
            Self::Declared(schema) | Self::CustomRoot(schema) => match schema.map_keys() {
                Some(keys) => List::Map(keys.to_vec()),
                None if schema.is_set() => List::Set,
                None => List::Atomic,
            },
            Self::Free => List::Atomic,
            Self::BuiltIn { name, parent } => match name {
                "finalizers" => List::Set,
                "containers"
                | "initContainers"
                | "ephemeralContainers"
                | "env"
                | "volumes"
                | "imagePullSecrets"
                | "secrets"
                | "webhooks" => keys(&["name"]),
                "ports" if matches!(parent, "containers" | "initContainers") => {
                    keys(&["containerPort", "protocol"])
                }
                "ports" => keys(&["port", "protocol"]),
                "volumeMounts" => keys(&["mountPath"]),
                "volumeDevices" => keys(&["devicePath"]),
                "ownerReferences" => keys(&["uid"]),
                "hostAliases" => keys(&["ip"]),
                "conditions" => keys(&["type"]),
                "topologySpreadConstraints" => keys(&["topologyKey", "whenUnsatisfiable"]),
                _ => List::Atomic,
            },
        }
    }

    /// What tells an element of a list from others, in `FieldsV1`'s notation; `None` if its keys are missing.
    pub(super) fn identity(self, list: &List, item: &Value) -> Option<String> {
        match list {
            List::Atomic => None,
            List::Set => Some(format!("v:{item}")),
            List::Map(keys) => {
                let mut found = Map::new();
                for key in keys {
                    let value = item.get(key).cloned().or_else(|| self.default_key(key));
                    found.extend(value.map(|value| (key.clone(), value)));
                }
                let any = keys.iter().any(|key| item.get(key).is_some());
                any.then(|| format!("k:{}", Value::Object(found)))
            }
        }
    }

    /// The value of a key that is left out.
    fn default_key(self, key: &str) -> Option<Value> {
        match self {
            Self::BuiltIn { .. } => (key == "protocol").then(|| json!("TCP")),
            Self::Declared(schema) | Self::CustomRoot(schema) => {
                schema.items()?.member(key)?.default_value().cloned()
            }
            Self::Free => None,
        }
    }
}
