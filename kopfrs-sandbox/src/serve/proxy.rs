//! A port in front of another API server.

use std::{fmt, net::SocketAddr, path::Path};

use super::{Front, ServeError, access::Access, endpoint::Endpoint, forward::Forward};
use crate::{Journal, Tokens, clock::Clock, fault::Faults, http::auth::Strangers};

/// A proxy over TLS on a loopback port, in front of any API server: with the sandbox's faults, journal and tokens.
///
/// Requests with a token of [`Proxy::tokens`] are sent on with the credentials the proxy was given, whoever the token is
/// for; what comes with other tokens, or with none, is sent on as it is, for the server to judge. Bodies are streamed.
/// Connections that are taken over (`exec`, `attach`, `port-forward`) are not supported.
///
/// The kube crate has to be built with a TLS feature, as for any client of a server that is not on plain HTTP.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kopfrs_sandbox::{Proxy, Sandbox, fault::{Fault, On, Rule}};
///
/// let server = Sandbox::new().serve().await?;
/// let proxy = Proxy::start(server.config()).await?;
/// proxy.faults().inject(Rule::new(On::any(), Fault::status(503)).times(1));
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

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.endpoint.addr()
    }

    /// What it makes go wrong.
    pub fn faults(&self) -> Faults {
        self.endpoint.front().faults.clone()
    }

    /// The requests it has seen.
    pub fn journal(&self) -> Journal {
        self.endpoint.front().journal.clone()
    }

    /// The tokens it accepts itself.
    pub fn tokens(&self) -> Tokens {
        self.endpoint.front().tokens.clone()
    }

    /// The token that its kubeconfig holds.
    pub fn token(&self) -> &str {
        self.endpoint.token()
    }

    /// A kubeconfig for any client, as YAML. It holds the token.
    pub fn kubeconfig(&self) -> String {
        self.endpoint.kubeconfig(self.token())
    }

    /// A kubeconfig with another token.
    pub fn kubeconfig_with_token(&self, token: &str) -> String {
        self.endpoint.kubeconfig(token)
    }

    /// Writes the kubeconfig to a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_kubeconfig(&self, path: impl AsRef<Path>) -> Result<(), ServeError> {
        self.endpoint.write_kubeconfig(path.as_ref())
    }

    /// The configuration for a [`kube::Client`] through the proxy.
    pub fn config(&self) -> kube::Config {
        self.endpoint.config()
    }

    /// The configuration for a client with another token.
    pub fn config_with_token(&self, token: &str) -> kube::Config {
        self.endpoint.config_with_token(token)
    }

    /// Stops: no new connections, watches end, requests finish (for two seconds at most).
    pub async fn stop(mut self) {
        self.endpoint.stop().await;
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token.
        f.debug_struct("Proxy")
            .field("addr", &self.addr())
            .finish_non_exhaustive()
    }
}
