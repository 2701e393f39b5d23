//! Reviews of requests: what somebody is about to do to an object, and who.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{Body, Diff, Patch};
use crate::resource::Resource;

/// What is about to be done to an object.
///
/// # Examples
/// ```
/// use kopfrs::cause::Operation;
///
/// assert_eq!("CREATE".parse(), Ok(Operation::Create));
/// assert_eq!(Operation::Delete.to_string(), "DELETE");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// It is created.
    Create,
    /// It is updated or patched.
    Update,
    /// It is deleted.
    Delete,
    /// Somebody connects to it: `exec`, `proxy`.
    Connect,
}

/// A text names no operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no operation; write CREATE, UPDATE, DELETE or CONNECT")]
pub struct UnknownOperation(String);

impl Operation {
    /// As the API names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Operation {
    type Err = UnknownOperation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Create, Self::Update, Self::Delete, Self::Connect];
        let found = all.into_iter().find(|operation| operation.as_str() == text);
        found.ok_or_else(|| UnknownOperation(text.to_owned()))
    }
}

/// Who sends the request that is reviewed.
///
/// # Examples
/// ```
/// use kopfrs::cause::UserInfo;
///
/// let user: UserInfo = serde_json::from_str(r#"{"username": "jane", "groups": ["devs"]}"#)?;
/// assert!(user.is_in("devs"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UserInfo {
    /// The name: `system:serviceaccount:default:builder`.
    pub username: String,
    /// What tells users of one name apart, if the authenticator knows it.
    pub uid: String,
    /// The groups that the user is in.
    pub groups: Vec<String>,
    /// Whatever else the authenticator tells.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl UserInfo {
    /// Whether the user is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }
}

/// The headers of the HTTP request that has brought the review; names are in lower case.
///
/// # Examples
/// ```
/// use kopfrs::cause::Headers;
///
/// let headers = Headers::from_iter([("User-Agent", "kube-apiserver-admission")]);
/// assert_eq!(headers.get("user-agent"), Some("kube-apiserver-admission"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Arc<BTreeMap<String, String>>);

impl Headers {
    /// The value of a header, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// All headers in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(headers: I) -> Self {
        let lower = |(name, value): (K, V)| (name.as_ref().to_ascii_lowercase(), value.into());
        Self(Arc::new(headers.into_iter().map(lower).collect()))
    }
}

/// The certificate by which the API server has proved who it is, if it was asked to.
///
/// # Examples
/// ```
/// use kopfrs::cause::SslPeer;
///
/// assert!(SslPeer::default().certificate().is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SslPeer(Option<Arc<Peer>>);

#[derive(Debug, PartialEq, Eq)]
struct Peer {
    certificate: Vec<u8>,
    subject: String,
    common_name: Option<String>,
}

impl SslPeer {
    /// A peer with a verified certificate, in DER, and what that says of its subject.
    pub fn new(certificate: Vec<u8>, subject: String, common_name: Option<String>) -> Self {
        Self(Some(Arc::new(Peer {
            certificate,
            subject,
            common_name,
        })))
    }

    /// The certificate in DER; it has been verified.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.0.as_deref().map(|peer| &*peer.certificate)
    }

    /// Whom it names: `CN=kube-apiserver, O=system:masters`.
    pub fn subject(&self) -> Option<&str> {
        self.0.as_deref().map(|peer| &*peer.subject)
    }

    /// The common name in the subject.
    pub fn common_name(&self) -> Option<&str> {
        self.0.as_deref()?.common_name.as_deref()
    }
}

/// What the sender of the request is warned about: `kubectl` shows it, whether the request is let through or not.
///
/// A cheap handle: clones share the warnings.
///
/// # Examples
/// ```
/// use kopfrs::cause::Warnings;
///
/// let warnings = Warnings::default();
/// warnings.push("spec.size is deprecated");
/// assert_eq!(warnings.all(), ["spec.size is deprecated"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Adds a warning.
    pub fn push(&self, warning: impl Into<String>) {
        let mut warnings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.push(warning.into());
    }

    /// All warnings so far.
    pub fn all(&self) -> Vec<String> {
        let warnings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.clone()
    }
}

/// Somebody is about to do something to an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdmissionCause {
    /// The kind of the object.
    pub resource: Arc<Resource>,
    /// The object as it is to be; of deletions, as it is.
    pub body: Body,
    /// What is about to be done.
    pub operation: Operation,
    /// The subresource that is concerned: `status`, `scale`.
    pub subresource: Option<Arc<str>>,
    /// Whether nothing is going to be stored: then nothing may be changed elsewhere either.
    pub dryrun: bool,
    /// The whole object as it is; `None` for creations.
    pub old: Option<Arc<Value>>,
    /// The whole object as it is to be; `None` for deletions.
    pub new: Option<Arc<Value>>,
    /// The difference between both.
    pub diff: Arc<Diff>,
    /// Changes to the object before it is stored, by `on::mutate`.
    pub patch: Patch,
    /// Who asks for it.
    pub userinfo: Arc<UserInfo>,
    /// What that user is warned about.
    pub warnings: Warnings,
    /// How the review has come.
    pub headers: Headers,
    /// Who has brought it.
    pub sslpeer: SslPeer,
}

impl AdmissionCause {
    /// A review of an operation that leads from one state of an object to another.
    pub fn new(
        resource: Arc<Resource>,
        operation: Operation,
        (old, new): (Option<Value>, Option<Value>),
    ) -> Self {
        let null = Value::Null;
        let diff = Diff::of(old.as_ref().unwrap_or(&null), new.as_ref().unwrap_or(&null));
        let body = Body::new(new.clone().or_else(|| old.clone()).unwrap_or_default());
        Self {
            resource,
            body,
            operation,
            subresource: None,
            dryrun: false,
            old: old.map(Arc::new),
            new: new.map(Arc::new),
            diff: Arc::new(diff),
            patch: Patch::new(),
            userinfo: Arc::default(),
            warnings: Warnings::default(),
            headers: Headers::default(),
            sslpeer: SslPeer::default(),
        }
    }
}
