//! Kubernetes Events about objects, as handlers tell them.

use std::fmt;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;

use super::object::types;
use super::{Actions, Common, Object};

/// How much an event matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Severity {
    /// It is good to know.
    #[default]
    Normal,
    /// Something is not as it should be.
    Warning,
}

/// What is told of an object in a Kubernetes Event.
///
/// # Examples
/// ```
/// use kopfrs::api::Note;
///
/// let note = Note::warning("NoRoom", "all shelves are full").with_action("Shelve");
/// assert_eq!(note.reason, "NoRoom");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// How much it matters.
    pub severity: Severity,
    /// Why, in one word in CamelCase; at most 128 bytes.
    pub reason: String,
    /// What was done, in one word in CamelCase; at most 128 bytes. `Handle` if nothing else is said.
    pub action: String,
    /// What has happened, for people; the middle of what is longer than 1024 bytes is left out.
    pub message: String,
}

/// Takes a note about an object, and writes it down in the background.
type Take = Arc<dyn Fn(&ObjectReference, &Note) + Send + Sync>;

impl Note {
    /// Something good to know.
    pub fn normal(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Normal,
            reason: reason.into(),
            action: "Handle".to_owned(),
            message: message.into(),
        }
    }

    /// Something that is not as it should be.
    pub fn warning(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::normal(reason, message)
        }
    }

    /// Says what was done.
    pub fn with_action(mut self, action: impl Into<String>) -> Self {
        self.action = action.into();
        self
    }
}

/// Who takes the notes of actions.
#[derive(Clone)]
pub(crate) struct Notes(pub(crate) Take);

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes")
    }
}

impl Actions {
    /// Tells of any object in a Kubernetes Event. What is told again is counted in the event that is there.
    ///
    /// It is written in the background, and never fails: what cannot be written is left out, and said in the log. In
    /// handlers only: actions that were made of a client have nobody who writes it.
    ///
    /// # Examples
    /// ```
    /// use k8s_openapi::api::core::v1::{ConfigMap, Secret};
    /// use kopfrs::api::Note;
    /// use kopfrs::prelude::*;
    ///
    /// #[on::create(ConfigMap)]
    /// fn look(actions: Actions) {
    ///     actions.event(Note::normal("Seen", "there is a new one"));
    ///     let mut key = Secret::default();
    ///     key.metadata.name = Some("key".into());
    ///     actions.event_about(&key, Note::warning("Lonely", "nobody uses it"));
    /// }
    /// ```
    pub fn event_about<K: Object>(&self, object: &K, note: Note) {
        let (api_version, kind) = types(object).unwrap_or_default();
        let meta = object.meta();
        let namespace = meta.namespace.clone();
        let own = self.owner.as_ref().and_then(|owner| owner.namespace());
        self.tell(
            ObjectReference {
                api_version: Some(api_version),
                kind: Some(kind),
                namespace: namespace.or_else(|| own.map(str::to_owned)),
                name: meta.name.clone(),
                uid: meta.uid.clone(),
                ..ObjectReference::default()
            },
            note,
        );
    }

    /// Tells of the object that is handled: see [`event_about`](Self::event_about).
    pub fn event(&self, note: Note) {
        let Some(owner) = &self.owner else {
            tracing::warn!("there is no object to tell of: {}", note.message);
            return;
        };
        let reference = ObjectReference {
            api_version: Some(owner.api_version().to_owned()),
            kind: Some(owner.kind().to_owned()),
            namespace: owner.namespace().map(str::to_owned),
            name: Some(owner.name().to_owned()),
            uid: Some(owner.uid().to_owned()),
            ..ObjectReference::default()
        };
        self.tell(reference, note);
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is done with")]
    fn tell(&self, object: ObjectReference, note: Note) {
        self.shared.tell(&object, &note);
    }

    /// What is shared with all others of the operator.
    pub(crate) fn shared(&self) -> Arc<Common> {
        self.shared.clone()
    }
}

impl Common {
    /// Hands a note over to whoever writes it.
    pub(crate) fn tell(&self, object: &ObjectReference, note: &Note) {
        match self.notes.get() {
            Some(Notes(take)) => take(object, note),
            None => tracing::warn!(
                "an event of {} is not written, as it was told outside of a handler: {}",
                object.name.as_deref().unwrap_or_default(),
                note.message
            ),
        }
    }
}
