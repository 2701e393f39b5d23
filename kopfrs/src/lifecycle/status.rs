//! A status with all that a lifecycle shows.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Phase;
use crate::storage::Handling;

/// A status with all that a lifecycle shows, written by the framework.
///
/// Name it as the status of a kind, or flatten it into one of your own. What the status of a kind does not have is kept in
/// annotations.
///
/// # Examples
/// ```
/// use kopfrs::lifecycle;
/// use kopfrs::prelude::*;
///
/// #[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
/// #[kube(group = "example.com", version = "v1", kind = "Database", namespaced, status = "lifecycle::Status")]
/// struct DatabaseSpec { size: u32 }
///
/// #[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
/// struct BucketStatus {
///     objects: Option<u64>,
///     #[serde(flatten)]
///     lifecycle: lifecycle::Status,
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// How far it has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What there is to say about it: the last error, for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What operations have left for those after them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub payload: Option<Value>,
    /// The generation that was looked at last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, and those of others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The framework's memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handling: Option<Handling>,
}

/// A condition, by Kubernetes' conventions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Its name: `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    #[serde(default)]
    pub reason: String,
    /// Why, in a sentence.
    #[serde(default)]
    pub message: String,
    /// Since when the status is so, as RFC 3339.
    #[serde(default)]
    pub last_transition_time: String,
    /// The generation that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

fn anything(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"nullable": true, "x-kubernetes-preserve-unknown-fields": true})
}

impl JsonSchema for Phase {
    fn schema_name() -> Cow<'static, str> {
        "Phase".into()
    }

    fn inline_schema() -> bool {
        true
    }

    // Not an enumeration: an operator must be able to write what its definition did not know yet.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string"})
    }
}
