//! Plain requests: tests say what goes over the wire, and see what comes back.

use std::time::Duration;

use kube::Client;
use kube::core::Status;
use serde::Deserialize;
use serde_json::{Value, json};

/// A kind, as paths name it.
#[derive(Clone, Debug, Deserialize)]
pub struct Kind {
    /// The group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The plural name.
    pub plural: String,
    /// The name of the kind.
    pub kind: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

/// Requests to the API.
#[derive(Clone)]
pub struct Rest {
    client: Client,
}

/// How often a definition is looked at until it is served.
const PATIENCE: usize = 200;

impl Kind {
    /// `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The path of all its objects in a namespace; of cluster-scoped kinds the namespace is ignored.
    pub fn path(&self, namespace: &str) -> String {
        let api_version = self.api_version();
        let root = if self.group.is_empty() { "api" } else { "apis" };
        let plural = &self.plural;
        if self.namespaced {
            format!("/{root}/{api_version}/namespaces/{namespace}/{plural}")
        } else {
            format!("/{root}/{api_version}/{plural}")
        }
    }
}

impl Rest {
    /// Requests of a client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Reads; `None` if there is nothing.
    ///
    /// # Errors
    /// Whatever else the server says.
    pub async fn get(&self, path: &str) -> Result<Option<Value>, kube::Error> {
        match self.send("GET", path, None).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates.
    ///
    /// # Errors
    /// Whatever the server says.
    pub async fn post(&self, path: &str, object: &Value) -> Result<Value, kube::Error> {
        let content = ("application/json", object.clone());
        self.send("POST", path, Some(content)).await
    }

    /// Patches with a merge patch.
    ///
    /// # Errors
    /// Whatever the server says.
    pub async fn merge(&self, path: &str, patch: &Value) -> Result<Value, kube::Error> {
        let content = ("application/merge-patch+json", patch.clone());
        self.send("PATCH", path, Some(content)).await
    }

    /// Patches with a JSON patch.
    ///
    /// # Errors
    /// Whatever the server says.
    pub async fn json(&self, path: &str, patch: &Value) -> Result<Value, kube::Error> {
        let content = ("application/json-patch+json", patch.clone());
        self.send("PATCH", path, Some(content)).await
    }

    /// Deletes in the background; what is not there is fine.
    ///
    /// # Errors
    /// Whatever else the server says.
    pub async fn delete(&self, path: &str, grace: Option<u32>) -> Result<(), kube::Error> {
        let mut options = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
        });
        if let Some(grace) = grace {
            options["gracePeriodSeconds"] = json!(grace);
        }
        let content = ("application/json", options);
        match self.send("DELETE", path, Some(content)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Installs a CustomResourceDefinition, and waits until it is served.
    ///
    /// # Panics
    /// If that does not succeed.
    pub async fn install(&self, definition: &Value) {
        const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let name = definition["metadata"]["name"].as_str().unwrap_or_default();
        match self.post(PATH, definition).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if is_there(&status) => {}
            Err(error) => panic!("{name} cannot be installed: {error}"),
        }
        for _ in 0..PATIENCE {
            let present = self.get(&format!("{PATH}/{name}")).await.ok().flatten();
            let conditions = present.unwrap_or_default()["status"]["conditions"].take();
            let is_served = conditions.as_array().is_some_and(|conditions| {
                conditions
                    .iter()
                    .any(|c| c["type"] == "Established" && c["status"] == "True")
            });
            if is_served {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} is not served");
    }

    /// Sends anything.
    ///
    /// # Errors
    /// Whatever the server says.
    ///
    /// # Panics
    /// If the path is none.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        content: Option<(&str, Value)>,
    ) -> Result<Value, kube::Error> {
        let mut request = http::Request::builder().method(method).uri(path);
        let body = match content {
            Some((content_type, body)) => {
                request = request.header(http::header::CONTENT_TYPE, content_type);
                body.to_string().into_bytes()
            }
            None => Vec::new(),
        };
        let request = request
            .body(body)
            .expect("paths and content types of tests are valid");
        self.client.request(request).await
    }
}

fn is_there(status: &Status) -> bool {
    status.code == 409
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rest")
    }
}
