//! An operator and its tests: of a handler, which is a function, and of the whole operator, which needs no cluster.

use kopfrs::prelude::*;

#[on::create("kopfexamples")]
fn create_fn(spec: &Value, name: &str) -> Value {
    info!("{name} is created with {}", spec["field"]);
    json!({ "message": format!("hello, {name}") })
}

#[on::delete("kopfexamples")]
fn delete_fn(name: &str) {
    info!("{name} is deleted");
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use kopfrs::testing::Cluster;

    use super::*;

    #[test]
    fn who_is_created_is_greeted() {
        let result = create_fn(&json!({ "field": "value" }), "a");
        assert_eq!(result["message"], "hello, a");
    }

    /// On a sandbox, or with `USE_EXISTING_CLUSTER=true` on the cluster of `KUBECONFIG`.
    #[kopfrs::test]
    async fn objects_come_and_go(cluster: Cluster) {
        cluster.apply(include_str!("../manifests/crd.yaml")).await;
        let examples = cluster.kind("kopfexamples.kopf.dev").await;
        // The handlers of this file; there may be others in the program.
        let module = module_path!().trim_end_matches("::tests");
        let setup = cluster.operator().handlers(Registry::module(module));
        let operator = setup.start().await;

        let created = examples
            .create_from("{metadata: {name: a}, spec: {field: value}}")
            .await;
        assert_eq!(created["metadata"]["name"], "a");
        operator.until_settled().await;
        let object = examples.get("a").await;
        assert_eq!(object["status"]["create_fn"]["message"], "hello, a");
        examples.delete("a").await;
        examples.until_gone("a").await;

        operator.stop().await;
        assert_eq!(operator.calls().ids(), ["create_fn", "delete_fn"]);
        let log = operator.log();
        assert!(log.contains("a is created with \"value\""), "{log}");
        assert!(log.contains("a is deleted"), "{log}");
    }
}
