//! The body of an object as it came from the API, cheap to clone and to read.

use std::fmt;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value};

use super::{FieldPath, ObjectKey};

/// A whole Kubernetes object as JSON, read-only and cheap to clone.
///
/// `metadata.managedFields` and the framework's own state are not part of it.
///
/// # Examples
/// ```
/// use kopfrs::object::Body;
/// use serde_json::json;
///
/// let body = Body::new(json!({"metadata": {"name": "x", "labels": {"app": "a"}}, "spec": {"size": 1}}));
/// assert_eq!(body.name(), "x");
/// assert_eq!(body.label("app"), Some("a"));
/// assert_eq!(body.spec()["size"], 1);
/// ```
#[derive(Clone, PartialEq)]
pub struct Body(Arc<Value>);

static NULL: Value = Value::Null;

impl Body {
    /// Wraps an object.
    pub fn new(object: Value) -> Self {
        Self(Arc::new(object))
    }

    /// The object as JSON.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// A copy of the object as JSON, without a copy where this is its only owner.
    pub fn into_value(self) -> Value {
        Arc::try_unwrap(self.0).unwrap_or_else(|shared| (*shared).clone())
    }

    /// The value at a path, if it is there (an explicit null is there).
    pub fn get(&self, path: &FieldPath) -> Option<&Value> {
        path.get(&self.0)
    }

    /// `apiVersion`, or an empty string.
    pub fn api_version(&self) -> &str {
        text(&self.0["apiVersion"])
    }

    /// `kind`, or an empty string.
    pub fn kind(&self) -> &str {
        text(&self.0["kind"])
    }

    /// `metadata.name`, or an empty string.
    pub fn name(&self) -> &str {
        text(&self.meta()["name"])
    }

    /// `metadata.namespace`; `None` for cluster-scoped objects.
    pub fn namespace(&self) -> Option<&str> {
        self.meta()["namespace"].as_str()
    }

    /// `metadata.uid`, or an empty string.
    pub fn uid(&self) -> &str {
        text(&self.meta()["uid"])
    }

    /// `metadata.resourceVersion`, or an empty string.
    pub fn resource_version(&self) -> &str {
        text(&self.meta()["resourceVersion"])
    }

    /// `metadata`, or null.
    pub fn meta(&self) -> &Value {
        &self.0["metadata"]
    }

    /// `spec`, or null.
    pub fn spec(&self) -> &Value {
        &self.0["spec"]
    }

    /// `status`, or null.
    pub fn status(&self) -> &Value {
        &self.0["status"]
    }

    /// `metadata.labels`, or null.
    pub fn labels(&self) -> &Value {
        &self.meta()["labels"]
    }

    /// `metadata.annotations`, or null.
    pub fn annotations(&self) -> &Value {
        &self.meta()["annotations"]
    }

    /// One label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels().get(key).and_then(Value::as_str)
    }

    /// One annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations().get(key).and_then(Value::as_str)
    }

    /// `metadata.finalizers`.
    pub fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.meta()["finalizers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// Whether the object carries this finalizer.
    pub fn has_finalizer(&self, finalizer: &str) -> bool {
        self.finalizers().any(|f| f == finalizer)
    }

    /// Whether deletion has been requested (`metadata.deletionTimestamp` is set).
    pub fn is_deleting(&self) -> bool {
        !self.meta()["deletionTimestamp"].is_null()
    }

    /// `metadata.creationTimestamp`, if it is a valid time.
    pub fn created(&self) -> Option<Timestamp> {
        self.meta()["creationTimestamp"].as_str()?.parse().ok()
    }

    /// What identifies the object for people: namespace and name.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.namespace(), self.name())
    }
}

/// The text of a value, or an empty string.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Default for Body {
    fn default() -> Self {
        Self::new(Value::Object(Map::new()))
    }
}

impl From<Value> for Body {
    fn from(object: Value) -> Self {
        Self::new(object)
    }
}

impl std::ops::Index<&str> for Body {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.0.get(key).unwrap_or(&NULL)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} {})", self.kind(), self.key())
    }
}
