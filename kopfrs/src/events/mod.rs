//! Kubernetes Events about any objects, under Kopf's names.
//!
//! What is told is written in the background: it takes no time, never fails a handler, and is counted
//! when it is repeated. It is bounded: what is too much is left out (`settings.posting`). Events about
//! events are left out, too, as they would never end.

mod about;
#[cfg(any(feature = "cli", feature = "testing"))]
mod layer;
mod telling;

use std::error::Error;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use tracing::warn;

pub use self::about::About;
#[cfg(any(feature = "cli", feature = "testing"))]
pub use self::layer::{HandlerLogs, layer};
pub(crate) use self::telling::{Telling, carried, telling};
use crate::api::{Actions, Common, Note, Severity};
use crate::extract::{ArgError, Argument, Extract};
use crate::handler::{Family, Invocation, error_message};

/// Tells of objects in Kubernetes Events: an argument of every handler.
///
/// Objects are `&Body`, typed ones, JSON, or references; one or many. They need not be those that are
/// handled, and need not be there any more. What is told here is written whatever
/// `settings.posting.level` says, unless `settings.posting.enabled` is off.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kopfrs::api::Recorder;
/// use kopfrs::prelude::*;
///
/// #[on::create("sites")]
/// fn create(body: &Body, events: Events) {
///     events.info(body, "Seen", "there is a new one");
///     let pods = vec![Pod::default(), Pod::default()];
///     events.warn(&pods, "Lonely", "nobody looks after them");
///     if let Err(error) = "ten".parse::<u32>() {
///         events.exception(body, "BadSize", "spec.size:", &error);
///     }
/// }
/// # let runtime = tokio::runtime::Runtime::new().unwrap();
/// # let _guard = runtime.enter();
/// # let recorder = Recorder::new();
/// # let site = Body::new(json!({"apiVersion": "example.com/v1", "kind": "Site", "metadata": {"name": "a"}}));
/// # create(&site, Events::of(&recorder.actions()));
/// # let told: Vec<_> = recorder.notes().into_iter().map(|(name, note)| (name, note.message)).collect();
/// # assert_eq!(told[0], ("a".to_owned(), "there is a new one".to_owned()));
/// # assert_eq!(told.last().unwrap().1, "spec.size: invalid digit found in string");
/// ```
#[derive(Clone)]
pub struct Events {
    shared: Arc<Common>,
    /// Who tells: the id of the handler.
    action: String,
}

impl Events {
    /// Those that actions tell: of a handler, or of a [`Recorder`](crate::api::Recorder) in unit tests.
    pub fn of(actions: &Actions) -> Self {
        Self {
            shared: actions.shared(),
            action: "Handle".to_owned(),
        }
    }

    /// Tells of objects: why, in one word in `CamelCase`, and what has happened, for people.
    pub fn event<M>(
        &self,
        objects: impl About<M>,
        severity: Severity,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) {
        let mut note = Note::normal(reason, message).with_action(&*self.action);
        note.severity = severity;
        objects.each(&mut |object| tell(&self.shared, &object, &note));
    }

    /// Tells something good to know.
    pub fn info<M>(
        &self,
        objects: impl About<M>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.event(objects, Severity::Normal, reason, message);
    }

    /// Tells something that is not as it should be.
    pub fn warn<M>(
        &self,
        objects: impl About<M>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.event(objects, Severity::Warning, reason, message);
    }

    /// Tells of an error with all of its sources, after a message, which may be empty.
    pub fn exception<M>(
        &self,
        objects: impl About<M>,
        reason: impl Into<String>,
        message: impl Into<String>,
        error: &(dyn Error + 'static),
    ) {
        let (message, error) = (message.into(), error_message(error));
        let message = if message.is_empty() {
            error
        } else {
            format!("{message} {error}")
        };
        self.event(objects, Severity::Warning, reason, message);
    }
}

/// Hands a note over to whoever writes it. One that could not be written is told in the log.
fn tell(shared: &Common, object: &ObjectReference, note: &Note) {
    let lacks = |field: &Option<String>| field.as_deref().is_none_or(str::is_empty);
    let fields = [
        ("apiVersion", &object.api_version),
        ("kind", &object.kind),
        ("metadata.name", &object.name),
    ];
    if let Some((field, _)) = fields.iter().find(|(_, text)| lacks(text)) {
        let kind = object.kind.as_deref().filter(|kind| !kind.is_empty());
        warn!(
            "an event is left out, as the {} that it is about has no {field}: {}",
            kind.unwrap_or("object"),
            note.message
        );
        return;
    }
    shared.tell(object, note);
}

impl<'a, C: Family> Extract<'a, C> for Events {
    fn extract(invocation: &'a Arc<Invocation<C>>, _: &Argument) -> Result<Self, ArgError> {
        Ok(Self {
            shared: invocation.environment.aspects.get_or_default::<Common>(),
            action: invocation.handler.to_string(),
        })
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
