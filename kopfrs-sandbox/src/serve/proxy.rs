//! A port in front of another API server.

use std::{fmt, net::SocketAddr, ops::Deref};

use super::{Endpoint, Front, ServeError, access::Access, forward::Forward};
use crate::{Journal, Tokens, clock::Clock, fault::Faults, http::auth::Strangers};

/// A proxy over TLS on a loopback port, in front of any API server: with the sandbox's faults, journal and tokens.
///
/// How it is reached, and what it has seen, tells its [`Endpoint`], whose methods are its own. Requests with a token of
/// [`Endpoint::tokens`] are sent on with the credentials the proxy was given, whoever the token is for; what comes with
/// other tokens, or with none, is sent on as it is, for the server to judge. Bodies are streamed. Connections that are
/// taken over (`exec`, `attach`, `port-forward`) are not supported.
///
/// The kube crate has to be built with a TLS feature, as for any client of a server that is not on plain HTTP.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kopfrs_sandbox::{Proxy, Sandbox, fault::{Fault, On}};
///
/// let server = Sandbox::new().serve().await?;
/// let proxy = Proxy::start(server.config()).await?;
/// proxy.faults().inject(Fault::status(503).on(On::any()).times(1));
///
/// let mut config = proxy.config();
/// config.default_retry = false;
/// let client = kube::Client::try_from(config)?;
/// assert!(client.apiserver_version().await.is_err());
/// assert_eq!(client.apiserver_version().await?.major, "1");
/// assert_eq!(proxy.journal().requests().len(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Proxy {
    endpoint: Endpoint,
}

/// How many requests the journal of a proxy remembers.
const JOURNAL: usize = 65_536;

impl Proxy {
    /// Starts a proxy in front of the server that a configuration is for.
    ///
    /// # Errors
    ///
    /// When no port can be opened, or the configuration makes no client.
    pub async fn start(config: kube::Config) -> Result<Self, ServeError> {
        let front = Front {
            journal: Journal::new(JOURNAL),
            faults: Faults::default(),
            tokens: Tokens::default(),
            clock: Clock::new(),
        };
        let behind = (Forward::new(config)?, Strangers::PassedOn);
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let access = Access::fresh(&front.tokens)?;
        let endpoint = Endpoint::bind(addr, access, front, behind).await?;
        Ok(Self { endpoint })
    }

    /// Stops: no new connections, watches end, requests finish (for two seconds at most).
    pub async fn stop(mut self) {
        self.endpoint.stop().await;
    }
}

impl Deref for Proxy {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.endpoint).finish()
    }
}
