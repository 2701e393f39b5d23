//! What a cluster has from its first moment.

use serde_json::json;

use crate::{
    cluster::Cluster,
    verbs::{Target, create, decode::Decoded},
};

const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Creates the namespaces every cluster has.
pub(crate) fn create(cluster: &Cluster) {
    let kinds = cluster.registry.kinds();
    let kind = kinds
        .find("", "v1", "namespaces")
        .expect("namespaces are built in");
    for name in NAMESPACES {
        let target = Target {
            kind: kind.clone(),
            namespace: String::new(),
            name: String::new(),
        };
        let value = json!({"metadata": {"name": name}});
        create::bootstrap(
            cluster,
            &target,
            Decoded {
                value,
                faults: Vec::new(),
            },
        )
        .expect("the store is empty and the names are valid");
    }
}
