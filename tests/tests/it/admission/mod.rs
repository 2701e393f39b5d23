//! Reviews and conversions, asked for by an API server over TLS.

mod certificates;
mod configurations;
mod conversions;
mod endpoints;
mod failures;
mod reviews;

use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Objects, OperatorHandle};

/// Something to be reviewed.
#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "admission.kopfrs.dev",
    version = "v1",
    kind = "Ticket",
    namespaced
)]
#[kube(status = "TicketStatus")]
pub(super) struct TicketSpec {
    #[serde(default)]
    pub(super) size: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) list: Vec<i64>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(super) struct TicketStatus {
    pub(super) phase: Option<String>,
}

/// Tickets on a cluster, and an operator that is asked about them.
pub(super) async fn start(
    cluster: &Cluster,
    handlers: Registry,
) -> (Objects<Ticket>, OperatorHandle) {
    cluster.install::<Ticket>().await;
    let operator = cluster.operator().handlers(handlers).webhooks();
    (cluster.objects::<Ticket>(), operator.start().await)
}

pub(super) fn ticket(name: &str, size: i64) -> Ticket {
    let spec = TicketSpec {
        size,
        ..TicketSpec::default()
    };
    Ticket::new(name, spec)
}

pub(super) fn api(cluster: &Cluster) -> kube::Api<Ticket> {
    kube::Api::namespaced(cluster.client(), cluster.namespace())
}

/// The code and the message of a refusal.
pub(super) fn refusal<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.message.clone()),
        other => panic!("it should have been refused: {other:?}"),
    }
}
