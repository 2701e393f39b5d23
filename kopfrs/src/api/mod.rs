//! Talking to the API: requests with retries, credentials, and the actions that handlers may take.

mod actions;
mod connection;
mod counts;
mod credentials;
mod error;
mod fence;
pub mod login;
mod place;
mod plugin;
mod recorder;
mod refusal;
mod stream;
mod transport;
mod vault;

pub use self::actions::{
    ActionError, ActionResultExt, Actions, Change, DeleteAllOf, KindSource, List, Note, Object,
    Page, Severity,
};
pub(crate) use self::actions::{Common, Notes, program};
pub(crate) use self::connection::{Connection, Payload, Target, noticing_pauses};
pub use self::counts::{RequestCounts, RequestKind, RequestOutcome};
pub use self::credentials::{Credentials, LoginError};
pub(crate) use self::error::{ApiError, Failure};
pub(crate) use self::fence::Fence;
pub use self::recorder::{Recorded, Recorder};
pub(crate) use self::stream::{Line, LineReader};
pub(crate) use self::transport::Outfit;
pub(crate) use self::vault::{Login, Vault};
