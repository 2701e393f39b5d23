//! Why an operator could not start, or had to stop.

use crate::api::LoginError;
use crate::registry::RegistryError;

/// Why an operator could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// The handlers cannot work as they are declared.
    #[error(transparent)]
    Handlers(Box<RegistryError>),
    /// There are no credentials.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The credentials make no client.
    #[error("failed to make a client of the credentials: {0}")]
    Client(#[source] kube::Error),
    /// A startup handler has failed for good.
    #[error("startup handler {id:?} failed: {message}")]
    Startup {
        /// The handler.
        id: String,
        /// Its last error.
        message: String,
    },
    /// A cleanup handler has failed for good.
    #[error("cleanup handler {id:?} failed: {message}")]
    Cleanup {
        /// The handler.
        id: String,
        /// Its last error.
        message: String,
    },
    /// The API server could not ask the handlers that are there for it.
    #[error("{0}")]
    Admission(String),
    /// Settings do not go together.
    #[error("{0}")]
    Settings(String),
    /// Nothing can be told of the operator under an address.
    #[cfg(feature = "admin")]
    #[error("failed to listen on {address} for health and metrics: {source}")]
    Admin {
        /// The address.
        address: std::net::SocketAddr,
        /// What has happened.
        source: std::io::Error,
    },
    /// A text names no address to listen on.
    #[cfg(feature = "admin")]
    #[error(transparent)]
    Endpoint(#[from] crate::admin::EndpointError),
    /// A text can be neither the name of a namespace nor a pattern of such names.
    #[error(
        "{0:?} names no namespaces; write a name (\"team-a\"), a pattern (\"team-*\"), or an exclusion \
         (\"!kube-*\")"
    )]
    Namespace(String),
}

impl From<RegistryError> for OperatorError {
    fn from(error: RegistryError) -> Self {
        Self::Handlers(Box::new(error))
    }
}
