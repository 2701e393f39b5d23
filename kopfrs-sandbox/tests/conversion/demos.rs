//! A kind of three versions, each with another name for the same field, and the webhook that converts between them.

use std::sync::{Arc, Mutex};

use http::{Method, Request};
use kopfrs_sandbox::Sandbox;
use kube::Client;
use serde_json::{Value, json};

use crate::server::Webhooks;

/// The versions, and what each calls the field.
const FIELDS: [(&str, &str); 3] = [("v1alpha1", "count"), ("v1beta1", "amount"), ("v1", "size")];

pub(crate) fn field(version: &str) -> &'static str {
    let found = FIELDS.iter().find(|(name, _)| *name == version);
    found.expect("a version of demos").1
}

/// What the webhook does instead of converting: gets the request, gives the response.
pub(crate) type Instead = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// A sandbox with the definition.
pub(crate) struct Demos {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) webhooks: Webhooks,
    instead: Arc<Mutex<Option<Instead>>>,
}

impl Demos {
    /// Objects are stored in v1.
    pub(crate) async fn start() -> Self {
        Self::on(Sandbox::new()).await
    }

    pub(crate) async fn on(sandbox: Sandbox) -> Self {
        let instead: Arc<Mutex<Option<Instead>>> = Arc::default();
        let asked = instead.clone();
        let webhooks = Webhooks::start("127.0.0.1", move |_, request| {
            let instead = asked.lock().expect("no panic").clone();
            instead.map_or_else(|| good(request), |instead| instead(request))
        });
        let demos = Self {
            client: sandbox.client(),
            webhooks: webhooks.await,
            sandbox,
            instead,
        };
        demos.define("v1").await;
        demos
    }

    /// Defines them, stored in a version.
    pub(crate) async fn define(&self, stored: &str) {
        let text = definition(stored, &self.webhooks.at("/convert")).to_string();
        self.sandbox.apply_yaml(&text).await.expect("a definition");
    }

    /// Makes the webhook do something else than converting.
    pub(crate) fn instead(&self, instead: impl Fn(&Value) -> Value + Send + Sync + 'static) {
        *self.instead.lock().expect("no panic") = Some(Arc::new(instead));
    }

    pub(crate) fn fail(&self) {
        self.instead(|_| json!({"result": {"status": "Failure", "message": "I will not"}}));
    }

    pub(crate) fn convert_again(&self) {
        *self.instead.lock().expect("no panic") = None;
    }

    /// What the webhook was asked since the last time: from which version to which, and how many.
    pub(crate) fn asked(&self) -> Vec<String> {
        let describe = |(_, request): (String, Value)| {
            let objects = request["objects"].as_array().expect("objects");
            let from = short(&objects[0]["apiVersion"]);
            let to = short(&request["desiredAPIVersion"]);
            format!("{from}>{to} {}", objects.len())
        };
        self.webhooks.take().into_iter().map(describe).collect()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let media = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        send(&self.client, (method, media), path, body).await
    }

    pub(crate) async fn get(&self, version: &str, name: &str) -> Value {
        self.send(Method::GET, &path(version, name), None).await
    }

    pub(crate) async fn create(&self, version: &str, name: &str, value: i64) -> Value {
        let object = demo(version, name, value);
        self.send(Method::POST, &path(version, ""), Some(&object))
            .await
    }

    pub(crate) async fn patch(&self, version: &str, name: &str, patch: &Value) -> Value {
        self.send(Method::PATCH, &path(version, name), Some(patch))
            .await
    }

    /// Applies a configuration as a manager.
    pub(crate) async fn apply(
        &self,
        version: &str,
        (manager, query): (&str, &str),
        value: i64,
    ) -> Value {
        let path = format!("{}?fieldManager={manager}{query}", path(version, "a"));
        let media = "application/apply-patch+yaml";
        let object = demo(version, "a", value);
        send(&self.client, (Method::PATCH, media), &path, Some(&object)).await
    }
}

async fn send(
    client: &Client,
    (method, media): (Method, &str),
    path: &str,
    body: Option<&Value>,
) -> Value {
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, media)
        .header(http::header::USER_AGENT, "tests")
        .body(body.into_bytes())
        .expect("a request");
    match client.request::<Value>(request).await {
        Ok(value) => value,
        Err(kube::Error::Api(status)) => serde_json::to_value(*status).expect("a status"),
        Err(error) => panic!("{error}"),
    }
}

fn short(api_version: &Value) -> &str {
    let text = api_version.as_str().expect("an apiVersion");
    text.rsplit('/').next().expect("a version")
}

/// The path of a demo, or of all.
pub(crate) fn path(version: &str, name: &str) -> String {
    let path = format!("/apis/conv.test/{version}/namespaces/default/demos/{name}");
    path.trim_end_matches('/').to_owned()
}

pub(crate) fn demo(version: &str, name: &str, value: i64) -> Value {
    let mut spec = json!({});
    spec[field(version)] = json!(value);
    json!({
        "apiVersion": format!("conv.test/{version}"), "kind": "Demo",
        "metadata": {"name": name}, "spec": spec,
    })
}

/// The converted objects of a request.
pub(crate) fn converted(request: &Value) -> Vec<Value> {
    let to = request["desiredAPIVersion"].clone();
    let convert = |object: &Value| {
        let mut object = object.clone();
        let from = short(&object["apiVersion"]).to_owned();
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.remove(&format!("only{from}"));
            let value = spec.remove(field(&from));
            spec.extend(value.map(|value| (field(short(&to)).to_owned(), value)));
        }
        object["apiVersion"] = to.clone();
        object
    };
    let objects = request["objects"].as_array().expect("objects");
    objects.iter().map(convert).collect()
}

pub(crate) fn good(request: &Value) -> Value {
    json!({"result": {"status": "Success"}, "convertedObjects": converted(request)})
}

pub(crate) fn definition(stored: &str, client: &Value) -> Value {
    let version = |(name, field): (&str, &str)| {
        let only = format!("only{name}");
        let mut spec = json!({"type": "object", "properties": {
            field: {"type": "integer", "minimum": 0},
            &only: {"type": "string"},
        }});
        if name != "v1beta1" {
            spec["properties"][&only]["default"] = json!("yes");
        }
        let status = json!({"type": "object", "properties": {
            "phase": {"type": "string"}, "replicas": {"type": "integer"},
        }});
        json!({
            "name": name, "served": true, "storage": name == stored,
            "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": spec, "status": status},
            }},
            "subresources": {"status": {}, "scale": {
                "specReplicasPath": format!(".spec.{field}"), "statusReplicasPath": ".status.replicas",
            }},
            "additionalPrinterColumns": [{"name": "Value", "type": "integer", "jsonPath": format!(".spec.{field}")}],
            "selectableFields": [{"jsonPath": format!(".spec.{field}")}],
        })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "demos.conv.test"},
        "spec": {
            "group": "conv.test", "scope": "Namespaced", "names": {"plural": "demos", "kind": "Demo"},
            "versions": FIELDS.map(version),
            "conversion": {"strategy": "Webhook", "webhook": {
                "conversionReviewVersions": ["v1"], "clientConfig": client,
            }},
        },
    })
}

pub(crate) fn message(answer: &Value) -> &str {
    answer["message"].as_str().unwrap_or_default()
}
