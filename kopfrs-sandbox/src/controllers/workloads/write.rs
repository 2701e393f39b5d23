//! Writing as a controller does: through the same rules as requests, and through webhooks.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    controllers::{Outcome, caller},
    error::ApiError,
    object::{Object, fields_mut, meta},
    registry::Kind,
    strategy::Part,
    verbs::{
        Target, WriteOptions, Written, create,
        decode::Decoded,
        delete::{DeleteOptions, Propagation},
        update,
    },
};

/// The field manager of all controllers of a cluster.
const MANAGER: &str = "kube-controller-manager";

/// A controller that writes: its service account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Controller(pub(super) &'static str);

fn kind(cluster: &Cluster, resource: &str) -> Arc<Kind> {
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    let kinds = cluster.registry.kinds();
    let kind = kinds.find(group, "v1", plural);
    kind.expect("workloads are built in").clone()
}

impl Controller {
    fn options(self, subresource: &str) -> WriteOptions {
        WriteOptions {
            manager: MANAGER.to_owned(),
            subresource: subresource.to_owned(),
            caller: Some(caller(self.0)),
            given: json!({}),
            ..WriteOptions::default()
        }
    }

    pub(super) async fn create(
        self,
        cluster: &Cluster,
        resource: &str,
        value: Value,
    ) -> Result<Arc<Object>, ApiError> {
        let target = Target {
            kind: kind(cluster, resource),
            namespace: meta(&value, "namespace").to_owned(),
            name: String::new(),
        };
        let decoded = Decoded {
            value,
            faults: Vec::new(),
        };
        let written = create::create(cluster, &target, decoded, &self.options("")).await?;
        Ok(written.object)
    }

    /// Changes an object, or (`Part::Status`) its status; that it is gone is fine.
    pub(super) async fn change(
        self,
        cluster: &Cluster,
        (resource, part): (&str, Part),
        object: &Value,
        change: impl Fn(&mut Value),
    ) -> Result<(), ApiError> {
        let target = Target {
            kind: kind(cluster, resource),
            namespace: meta(object, "namespace").to_owned(),
            name: meta(object, "name").to_owned(),
        };
        let subresource = match part {
            Part::Status => "status",
            Part::Main | Part::Finalize => "",
        };
        let options = self.options(subresource);
        let method = update::Method::Patch;
        let result: Result<Written, ApiError> =
            update::update(cluster, &target, part, method, &options, |current| {
                let mut value = current.clone();
                let fields = fields_mut(&mut value);
                fields.remove("apiVersion");
                fields.remove("kind");
                // Another object of the same name is none of ours.
                if meta(&value, "uid") == meta(object, "uid") {
                    change(&mut value);
                }
                Ok(Decoded {
                    value,
                    faults: Vec::new(),
                })
            })
            .await;
        match result {
            Err(error) if error.code != 404 => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub(super) async fn delete(self, cluster: &Cluster, resource: &str, object: &Value) -> Outcome {
        let uid = Some(meta(object, "uid").to_owned());
        let options = DeleteOptions {
            propagation: Some(Propagation::Background),
            given: json!({"preconditions": {"uid": uid}}),
            uid,
            caller: Some(caller(self.0)),
            ..DeleteOptions::default()
        };
        let kind = kind(cluster, resource);
        crate::controllers::delete(cluster, &kind, object, &options).await
    }
}
