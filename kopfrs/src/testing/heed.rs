//! Whether the API server has taken notice of webhooks: it learns of their configurations by watches of its own, a
//! moment after they were written.
//!
//! It learns of them in the order in which they were written. So a webhook that nobody answers is declared after those
//! of an operator, for one object that is never stored: as soon as that is refused, the others are heeded as well.

use http::StatusCode;
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::cluster::Cluster;
use super::rest::Rest;
use crate::resource::Resource;

const GROUP: &str = "admissionregistration.k8s.io";

/// The kinds of configurations, with their plural names.
const KINDS: [(&str, &str); 2] = [
    (
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
    ),
    (
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
    ),
];

/// Waits until the webhooks are heeded whose configurations have been written.
///
/// # Panics
/// If they never are.
pub(super) async fn until_heeded(cluster: &Cluster, operator: u64) {
    for (kind, plural) in KINDS {
        let rest = cluster.rest();
        let name = format!("heed-{operator}.{}", cluster.namespace());
        let path = format!("/apis/{GROUP}/v1/{plural}");
        let label = format!("heed-{operator}.kopfrs.dev/{}", cluster.namespace());
        let declared = configuration(kind, (&name, &label));
        cluster.leave(&resource(plural), &declared);
        if let Err(error) = rest.post(&path, &declared).await {
            panic!("{kind} {name} cannot be created: {error}");
        }
        let what = format!("the API server to heed {kind}s");
        cluster
            .until(what, async || is_refused(cluster, &rest, &label).await)
            .await;
        if let Err(error) = rest.delete(&format!("{path}/{name}")).await {
            panic!("{kind} {name} cannot be deleted: {error}");
        }
    }
}

fn resource(plural: &str) -> Resource {
    Resource {
        group: GROUP.to_owned(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        ..Resource::default()
    }
}

/// A webhook that nobody answers, about config maps with a label.
fn configuration(kind: &str, (name, label): (&str, &str)) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": kind,
        "metadata": {"name": name},
        "webhooks": [{
            "name": "heed.kopfrs.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 1,
            // Nobody listens at the port of the multiplexer of services.
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "objectSelector": {"matchLabels": {label: ""}},
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"],
            }],
        }],
    })
}

/// Whether an object is refused because nobody answers for it.
async fn is_refused(cluster: &Cluster, rest: &Rest, label: &str) -> bool {
    let namespace = cluster.namespace();
    let path = format!("/api/v1/namespaces/{namespace}/configmaps?dryRun=All");
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "heed", "labels": {label: ""}},
    });
    // That it is refused is no error: nobody needs to read of it.
    let refused = rest.post(&path, &map);
    match refused.with_subscriber(NoSubscriber::default()).await {
        Err(kube::Error::Api(status)) => status.code == StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
        _ => false,
    }
}
