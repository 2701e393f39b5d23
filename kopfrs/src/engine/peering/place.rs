//! Where peers meet: which kinds there are for it, and the requests to one such object.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Peer;
use crate::api::{ApiError, Connection, Failure, LineReader, Payload, Target};
use crate::resource::Resource;

/// The groups of the peering kinds; the second one is that of older versions of Kopf.
const GROUPS: [&str; 2] = ["kopf.dev", "zalando.org"];

/// One peering object, whether it is there or not.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) resource: Arc<Resource>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

/// A peering object as it is, and from which version on to watch it.
pub(super) struct Seen {
    /// Its entries; `None` if it is not there.
    pub(super) entries: Option<Map<String, Value>>,
    pub(super) version: String,
}

#[derive(Deserialize)]
struct List {
    metadata: ListMeta,
    #[serde(default)]
    items: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
}

/// Whether peers meet in objects of a kind: in those of the cluster, or in those of namespaces.
pub(crate) fn is_peering(resource: &Resource, is_clusterwide: bool) -> bool {
    let plural = if is_clusterwide {
        "clusterkopfpeerings"
    } else {
        "kopfpeerings"
    };
    resource.plural == plural
        && GROUPS.contains(&&*resource.group)
        && resource.version == "v1"
        && resource.namespaced != is_clusterwide
}

/// The entries of a peering object.
pub(super) fn entries(object: &Value) -> Map<String, Value> {
    object["status"].as_object().cloned().unwrap_or_default()
}

impl Place {
    fn collection(&self) -> String {
        self.resource.path(self.namespace.as_deref(), None)
    }

    /// Looks at the object; it may be absent.
    pub(super) async fn look(&self, connection: &Connection) -> Result<Seen, ApiError> {
        let path = format!("{}?{}", self.collection(), self.selector());
        let list: List = connection.read(&path, "application/json").await?;
        Ok(Seen {
            entries: list.items.first().map(entries),
            version: list.metadata.resource_version,
        })
    }

    fn selector(&self) -> String {
        format!("fieldSelector=metadata.name%3D{}", self.name)
    }

    /// Watches the object, and no others.
    pub(super) async fn watch(
        &self,
        connection: &Connection,
        (version, seconds): (&str, u64),
    ) -> Result<LineReader, ApiError> {
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={version}&{}",
            self.collection(),
            self.selector(),
        );
        connection.watch(&path).await
    }

    /// Enters a peer; tells whether the object is there.
    pub(crate) async fn enter(
        &self,
        connection: &Connection,
        peer: &Peer,
    ) -> Result<bool, ApiError> {
        self.patch(connection, json!({(&*peer.identity): peer.entry()}))
            .await
    }

    /// Removes entries.
    pub(crate) async fn remove(
        &self,
        connection: &Connection,
        identities: &[String],
    ) -> Result<bool, ApiError> {
        let entries: Map<String, Value> = identities
            .iter()
            .map(|identity| (identity.clone(), Value::Null))
            .collect();
        self.patch(connection, entries.into()).await
    }

    async fn patch(&self, connection: &Connection, entries: Value) -> Result<bool, ApiError> {
        let target = Target {
            resource: &self.resource,
            namespace: self.namespace.as_deref(),
            name: &self.name,
        };
        let subresource = self.resource.has_subresource("status").then_some("status");
        let payload = Payload::Merge(json!({"status": entries}));
        match connection.patch(target, subresource, &payload).await {
            Ok(_) => Ok(true),
            Err(error) if error.failure() == Failure::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the peering {:?}", self.name)?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" of the cluster"),
        }
    }
}

impl Peer {
    /// A peer that gives a sign of life now.
    pub(crate) fn alive(
        identity: &str,
        (priority, lifetime): (i64, std::time::Duration),
        now: Timestamp,
    ) -> Self {
        Self {
            identity: identity.to_owned(),
            priority,
            lifetime,
            lastseen: now,
            message: None,
        }
    }
}
