//! Asking webhooks: how they are found, trusted and called.
//!
//! `admission` and `conversion` ask through it; what they ask, and what an answer means, is theirs to know.

mod address;
mod answer;
mod certificates;
mod connection;
mod pace;
pub(crate) mod validation;

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use self::connection::{Call, Identity};
pub(crate) use self::{
    address::Routes,
    answer::{Answer, Expected, Fits},
    connection::Connections,
};
use crate::cluster::Cluster;

/// Why a webhook was not asked.
#[derive(Debug)]
pub(crate) enum Unasked {
    /// Nobody can be asked by such a `clientConfig`.
    Client(String),
    /// It could not be reached, or did not answer in time.
    Call(String),
}

/// Sends a review to where a `clientConfig` leads.
pub(crate) async fn ask(
    cluster: &Cluster,
    client: &Value,
    timeout: Duration,
    body: Bytes,
) -> Result<Answer, Unasked> {
    let identity = Identity::read(client).map_err(Unasked::Client)?;
    let query = format!("?timeout={}s", timeout.as_secs());
    let shown = format!("{}{query}", address::shown(client));
    let posted = |why: String| Unasked::Call(format!("Post {shown:?}: {why}"));
    let url = address::dialled(cluster, client).map_err(posted)?;
    let call = Call {
        url: url + &query,
        host: address::host(client),
        body,
    };
    let sent = cluster.webhooks.post(&identity, call);
    match pace::in_step(tokio::time::timeout(timeout, sent)).await {
        Err(_) => Err(posted("context deadline exceeded".to_owned())),
        Ok(answer) => answer.map_err(posted),
    }
}
