//! Plain requests with paths: what objects of any kind are made, read and changed by.

use http::{Request, header};
use kube::Client;
use serde::Serialize;
use serde_json::{Value, json};

/// Requests of one client.
#[derive(Clone)]
pub(super) struct Rest {
    client: Client,
}

/// What is sent: its media type, and its content.
type Content<'a> = (&'a str, Vec<u8>);

impl Rest {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Reads; `None` if there is nothing.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Value>, kube::Error> {
        match self.send("GET", path, None).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates.
    pub(super) async fn post(
        &self,
        path: &str,
        object: &impl Serialize,
    ) -> Result<Value, kube::Error> {
        let object = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
        self.send("POST", path, Some(("application/json", object)))
            .await
    }

    /// Merges something into an object.
    pub(super) async fn merge(&self, path: &str, patch: &Value) -> Result<Value, kube::Error> {
        let content = (
            "application/merge-patch+json",
            patch.to_string().into_bytes(),
        );
        self.send("PATCH", path, Some(content)).await
    }

    /// Deletes, what the object owns after it. Tells whether it was there.
    pub(super) async fn delete(&self, path: &str) -> Result<bool, kube::Error> {
        let options =
            json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"});
        let content = ("application/json", options.to_string().into_bytes());
        match self.send("DELETE", path, Some(content)).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        content: Option<Content<'_>>,
    ) -> Result<Value, kube::Error> {
        let mut request = Request::builder().method(method).uri(path);
        let mut body = Vec::new();
        if let Some((media_type, content)) = content {
            request = request.header(header::CONTENT_TYPE, media_type);
            body = content;
        }
        let request = request.body(body).map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }
}
