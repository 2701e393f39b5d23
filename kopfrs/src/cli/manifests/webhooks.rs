//! What webhooks need in a cluster: a Service by which the API server gets to the operator, and a Secret for its
//! certificates.

use serde_json::{Value, json};

use super::ManifestOptions;
use crate::registry::Registry;

/// The port that the operator is to listen on.
pub(super) const PORT: u16 = 9443;

/// Whether the API server asks any of the handlers.
pub(super) fn are_needed(registry: &Registry) -> bool {
    !registry.admission().is_empty() || !registry.conversions().is_empty()
}

/// The Service, and the right to keep certificates in Secrets beside the operator.
pub(super) fn objects(name: &str, options: &ManifestOptions) -> Vec<Value> {
    let (namespace, own) = (&options.install_namespace, format!("{name}-webhooks"));
    let (group, metadata) = (
        "rbac.authorization.k8s.io",
        json!({"name": own, "namespace": namespace}),
    );
    let version = format!("{group}/v1");
    vec![
        json!({
            "apiVersion": version, "kind": "Role", "metadata": metadata,
            "rules": [
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
                {
                    "apiGroups": [""], "resources": ["secrets"], "resourceNames": [own],
                    "verbs": ["get", "patch"],
                },
            ],
        }),
        json!({
            "apiVersion": version, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": own},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        }),
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "selector": {"app.kubernetes.io/name": name},
                "ports": [{"name": "webhooks", "port": 443, "targetPort": PORT}],
            },
        }),
    ]
}

/// What the program has to say for that.
pub(super) fn note(name: &str, options: &ManifestOptions) -> String {
    let namespace = &options.install_namespace;
    format!(
        "The webhooks are reached by the Service if a startup handler sets settings.admission.server to \
         WebhookServer::new().addr(\"0.0.0.0\").port({PORT}).service({namespace:?}, {name:?})\
         .secret({namespace:?}, \"{name}-webhooks\"), and settings.admission.managed"
    )
}
