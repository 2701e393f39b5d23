//! Credentials, and why there are none. Where they come from is in `login`, who keeps them in `vault`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use kube::config::{InClusterError, KubeconfigError};
use kube::{Client, Config};

/// How to reach an API server, and as whom. A login handler returns it.
///
/// # Examples
/// ```
/// use k8s_openapi::jiff::{SignedDuration, Timestamp};
/// use kopfrs::api::Credentials;
/// use kopfrs::prelude::*;
///
/// #[on::login]
/// async fn by_a_token_of_an_hour() -> Result<Credentials> {
///     let config = kube::Config::new("https://10.0.0.1:6443".parse()?);
///     let expiry = Timestamp::now() + SignedDuration::from_hours(1);
///     Ok(Credentials::new(config).valid_until(expiry).priority(10))
/// }
/// ```
#[derive(Clone)]
pub struct Credentials {
    pub(super) access: Access,
    pub(super) valid_until: Option<Timestamp>,
    pub(super) priority: i32,
    /// The kubeconfig that they are read from, to be read again.
    pub(super) source: Option<Source>,
}

/// What is talked through.
#[derive(Clone)]
pub(super) enum Access {
    /// Connections of our own.
    Config(Box<Config>),
    /// Somebody else's client; the mark tells one from another.
    Client(Client, Arc<()>),
}

/// A kubeconfig, and the context in it.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) file: Option<PathBuf>,
    pub(super) context: Option<String>,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// A kubeconfig could not be used.
    #[error("failed to use the kubeconfig: {0}")]
    Kubeconfig(#[from] KubeconfigError),
    /// The service account could not be used.
    #[error("failed to use the service account of the pod: {0}")]
    InCluster(#[from] InClusterError),
    /// Nothing was found.
    #[error(
        "no credentials found: pass --kubeconfig, set KUBECONFIG, run in a cluster with a service \
         account, or have a ~/.kube/config (without any cluster: run with --sandbox)"
    )]
    Nothing,
    /// A login handler has failed for good.
    #[error("login handler {id:?} failed: {message}")]
    Handler {
        /// The handler.
        id: String,
        /// Its last error.
        message: String,
    },
    /// With the sandbox and in tests, nothing else may be talked to.
    #[error(
        "a login handler returned credentials for {url}, but the operator runs with --sandbox, or in a \
         test, and may talk to nothing else: return those of kopfrs::login"
    )]
    Foreign {
        /// The server that the credentials are for.
        url: String,
    },
    /// The program that the kubeconfig names for credentials has given none.
    #[error("the credential plugin {command:?} failed: {message}")]
    Plugin {
        /// The program.
        command: String,
        /// What has happened.
        message: String,
    },
    /// The credentials make no client.
    #[error("failed to make a client of the credentials: {0}")]
    Client(#[source] Box<kube::Error>),
    /// The credentials cannot be used any more when they come.
    #[error("the credentials for {url} have expired already, at {at}")]
    Expired {
        /// The server that the credentials are for.
        url: String,
        /// The end of their validity.
        at: Timestamp,
    },
    /// The login has given nothing but what the server has refused just now.
    #[error("{url} has refused the credentials (401), and the login gives the same ones again")]
    Refused {
        /// The server that the credentials are for.
        url: String,
    },
    /// The credentials have expired before the login has given others.
    #[error("the credentials have expired, and the login has given no others yet")]
    Late,
    /// Nobody logs in any more.
    #[error("the operator has ended, and nobody renews its credentials")]
    Ended,
}

impl Credentials {
    /// Credentials from a configuration of kube's.
    pub fn new(config: Config) -> Self {
        Self::through(Access::Config(Box::new(config)))
    }

    /// Credentials that are a ready client: for ways to the API that a configuration cannot tell.
    ///
    /// # Examples
    /// ```no_run
    /// use kopfrs::api::Credentials;
    ///
    /// # async fn f() -> Result<(), kube::Error> {
    /// let credentials = Credentials::from_client(kube::Client::try_default().await?);
    /// # Ok(()) }
    /// ```
    pub fn from_client(client: Client) -> Self {
        Self::through(Access::Client(client, Arc::new(())))
    }

    fn through(access: Access) -> Self {
        Self {
            access,
            valid_until: None,
            priority: 0,
            source: None,
        }
    }

    /// Sets the end of their validity: the operator logs in anew shortly before.
    pub fn valid_until(mut self, at: Timestamp) -> Self {
        self.valid_until = Some(at);
        self
    }

    /// Sets their rank among those of other login handlers: the highest is used first, 0 unless set.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// The configuration behind them; none if they are a ready client.
    pub fn config(&self) -> Option<&Config> {
        match &self.access {
            Access::Config(config) => Some(config),
            Access::Client(..) => None,
        }
    }

    /// The server that they are for, for people.
    pub(crate) fn url(&self) -> String {
        self.config().map_or_else(
            || "the server of the client".to_owned(),
            |config| config.cluster_url.to_string(),
        )
    }
}

impl From<Config> for Credentials {
    fn from(config: Config) -> Self {
        Self::new(config)
    }
}

impl From<Client> for Credentials {
    fn from(client: Client) -> Self {
        Self::from_client(client)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.url())
    }
}
