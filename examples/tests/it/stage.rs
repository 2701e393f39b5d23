//! Where an example is run: a namespace of its own, with the kind that it handles.

use kopfrs_tests::backend::{Cluster, Namespace};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

use crate::program::{Program, until};

/// A namespace with an example in it.
pub(crate) struct Stage {
    pub(crate) cluster: &'static Cluster,
    pub(crate) namespace: Namespace,
    api: Api<DynamicObject>,
}

impl Stage {
    /// Installs a kind, and makes room for an example.
    pub(crate) async fn new(definition: &str, kind: &GroupVersionKind) -> Self {
        let cluster = Cluster::get();
        let definition: Value = serde_saphyr::from_str(definition).unwrap();
        let plural = definition["spec"]["names"]["plural"]
            .as_str()
            .unwrap()
            .to_owned();
        cluster.install(&[definition]).await;
        let namespace = cluster.namespace("example").await;
        let resource = ApiResource::from_gvk_with_plural(kind, &plural);
        let api = Api::namespaced_with(cluster.client(), namespace.name(), &resource);
        Self {
            cluster,
            namespace,
            api,
        }
    }

    pub(crate) fn start(&self, program: &str) -> Program {
        Program::start(program, self.cluster.kubeconfig(), self.namespace.name())
    }

    /// Creates an object of a manifest in the namespace of the example.
    pub(crate) async fn create(&self, manifest: &str) {
        let mut object: DynamicObject = serde_saphyr::from_str(manifest).unwrap();
        object.metadata.namespace = Some(self.namespace.name().to_owned());
        self.api
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
    }

    pub(crate) async fn merge(&self, name: &str, patch: Value) {
        self.api
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .unwrap();
    }

    pub(crate) async fn get(&self, name: &str) -> Option<Value> {
        let found = self.api.get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    /// Deletes an object, and waits until it is gone.
    pub(crate) async fn delete(&self, name: &str) {
        self.api
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
        until("the end of the object", || async {
            self.get(name).await.is_none()
        })
        .await;
    }
}

/// A kind in version `v1`.
pub(crate) fn kind(group: &str, kind: &str) -> GroupVersionKind {
    GroupVersionKind::gvk(group, "v1", kind)
}
