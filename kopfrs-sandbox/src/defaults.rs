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
        let decoded = Decoded {
            value,
            faults: Vec::new(),
        };
        match create::bootstrap(cluster, &target, decoded) {
            Ok(_) => {}
            // In a state that was restored.
            Err(error) if error.is_already_exists() => {}
            Err(error) => unreachable!("namespaces with valid names are accepted: {error}"),
        }
    }
}
