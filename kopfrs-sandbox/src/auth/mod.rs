//! Who asks: users and the tokens they show.
//!
//! `http::auth` looks tokens up here; nothing here knows of requests.

mod issuer;
mod tokens;
mod user;

pub(crate) use self::issuer::{ISSUER, Issuer};
pub use self::tokens::{OpenWatches, Tokens};
pub(crate) use self::tokens::{SavedToken, Session};
pub(crate) use self::user::{MASTERS, SERVICE_ACCOUNT, User};
