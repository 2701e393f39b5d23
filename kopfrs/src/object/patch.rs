//! The changes that handlers make to their object.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{FieldPath, merge};

/// A change of the body in place, applied to the freshest object.
pub(crate) type Transform = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// Changes to the handled object, sent to the API after the handler together with everything else
/// of the cycle: one request per endpoint.
///
/// A cheap handle: clones share the changes. Merge parts follow RFC 7386: null deletes a field,
/// lists replace. Changes made before a failure of the handler are sent too.
///
/// # Examples
/// ```
/// use kopfrs::object::Patch;
/// use serde_json::json;
///
/// let patch = Patch::new();
/// patch.status(json!({"phase": "Ready"}));
/// patch.label("tier", "web");
/// patch.annotation("note", None::<&str>); // removes it
/// patch.transform(|body| {
///     if let Some(items) = body["spec"]["items"].as_array_mut() {
///         items.retain(|item| item != "old");
///     }
/// });
/// assert_eq!(patch.merged()["status"], json!({"phase": "Ready"}));
/// ```
#[derive(Clone, Default)]
pub struct Patch(Arc<Mutex<Change>>);

/// What a patch holds: a merge patch and transformations.
#[derive(Clone, Default)]
pub(crate) struct Change {
    pub(crate) merge: Value,
    pub(crate) transforms: Vec<Transform>,
}

impl Patch {
    /// No changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Merges a part of the body: `{"spec": {"size": 3}}`.
    pub fn merge(&self, part: impl Serialize) {
        merge::compose(&mut self.change().merge, &to_value(part));
    }

    /// Merges a part of the spec.
    pub fn spec(&self, part: impl Serialize) {
        self.merge(json!({"spec": to_value(part)}));
    }

    /// Merges a part of the status. It goes to the status endpoint where the kind has one.
    pub fn status(&self, part: impl Serialize) {
        self.merge(json!({"status": to_value(part)}));
    }

    /// Sets a label, or removes it with `None`.
    pub fn label<'a>(&self, key: &str, value: impl Into<Option<&'a str>>) {
        self.merge(json!({"metadata": {"labels": {key: value.into()}}}));
    }

    /// Sets an annotation, or removes it with `None`.
    pub fn annotation<'a>(&self, key: &str, value: impl Into<Option<&'a str>>) {
        self.merge(json!({"metadata": {"annotations": {key: value.into()}}}));
    }

    /// Sets one field; null removes it.
    pub fn set(&self, field: &FieldPath, value: impl Serialize) {
        let mut part = Value::Object(Map::new());
        field.set(&mut part, to_value(value));
        self.merge(part);
    }

    /// Changes the body in place: called with the freshest object right before the request, and
    /// again if the object has changed meanwhile, so it should do the same when called twice.
    pub fn transform(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.change().transforms.push(Arc::new(change));
    }

    /// The merge parts so far; null if there are none.
    pub fn merged(&self) -> Value {
        self.change().merge.clone()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.change().is_empty()
    }

    /// Takes the changes out.
    pub(crate) fn take(&self) -> Change {
        std::mem::take(&mut *self.change())
    }

    fn change(&self) -> MutexGuard<'_, Change> {
        // A panic while the lock was held cannot leave the value half-changed in a harmful way.
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        merge::is_empty(&self.merge) && self.transforms.is_empty()
    }

    /// Adds later changes to these.
    pub(crate) fn extend(&mut self, later: Self) {
        if !later.merge.is_null() {
            merge::compose(&mut self.merge, &later.merge);
        }
        self.transforms.extend(later.transforms);
    }
}

fn to_value(part: impl Serialize) -> Value {
    match serde_json::to_value(part) {
        Ok(value) => value,
        // Only maps with keys that are not strings get here: a mistake of the caller's code.
        Err(error) => panic!("a part of a patch cannot be written as JSON: {error}"),
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.change(), f)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Patch({}, {} transforms)",
            self.merge,
            self.transforms.len()
        )
    }
}
