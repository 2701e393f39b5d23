//! What has happened: one file per family of handlers, and the rule that tells for an object.
//!
//! Pure: a cause is a value; `detect` decides without I/O.

mod activity;
mod admission;
mod changing;
mod conversion;
mod detect;
mod indexing;
mod live;
mod spawning;
mod stopped;
mod watching;

use std::sync::Arc;

pub use self::activity::{Activity, ActivityCause};
pub use self::admission::{
    AdmissionCause, Headers, Operation, SslPeer, UnknownOperation, UserInfo, Warnings,
};
pub use self::changing::{ChangingCause, Reason};
pub use self::conversion::ConversionCause;
pub(crate) use self::detect::{Baseline, Situation, detect};
pub use self::indexing::IndexingCause;
pub(crate) use self::live::Feed;
pub use self::live::{Live, LiveError};
pub use self::spawning::SpawningCause;
pub use self::stopped::{DaemonStoppingReason, Stopped, Stopper};
pub use self::watching::{EventType, RawEvent, WatchingCause};
use crate::object::{Body, Patch};
use crate::resource::Resource;

/// Causes that concern an object.
pub trait ObjectCause: Send + Sync + 'static {
    /// The object.
    fn body(&self) -> &Body;

    /// Its kind.
    fn resource(&self) -> &Arc<Resource>;

    /// Changes to be made to the object.
    fn patch(&self) -> &Patch;
}

/// These keep all of that in fields of the same names.
macro_rules! object_causes {
    ($($cause:ident),*) => {$(
        impl ObjectCause for $cause {
            fn body(&self) -> &Body {
                &self.body
            }

            fn resource(&self) -> &Arc<Resource> {
                &self.resource
            }

            fn patch(&self) -> &Patch {
                &self.patch
            }
        }
    )*};
}

object_causes!(IndexingCause, ChangingCause, SpawningCause, AdmissionCause);
