//! Raw events: every event of the watch, as it came.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::ObjectCause;
use crate::object::{Body, Patch};
use crate::resource::Resource;

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// The object was there before the watch began.
    Listed,
    /// The object was created.
    Added,
    /// The object was changed.
    Modified,
    /// The object is gone.
    Deleted,
}

impl EventType {
    /// The type as the API names it; `None` for objects of the initial listing.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Listed => None,
            Self::Added => Some("ADDED"),
            Self::Modified => Some("MODIFIED"),
            Self::Deleted => Some("DELETED"),
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str().unwrap_or("LISTED"))
    }
}

/// An event of the watch: its type and the object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawEvent {
    /// What happened.
    pub event_type: EventType,
    /// The object, as it was after that.
    pub object: Body,
}

impl RawEvent {
    /// An event about an object.
    pub fn new(event_type: EventType, object: Body) -> Self {
        Self { event_type, object }
    }

    /// The event as the API sends it: `{"type": …, "object": …}`.
    pub fn to_value(&self) -> Value {
        serde_json::json!({"type": self.event_type.as_str(), "object": self.object.as_value()})
    }
}

/// An event has come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WatchingCause {
    /// The kind of the object.
    pub resource: Arc<Resource>,
    /// The event.
    pub event: RawEvent,
    /// Changes to be made to the object.
    pub patch: Patch,
}

impl WatchingCause {
    /// An event has come.
    pub fn new(resource: Arc<Resource>, event: RawEvent, patch: Patch) -> Self {
        Self {
            resource,
            event,
            patch,
        }
    }
}

impl ObjectCause for WatchingCause {
    fn body(&self) -> &Body {
        &self.event.object
    }

    fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }

    fn patch(&self) -> &Patch {
        &self.patch
    }
}
