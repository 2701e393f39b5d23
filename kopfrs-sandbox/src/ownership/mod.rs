//! Field ownership: `metadata.managedFields` and server-side apply.
//!
//! `verbs` calls it on each write: [`managers`] keeps the books, [`walk`] compares and merges values by the types
//! [`shape`] knows, [`last_applied`] knows what kubectl did before, [`versions`] brings them into the versions that fields are owned in. It knows nothing of storage and requests.

mod fields;
mod last_applied;
mod managers;
mod shape;
mod versions;
mod walk;

pub(crate) use self::{
    managers::{Apply, Writer, applied, check, created, typed_error, updated},
    versions::{Halt, Versions, Wanted},
};
