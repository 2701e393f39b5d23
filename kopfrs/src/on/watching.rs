//! `on::event`.

use super::builder::{Builder, Filtered, Kind, ObjectKind};
use crate::cause::WatchingCause;
use crate::handler::returns;
use crate::resource::Selector;

/// Called with every event of the watch, as it came. Never retried; errors are logged only.
#[derive(Debug)]
pub enum Event {}

impl Kind for Event {
    type Cause = WatchingCause;
    type Returns = returns::Stored;
}

impl Filtered for Event {}

/// Called with every event of the watch, as it came. Never retried; errors are logged only.
#[track_caller]
pub fn event<K: ObjectKind>() -> Builder<Event> {
    event_of(Selector::of::<K>())
}

/// The same for kinds that are named, not typed.
#[track_caller]
pub fn event_of(selector: Selector) -> Builder<Event> {
    Builder::begin(Some(selector), ())
}
