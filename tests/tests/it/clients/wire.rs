//! Requests with all their headers, and whole answers.

use http::{Request, Response, StatusCode};
use kopfrs::testing::Cluster;
use kube::client::Body;
use serde_json::Value;

/// One request, as a client sends it.
pub(super) struct Sent<'a> {
    pub(super) method: &'a str,
    pub(super) path: String,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: Vec<u8>,
}

impl<'a> Sent<'a> {
    pub(super) fn new(method: &'a str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: &[],
            body: Vec::new(),
        }
    }

    pub(super) fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// Sends it; the stream of the answer is not read.
    pub(super) async fn open(self, cluster: &Cluster) -> Response<Body> {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(self.body)).expect("a request");
        cluster.client().send(request).await.expect("an answer")
    }

    /// Sends it and reads the whole answer.
    pub(super) async fn send(self, cluster: &Cluster) -> (StatusCode, Value) {
        let what = format!("{} {}", self.method, self.path);
        let answer = self.open(cluster).await;
        let status = answer.status();
        let bytes = answer.into_body().collect_bytes().await.expect("a body");
        let value = serde_json::from_slice(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        (status, value.unwrap_or_else(|_| panic!("{what}: {text}")))
    }

    /// Sends it and expects success.
    pub(super) async fn ok(self, cluster: &Cluster) -> Value {
        let what = format!("{} {}", self.method, self.path);
        let (status, value) = self.send(cluster).await;
        assert!(status.is_success(), "{what}: {value}");
        value
    }
}
