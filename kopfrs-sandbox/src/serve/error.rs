//! Why a port could not be opened.

use std::{net::SocketAddr, path::PathBuf};

use crate::persist::PersistError;

/// Why a sandbox could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The port could not be opened.
    #[error("failed to listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The certificates could not be made.
    #[error("failed to make certificates")]
    Certificate(#[from] rcgen::Error),
    /// The certificates could not be used.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
    /// The certificates that were kept are none.
    #[error("failed to read the certificates that were kept")]
    Kept(#[from] rustls::pki_types::pem::Error),
    /// The server's credentials could not be kept.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// The address makes no URL.
    #[error("failed to make a URL of the address")]
    Address(#[source] http::uri::InvalidUri),
    /// The client for the server behind a proxy could not be made.
    #[error("failed to make a client for the server behind")]
    Upstream(#[source] Box<kube::Error>),
    /// The kubeconfig could not be written.
    #[error("failed to write the kubeconfig {}", path.display())]
    Kubeconfig {
        /// The file that was asked for.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}
