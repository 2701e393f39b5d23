//! The roles that a cluster with authorization has from its first moment: those that clients rely on.

use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    verbs::{Target, WriteOptions, create, decode::Decoded},
};

const GROUP: &str = "rbac.authorization.k8s.io";

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
        ("view", workloads(&["get", "list", "watch"], false)),
        ("edit", workloads(&["*"], true)),
        ("admin", administration()),
    ]
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
    let mut rules = workloads(&["*"], true);
    if let Some(rules) = rules.as_array_mut() {
        rules.push(json!({
            "apiGroups": [GROUP], "resources": ["rolebindings", "roles"], "verbs": ["*"],
        }));
    }
    rules
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
        put(cluster, "clusterroles", name, json!({"rules": rules}));
    }
    for (name, role, groups) in BINDINGS {
        let subjects: Vec<Value> = groups
            .iter()
            .map(|group| json!({"apiGroup": GROUP, "kind": "Group", "name": group}))
            .collect();
        let role = json!({"apiGroup": GROUP, "kind": "ClusterRole", "name": role});
        let binding = json!({"roleRef": role, "subjects": subjects});
        put(cluster, "clusterrolebindings", name, binding);
    }
}

fn put(cluster: &Cluster, plural: &str, name: &str, mut value: Value) {
    let kinds = cluster.registry.kinds();
    let kind = kinds
        .find(GROUP, "v1", plural)
        .expect("roles and bindings are built in");
    let target = Target {
        kind: kind.clone(),
        namespace: String::new(),
        name: String::new(),
    };
    let labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    value["metadata"] = json!({"name": name, "labels": labels});
    let decoded = Decoded {
        value,
        faults: Vec::new(),
    };
    match create::create(cluster, &target, decoded, &WriteOptions::default()) {
        Ok(_) => {}
        // In a state that was restored.
        Err(error) if error.is_already_exists() => {}
        Err(error) => unreachable!("the default roles and bindings are valid: {error}"),
    }
}
