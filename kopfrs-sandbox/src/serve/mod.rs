//! Ways to reach a sandbox: in-process, and over TLS on a loopback port.

mod identity;
mod kubeconfig;
mod server;

use std::sync::Arc;

pub use self::server::{ServeError, Server};
use crate::{
    cluster::Cluster,
    http::{auth::Auth, collect::Collect, router::Router},
    journal::{Journal, Journaled},
};

/// The whole stack, for requests with any body.
pub(crate) type Stack = Collect<Journaled<Auth<Router>>>;

pub(crate) fn stack(cluster: &Arc<Cluster>, journal: &Journal, token: Option<String>) -> Stack {
    let router = Auth::new(Router::new(cluster.clone()), token);
    Collect::new(Journaled::new(router, journal.clone(), cluster.clone()))
}
