//! Who asks: users and the tokens they show.
//!
//! `http::auth` looks tokens up here; nothing here knows of requests.

mod tokens;
mod user;

pub use self::tokens::{OpenWatches, Tokens};
pub(crate) use self::tokens::{SavedToken, Session};
pub(crate) use self::user::{MASTERS, SERVICE_ACCOUNT, User};
