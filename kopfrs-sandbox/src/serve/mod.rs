//! Ways to reach a sandbox, or a server behind a proxy: in-process, and over TLS on a loopback port.

mod access;
mod connection;
mod endpoint;
mod error;
mod forward;
mod guard;
mod identity;
mod kubeconfig;
mod proxy;
mod server;

pub(crate) use self::access::Credentials;
use self::guard::Guarded;
pub use self::{endpoint::Endpoint, error::ServeError, proxy::Proxy, server::Server};
use crate::{
    auth::Tokens,
    clock::Clock,
    fault::{Faults, Faulty},
    http::{
        auth::{Auth, Strangers},
        collect::Collect,
        router::Router,
    },
    journal::{Journal, Journaled},
};

/// The whole stack in front of `S`, for requests with any body.
pub(crate) type Stack<S = Router> = Collect<Journaled<Faulty<Auth<Guarded<S>>>>>;

/// What stands in front of a server, be it the sandbox or another one.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) tokens: Tokens,
    pub(crate) clock: Clock,
}

impl Front {
    pub(crate) fn stack<S>(&self, server: S, strangers: Strangers) -> Stack<S> {
        let authenticated = Auth::new(Guarded::new(server), self.tokens.clone(), strangers);
        let faulty = Faulty::new(authenticated, self.faults.clone());
        Collect::new(Journaled::new(
            faulty,
            self.journal.clone(),
            self.clock.clone(),
        ))
    }
}
