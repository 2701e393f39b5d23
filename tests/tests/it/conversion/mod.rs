//! Objects of several versions, converted by an operator that the API server asks.

mod failures;
mod reading;
mod working;

use kopfrs::cause::ConversionCause;
use kopfrs::handler::Handler;
use kopfrs::prelude::*;
use kopfrs::resource::Selector;
use kopfrs::testing::{Cluster, OperatorHandle};
use kopfrs_tests::rest::Rest;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// The versions, and what each calls the one field of the spec. Objects are stored in the last one.
const FIELDS: [(&str, &str); 3] = [("v1alpha1", "count"), ("v1beta1", "amount"), ("v1", "size")];

type Call = Arc<Invocation<ConversionCause>>;

/// A kind that is one test's own: definitions say who converts, so they cannot be shared.
#[derive(Clone)]
pub(crate) struct Meters {
    pub(crate) group: String,
    cluster: Cluster,
    rest: Rest,
}

impl Meters {
    /// Defines the kind.
    pub(crate) async fn define(cluster: &Cluster) -> Self {
        let group = format!("{}.kopfrs.dev", cluster.namespace());
        let version = |(name, field): (&str, &str)| {
            let text = json!({"type": "string"});
            let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
            json!({
                "name": name, "served": true, "storage": name == "v1", "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {field: {"type": "integer"}, "note": text}},
                    "status": any,
                }}},
            })
        };
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("meters.{group}")},
            "spec": {
                "group": group, "scope": "Namespaced", "versions": FIELDS.map(version),
                "names": {"plural": "meters", "singular": "meter", "kind": "Meter"},
            },
        });
        cluster.apply(&definition.to_string()).await;
        Self {
            group,
            cluster: cluster.clone(),
            rest: Rest::new(cluster.client()),
        }
    }

    /// Starts an operator that converts, and waits until the API server asks it.
    pub(crate) async fn convert(&self, handlers: Registry) -> OperatorHandle {
        let handlers = handlers
            .add(self.conversion("v1alpha1", "v1beta1"))
            .add(self.conversion("v1beta1", "v1"))
            .add(self.conversion("v1", "v1beta1"))
            .add(self.conversion("v1beta1", "v1alpha1"));
        let setup = self.cluster.operator().handlers(handlers).webhooks();
        let operator = setup.start().await;
        self.until_converted().await;
        operator
    }

    fn conversion(&self, from: &'static str, to: &'static str) -> Handler<ConversionCause> {
        on::convert_of(self.selector("v1"))
            .from(from)
            .to(to)
            .id(format!("{from}-{to}"))
            .run(async move |call: Call| renamed(&call, field(from), field(to)))
    }

    pub(crate) fn selector(&self, version: &str) -> Selector {
        Selector::full(&self.group, version, "meters").unwrap()
    }

    /// An API server needs a moment until it asks whom it is told to.
    pub(crate) async fn until_converted(&self) {
        let probe = self.object("v1", "probe", 1);
        let made = self.rest.post(&self.path("v1", ""), &probe).await;
        assert!(
            matches!(&made, Ok(_) | Err(kube::Error::Api(_))),
            "the probe cannot be made: {made:?}"
        );
        let meters = self.clone();
        let what = "conversions by the operator";
        self.cluster
            .until(what, async move || {
                let seen = meters.read("v1alpha1", "probe").await;
                seen.is_ok_and(|seen| seen["spec"]["count"] == 1)
            })
            .await;
        self.rest
            .delete(&self.path("v1", "probe"), None)
            .await
            .unwrap();
    }

    pub(crate) fn path(&self, version: &str, name: &str) -> String {
        let (group, namespace) = (&self.group, self.cluster.namespace());
        let path = format!("/apis/{group}/{version}/namespaces/{namespace}/meters/{name}");
        path.trim_end_matches('/').to_owned()
    }

    pub(crate) fn object(&self, version: &str, name: &str, value: i64) -> Value {
        let mut spec = json!({});
        spec[field(version)] = json!(value);
        json!({
            "apiVersion": format!("{}/{version}", self.group), "kind": "Meter",
            "metadata": {"name": name}, "spec": spec,
        })
    }

    async fn create(&self, version: &str, name: &str, value: i64) -> Result<Value, kube::Error> {
        let object = self.object(version, name, value);
        self.rest.post(&self.path(version, ""), &object).await
    }

    async fn read(&self, version: &str, name: &str) -> Result<Value, kube::Error> {
        self.rest.send("GET", &self.path(version, name), None).await
    }

    async fn merge(&self, version: &str, name: &str, patch: Value) -> Result<Value, kube::Error> {
        self.rest.merge(&self.path(version, name), &patch).await
    }

    /// Takes the definition away: on a cluster that is shared, nobody else has a use for it.
    pub(crate) async fn remove(&self) {
        let path = format!("{DEFINITIONS}/meters.{}", self.group);
        self.rest.delete(&path, None).await.unwrap();
    }
}

pub(crate) fn field(version: &str) -> &'static str {
    let found = FIELDS.iter().find(|(name, _)| *name == version);
    found.expect("a version of meters").1
}

/// Renames the field of the spec; what is broken on purpose is not converted.
fn renamed(call: &Call, from: &str, to: &str) -> Result<Value> {
    let mut object = (*call.cause.object).clone();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if name.starts_with("broken") {
        return Err(format!("{name} is broken").into());
    }
    if let Some(spec) = object["spec"].as_object_mut() {
        let value = spec.remove(from);
        spec.extend(value.map(|value| (to.to_owned(), value)));
    }
    Ok(object)
}

/// The code and the message of a refusal.
fn refusal(result: Result<Value, kube::Error>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.message.clone()),
        other => panic!("it should have been refused: {other:?}"),
    }
}
