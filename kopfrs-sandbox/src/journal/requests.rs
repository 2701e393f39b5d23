//! Recorded requests and selections of them.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::SystemTime,
};

use bytes::Bytes;
use serde_json::Value;

use super::On;
use crate::http::request::RequestInfo;

/// One recorded request.
pub struct Request {
    pub(super) number: u64,
    pub(super) time: SystemTime,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) info: RequestInfo,
    pub(super) user_agent: String,
    pub(super) content_type: String,
    pub(super) body: Option<Bytes>,
    pub(super) bytes_in: u64,
    pub(super) user: OnceLock<String>,
    pub(super) fault: OnceLock<String>,
    pub(super) outcome: OnceLock<(u16, Option<u64>)>,
    pub(super) bytes_out: AtomicU64,
    pub(super) is_open: AtomicBool,
}

impl Request {
    /// The number of this request in its sandbox, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// When it came, by the sandbox's clock (which pauses with tokio's).
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// The HTTP method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as it was sent.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub fn verb(&self) -> &str {
        self.info.verb
    }

    /// The API group, empty for the core group and for paths that are no resources.
    pub fn group(&self) -> &str {
        &self.info.group
    }

    /// The plural of the resource, empty for paths that are none.
    pub fn resource(&self) -> &str {
        &self.info.resource
    }

    /// The subresource, such as `status`; empty for the object itself.
    pub fn subresource(&self) -> &str {
        &self.info.subresource
    }

    /// The namespace, empty for cluster-wide requests.
    pub fn namespace(&self) -> &str {
        &self.info.namespace
    }

    /// The name, empty for collections and creates.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// The `User-Agent` header.
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }

    /// The name of the user; empty for those who are not known, and before it has been found out.
    pub fn user(&self) -> &str {
        self.user.get().map(String::as_str).unwrap_or_default()
    }

    /// The `Content-Type` header.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The body, of JSON or YAML; `None` when there was none, it was neither, or too big to be kept (1 MiB).
    pub fn body(&self) -> Option<Value> {
        let body = self.body.as_ref()?;
        let json = serde_json::from_slice(body).ok();
        json.or_else(|| {
            let is_yaml = self.content_type.contains("yaml");
            is_yaml.then(|| crate::yaml::read(body).ok())?
        })
    }

    /// The bytes that are kept of it.
    pub(super) fn size(&self) -> usize {
        let body = self.body.as_ref().map_or(0, Bytes::len);
        body + self.path.len() + self.query.len() + self.user_agent.len() + self.content_type.len()
    }

    /// The beginning of the body, for messages.
    pub(super) fn body_excerpt(&self) -> Option<String> {
        const LENGTH: usize = 200;
        let body = self.body.as_ref()?;
        let excerpt = String::from_utf8_lossy(&body[..body.len().min(LENGTH)]);
        let printable: String = excerpt
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let more = if body.len() > LENGTH { "..." } else { "" };
        Some(format!("{printable}{more}"))
    }

    /// The bytes of its body.
    pub fn request_bytes(&self) -> u64 {
        self.bytes_in
    }

    /// The bytes of the answer's body that have been handed out so far.
    pub fn response_bytes(&self) -> u64 {
        self.bytes_out.load(Ordering::Relaxed)
    }

    /// Whether the answer is still to come, or still being sent: watches are open for long.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// What has been injected into it, in words; `None` if it went its usual way.
    pub fn fault(&self) -> Option<&str> {
        self.fault.get().map(String::as_str)
    }

    /// The status code of the answer; `None` while there is none, and when the connection broke before.
    pub fn status(&self) -> Option<u16> {
        self.outcome.get().map(|(status, _)| *status)
    }

    /// The resource version of the answer, if it had one.
    pub fn resource_version(&self) -> Option<u64> {
        self.outcome.get().and_then(|(_, version)| *version)
    }

    /// Whether this creates, changes or deletes.
    pub fn is_write(&self) -> bool {
        self.info.is_resource
            && matches!(
                self.info.verb,
                "create" | "update" | "patch" | "delete" | "deletecollection"
            )
    }

    /// The name of the object, which for a create is in the body.
    pub(crate) fn object_name(&self) -> Option<String> {
        if self.info.verb == "create" && self.info.name.is_empty() {
            return Some(self.body()?["metadata"]["name"].as_str()?.to_owned());
        }
        Some(self.info.name.clone())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {}", self.number, self.method, self.path)?;
        if !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        match self.status() {
            Some(status) => write!(f, " -> {status}")?,
            None => f.write_str(" -> ?")?,
        }
        match self.fault() {
            Some(fault) => write!(f, " ({fault})"),
            None => Ok(()),
        }
    }
}

/// A selection of recorded requests, oldest first. It reads like a slice.
#[derive(Debug, Clone, Default)]
pub struct Requests(Vec<Arc<Request>>);

impl Requests {
    /// Those a condition holds for.
    pub fn matching(&self, condition: impl Fn(&Request) -> bool) -> Self {
        self.0
            .iter()
            .filter(|request| condition(request))
            .cloned()
            .collect()
    }

    /// Those that a selection is for, which may be that of a [`Rule`](crate::fault::Rule).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use kopfrs_sandbox::{On, Sandbox};
    ///
    /// let journal = Sandbox::new().journal();
    /// let conflicts = journal.requests().on(&On::writes().resource("demos")).status(409);
    /// assert!(conflicts.is_empty());
    /// # }
    /// ```
    pub fn on(&self, on: &On) -> Self {
        self.matching(|request| on.matches(request))
    }

    /// Those that a fault has struck.
    pub fn disturbed(&self) -> Self {
        self.matching(|request| request.fault().is_some())
    }

    /// Those that create, change or delete.
    pub fn writes(&self) -> Self {
        self.matching(Request::is_write)
    }

    /// Those of a verb.
    pub fn verb(&self, verb: &str) -> Self {
        self.matching(|request| request.verb() == verb)
    }

    /// Those of a user.
    pub fn user(&self, name: &str) -> Self {
        self.matching(|request| request.user() == name)
    }

    /// Those answered with a status code.
    pub fn status(&self, code: u16) -> Self {
        self.matching(|request| request.status() == Some(code))
    }

    /// Those whose answers are still being sent.
    pub fn open(&self) -> Self {
        self.matching(Request::is_open)
    }

    /// Those about a resource, named by its plural.
    pub fn resource(&self, plural: &str) -> Self {
        self.matching(|request| request.resource() == plural)
    }

    /// Those about one object: plural, namespace (empty for cluster-scoped ones) and name. Creates count by the name in
    /// their body.
    pub fn for_object(&self, resource: &str, namespace: &str, name: &str) -> Self {
        self.matching(|request| {
            request.resource() == resource
                && request.namespace() == namespace
                && request.object_name().is_some_and(|own| own == name)
        })
    }

    /// The number of requests of a verb.
    pub fn count(&self, verb: &str) -> usize {
        self.0
            .iter()
            .filter(|request| request.verb() == verb)
            .count()
    }
}

impl Deref for Requests {
    type Target = [Arc<Request>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<Arc<Request>> for Requests {
    fn from_iter<I: IntoIterator<Item = Arc<Request>>>(requests: I) -> Self {
        Self(requests.into_iter().collect())
    }
}

impl IntoIterator for Requests {
    type Item = Arc<Request>;
    type IntoIter = std::vec::IntoIter<Arc<Request>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
