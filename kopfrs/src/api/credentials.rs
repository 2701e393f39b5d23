//! Credentials, and where they come from.

use std::fmt;
use std::path::PathBuf;

use kube::Config;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};

/// How to reach an API server, and as whom. A login handler returns it.
#[derive(Clone)]
pub struct Credentials(Config);

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
    /// With the sandbox, nothing else may be talked to.
    #[error(
        "a login handler returned credentials for {url}, but the operator runs with --sandbox: \
         return those of kopfrs::login, or run without --sandbox"
    )]
    Foreign {
        /// The server that the credentials are for.
        url: String,
    },
}

impl Credentials {
    /// Credentials from a configuration of kube's.
    pub fn new(config: Config) -> Self {
        Self(config)
    }

    /// The configuration behind them.
    pub fn config(&self) -> &Config {
        &self.0
    }

    /// The configuration to make a client of, with what the framework wants of each client.
    pub(crate) fn into_config(self) -> Config {
        let mut config = self.0;
        // Retries are our own: kube's silent ones would hide minutes inside of one request.
        config.default_retry = false;
        let agent = concat!("kopfrs/", env!("CARGO_PKG_VERSION"));
        if !config
            .headers
            .iter()
            .any(|(name, _)| name == http::header::USER_AGENT)
        {
            config.headers.push((
                http::header::USER_AGENT,
                http::HeaderValue::from_static(agent),
            ));
        }
        config
    }
}

impl From<Config> for Credentials {
    fn from(config: Config) -> Self {
        Self::new(config)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.0.cluster_url)
    }
}

/// Ways to find credentials, for login handlers.
pub mod login {
    use std::sync::OnceLock;

    use super::{Config, Credentials, KubeConfigOptions, Kubeconfig, LoginError, PathBuf};

    /// What the command line says.
    static GIVEN: OnceLock<Given> = OnceLock::new();

    struct Given {
        credentials: Credentials,
        /// Other ways lead there, too: the sandbox must not be mixed up with a cluster.
        is_only: bool,
    }

    /// There is one command line in a process.
    #[cfg(feature = "cli")]
    pub(crate) fn give(credentials: Credentials, is_only: bool) {
        let _ = GIVEN.set(Given {
            credentials,
            is_only,
        });
    }

    fn only() -> Option<Credentials> {
        GIVEN
            .get()
            .filter(|given| given.is_only)
            .map(|given| given.credentials.clone())
    }

    /// Takes what the command line says (`--kubeconfig`, `--context`, `--sandbox`); else looks in
    /// `$KUBECONFIG`, then for the service account of the pod, then in `~/.kube/config`.
    ///
    /// # Errors
    /// If none of them is there, or the first that is there cannot be used.
    pub async fn infer() -> Result<Credentials, LoginError> {
        if let Some(given) = GIVEN.get() {
            return Ok(given.credentials.clone());
        }
        if std::env::var_os("KUBECONFIG").is_some_and(|value| !value.is_empty()) {
            return kubeconfig(None, None).await;
        }
        if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
            return in_cluster();
        }
        let home = std::env::var_os("HOME").map(PathBuf::from);
        match home
            .map(|home| home.join(".kube/config"))
            .filter(|path| path.exists())
        {
            Some(path) => kubeconfig(Some(path), None).await,
            None => Err(LoginError::Nothing),
        }
    }

    /// Uses a kubeconfig: the given file, or what `$KUBECONFIG` names; the given context, or the
    /// current one.
    ///
    /// # Errors
    /// If the file or the context is not there, or cannot be read.
    pub async fn kubeconfig(
        file: Option<PathBuf>,
        context: Option<String>,
    ) -> Result<Credentials, LoginError> {
        if let Some(only) = only() {
            return Ok(only);
        }
        let kubeconfig = match file {
            Some(file) => Kubeconfig::read_from(file)?,
            None => Kubeconfig::read()?,
        };
        let options = KubeConfigOptions {
            context,
            ..KubeConfigOptions::default()
        };
        Ok(Credentials::new(
            Config::from_custom_kubeconfig(kubeconfig, &options).await?,
        ))
    }

    /// Uses the service account that is mounted into the pod.
    ///
    /// # Errors
    /// If the process does not run in a pod with a service account.
    pub fn in_cluster() -> Result<Credentials, LoginError> {
        if let Some(only) = only() {
            return Ok(only);
        }
        Ok(Credentials::new(Config::incluster()?))
    }
}
