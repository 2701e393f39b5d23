//! Kubernetes objects as values: bodies, fields, differences, essences, patches, finalizers.
//!
//! Everything here is pure: no I/O, no time, no knowledge of handlers or of the API. Objects are
//! plain JSON; user types appear only where arguments are extracted.

mod body;
pub(crate) mod conditions;
mod diff;
pub(crate) mod essence;
mod field;
pub(crate) mod finalizer;
pub(crate) mod merge;
mod patch;
pub(crate) mod reference;
mod secrets;
mod text;
mod value;

pub use self::body::Body;
pub use self::diff::{Diff, DiffItem, DiffOperation};
pub use self::field::{FieldPath, FieldPathError};
pub use self::patch::Patch;
pub(crate) use self::patch::{Change, Transform};
pub use self::reference::ObjectKey;
pub(crate) use self::secrets::HIDDEN;
pub use self::secrets::{Mask, Secrets};
pub(crate) use self::text::clipped;
pub(crate) use self::value::{digest, equal};
