//! What clients need to get into a server: the authority that they trust, and a token.

use serde::{Deserialize, Serialize};

use super::{
    ServeError,
    identity::{Identity, Pems},
};
use crate::auth::{OpenWatches, Tokens, User};

/// How a server is recognised and entered: what a kubeconfig holds, less the address.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Credentials {
    #[serde(flatten)]
    pems: Pems,
    token: String,
}

/// The credentials of one server, in use.
pub(super) struct Access {
    pub(super) identity: Identity,
    pub(super) token: String,
    lifetime: Lifetime,
}

/// How long a token of a server is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// As long as the server.
    Server,
    /// As long as the state it is kept with.
    Kept,
}

impl Credentials {
    /// New ones, with the token of an administrator.
    pub(crate) fn issue(tokens: &Tokens) -> Result<Self, ServeError> {
        Ok(Self {
            pems: Pems::generate()?,
            token: tokens.add(User::admin(), None),
        })
    }

    /// The same, with another token if the old one has been revoked.
    pub(crate) fn renew(&mut self, tokens: &Tokens) {
        if tokens.session(&self.token).is_none() {
            self.token = tokens.add(User::admin(), None);
        }
    }
}

impl Access {
    pub(super) fn new(credentials: &Credentials, lifetime: Lifetime) -> Result<Self, ServeError> {
        Ok(Self {
            identity: Identity::of(&credentials.pems)?,
            token: credentials.token.clone(),
            lifetime,
        })
    }

    /// For one server only.
    pub(super) fn fresh(tokens: &Tokens) -> Result<Self, ServeError> {
        Self::new(&Credentials::issue(tokens)?, Lifetime::Server)
    }

    /// Ends what does not outlive the server.
    pub(super) fn end(&self, tokens: &Tokens) {
        match self.lifetime {
            Lifetime::Server => drop(tokens.revoke(&self.token, OpenWatches::Keep)),
            Lifetime::Kept => {}
        }
    }
}
