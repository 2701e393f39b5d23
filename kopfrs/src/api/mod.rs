//! Talking to the API: requests with retries, credentials, and the actions that handlers may take.

mod action_error;
mod actions;
mod connection;
mod credentials;
mod error;
pub mod login;
mod plugin;
mod refusal;
mod stream;
mod transport;
mod vault;

pub use self::action_error::{ActionError, ActionResultExt};
pub use self::actions::{Actions, Object};
pub(crate) use self::connection::{Connection, Payload, Target, noticing_pauses};
pub use self::credentials::{Credentials, LoginError};
pub(crate) use self::error::{ApiError, Failure};
pub(crate) use self::stream::{Line, LineReader};
pub(crate) use self::transport::Outfit;
pub(crate) use self::vault::{Login, Vault};
