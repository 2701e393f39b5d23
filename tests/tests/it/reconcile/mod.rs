//! Reconciliation on a server.

mod calls;
mod errors;
mod related;
mod rights;

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Objects, OperatorHandle};

/// What is wanted: so many pods of an image, with a password from a secret.
#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "reconcile.kopfrs.dev",
    version = "v1",
    kind = "Site",
    namespaced
)]
#[kube(status = "SiteStatus")]
#[serde(rename_all = "camelCase")]
pub(super) struct SiteSpec {
    #[serde(default)]
    pub(super) size: i32,
    pub(super) secret: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SiteStatus {
    pub(super) observed_generation: Option<i64>,
    pub(super) conditions: Option<Vec<SiteCondition>>,
    pub(super) error: Option<SiteProblem>,
    pub(super) phase: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SiteCondition {
    pub(super) r#type: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) last_transition_time: String,
    pub(super) observed_generation: Option<i64>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub(super) struct SiteProblem {
    pub(super) r#type: String,
    pub(super) message: String,
}

/// Sites on a cluster, and an operator with some handlers for them.
pub(super) async fn start(
    cluster: &Cluster,
    handlers: Registry,
) -> (Objects<Site>, OperatorHandle) {
    cluster.install::<Site>().await;
    let operator = cluster.operator().handlers(handlers).start().await;
    (cluster.objects::<Site>(), operator)
}

pub(super) fn site(name: &str, size: i32) -> Site {
    let spec = SiteSpec {
        size,
        ..SiteSpec::default()
    };
    Site::new(name, spec)
}

/// A handler that is called for nothing but what happens.
pub(super) fn handler() -> on::Builder<on::Reconcile> {
    on::reconcile::<Site>().id("apply").resync(Duration::ZERO)
}
