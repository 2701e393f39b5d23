//! The roles that a cluster with authorization has from its first moment: those that clients rely on.

use serde_json::{Value, json};

use super::{CLUSTER_ROLES, GROUP, gathered};
use crate::{
    cluster::Cluster,
    verbs::{Target, create, decode::Decoded},
};

/// Roles by name: rules.
fn roles() -> Vec<(&'static str, Value)> {
    let everything = json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]);
    let discovery = json!([{"verbs": ["get"], "nonResourceURLs": [
        "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version",
        "/version/",
    ]}]);
    let reviews = json!([
        {
            "verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        },
        {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
    ]);
    let public = json!([{
        "verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"],
    }]);
    vec![
        ("cluster-admin", everything),
        ("system:discovery", discovery),
        ("system:basic-user", reviews),
        ("system:public-info-viewer", public),
        (
            "system:aggregate-to-view",
            workloads(&["get", "list", "watch"], false),
        ),
        ("system:aggregate-to-edit", workloads(&["*"], true)),
        ("system:aggregate-to-admin", administration()),
    ]
}

/// Roles for people, each with the one that gathers it: what is labelled `aggregate-to-NAME` is added to them.
const PEOPLE: [(&str, Option<&str>); 3] = [
    ("view", Some("edit")),
    ("edit", Some("admin")),
    ("admin", None),
];

fn aggregate_to(name: &str) -> String {
    format!("rbac.authorization.k8s.io/aggregate-to-{name}")
}

/// What people who work in a namespace see, or change: there, only the second kind of people sees secrets.
fn workloads(verbs: &[&str], secrets: bool) -> Value {
    let mut core = vec![
        "configmaps",
        "events",
        "persistentvolumeclaims",
        "pods",
        "pods/log",
        "pods/status",
        "serviceaccounts",
        "services",
        "services/status",
    ];
    if secrets {
        core.push("secrets");
    }
    json!([
        {"apiGroups": [""], "resources": core, "verbs": verbs},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": [
            "daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets",
            "statefulsets/scale",
        ], "verbs": verbs},
        {"apiGroups": ["batch"], "resources": ["cronjobs", "jobs"], "verbs": verbs},
    ])
}

fn administration() -> Value {
    json!([{"apiGroups": [GROUP], "resources": ["rolebindings", "roles"], "verbs": ["*"]}])
}

/// Bindings by name: role, groups.
const BINDINGS: [(&str, &str, &[&str]); 4] = [
    ("cluster-admin", "cluster-admin", &["system:masters"]),
    (
        "system:discovery",
        "system:discovery",
        &["system:authenticated"],
    ),
    (
        "system:basic-user",
        "system:basic-user",
        &["system:authenticated"],
    ),
    (
        "system:public-info-viewer",
        "system:public-info-viewer",
        &["system:authenticated", "system:unauthenticated"],
    ),
];

/// Creates them.
pub(crate) fn create(cluster: &Cluster) {
    for (name, rules) in roles() {
        let label = name.strip_prefix("system:aggregate-to-").map(aggregate_to);
        put(
            cluster,
            "clusterroles",
            (name, label),
            json!({"rules": rules}),
        );
    }
    for (name, gathered_by) in PEOPLE {
        let selector = json!({"matchLabels": {aggregate_to(name): "true"}});
        let mut role = json!({
            "metadata": {"name": name}, "aggregationRule": {"clusterRoleSelectors": [selector]},
        });
        // There at once: the controller would only come to it later.
        let all = cluster.store.list(CLUSTER_ROLES, "").1;
        role["rules"] = json!(gathered(&role, &all));
        put(
            cluster,
            "clusterroles",
            (name, gathered_by.map(aggregate_to)),
            role,
        );
    }
    for (name, role, groups) in BINDINGS {
        let subjects: Vec<Value> = groups
            .iter()
            .map(|group| json!({"apiGroup": GROUP, "kind": "Group", "name": group}))
            .collect();
        let role = json!({"apiGroup": GROUP, "kind": "ClusterRole", "name": role});
        let binding = json!({"roleRef": role, "subjects": subjects});
        put(cluster, "clusterrolebindings", (name, None), binding);
    }
}

fn put(cluster: &Cluster, plural: &str, (name, label): (&str, Option<String>), mut value: Value) {
    let kinds = cluster.registry.kinds();
    let kind = kinds
        .find(GROUP, "v1", plural)
        .expect("roles and bindings are built in");
    let target = Target {
        kind: kind.clone(),
        namespace: String::new(),
        name: String::new(),
    };
    let mut labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    if let Some(label) = label {
        labels[label] = json!("true");
    }
    let annotations = json!({"rbac.authorization.kubernetes.io/autoupdate": "true"});
    value["metadata"] = json!({"name": name, "labels": labels, "annotations": annotations});
    let decoded = Decoded {
        value,
        faults: Vec::new(),
    };
    match create::bootstrap(cluster, &target, decoded) {
        Ok(_) => {}
        // In a state that was restored.
        Err(error) if error.is_already_exists() => {}
        Err(error) => unreachable!("the default roles and bindings are valid: {error}"),
    }
}
