//! An endless watch over the metadata of something cluster-wide that the operator itself depends on:
//! definitions of kinds, namespaces. Who listens decides what to list; the rest is here: resuming,
//! pauses, and what to do when it may not be watched.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use super::context::Context;
use super::watch::{Heard, SETTLED, ended_at_once, next, pause};
use crate::api::{ApiError, Connection, Failure, LineReader};

const LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const WATCH: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// What is watched, and who wants to know.
pub(super) struct Source {
    /// The path of the collection.
    pub(super) path: &'static str,
    /// What the log calls it.
    pub(super) what: &'static str,
    /// What happens as long as it may not be watched, for the log.
    pub(super) otherwise: String,
    /// Whether others wait for it, so that a failure must be told of.
    pub(super) is_awaited: bool,
}

/// Takes notice of what a watch tells.
pub(super) trait Listener: Send {
    /// Finds out where to begin; gives the version from which on changes are of interest.
    fn begin(&mut self, context: &Context)
    -> impl Future<Output = Result<String, ApiError>> + Send;

    /// The watch is open; changes may have been missed before.
    fn opened(&mut self, _has_gap: bool) {}

    /// Something is there, or is not any more.
    fn event(&mut self, name: &str, is_gone: bool);

    /// It may not be watched: it is time to look without that.
    fn unwatched(&mut self);

    /// When to call `tick`.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// The time has come.
    fn tick(&mut self) {}
}

/// One page of a list of metadata.
#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) metadata: PageMeta,
    #[serde(default)]
    pub(super) items: Vec<Item>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PageMeta {
    pub(super) resource_version: String,
    #[serde(rename = "continue")]
    pub(super) token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Item {
    pub(super) metadata: ItemMeta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ItemMeta {
    pub(super) name: String,
}

/// Reads metadata only.
pub(super) async fn read<T: DeserializeOwned>(
    connection: &Connection,
    path: &str,
) -> Result<T, ApiError> {
    connection.read(path, LIST).await
}

/// The watch, and how it stands.
pub(super) struct MetadataWatch<'a, L> {
    context: &'a Context,
    source: Source,
    listener: L,
    /// Where to go on; `None` means to find out where to begin.
    version: Option<String>,
    /// Changes may have been missed.
    has_gap: bool,
    failures: u32,
}

impl<'a, L: Listener> MetadataWatch<'a, L> {
    /// A watch from a version on, if one is known.
    pub(super) fn new(
        context: &'a Context,
        source: Source,
        listener: L,
        version: Option<String>,
    ) -> Self {
        Self {
            context,
            source,
            listener,
            has_gap: version.is_none(),
            version,
            failures: 0,
        }
    }

    /// Watches until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let is_resumed = self.version.is_some();
            if let Err(error) = self.round().await {
                self.failed(&error, is_resumed).await;
            }
        }
    }

    async fn round(&mut self) -> Result<(), ApiError> {
        let from = match self.version.take() {
            Some(version) => version,
            None => self.listener.begin(self.context).await?,
        };
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={from}",
            self.source.path,
            self.context.settings.watching.server_timeout.as_secs()
        );
        let lines = self.context.connection.watch_as(&path, WATCH).await?;
        self.version = Some(from);
        self.listener.opened(std::mem::take(&mut self.has_gap));
        self.follow(lines).await
    }

    async fn follow(&mut self, mut lines: LineReader) -> Result<(), ApiError> {
        let silence = self.context.settings.watching.inactivity_timeout;
        let opened = Instant::now();
        let mut is_settled = false;
        loop {
            let heard = {
                let next = next(&mut lines, silence);
                tokio::pin!(next);
                loop {
                    tokio::select! {
                        heard = &mut next => break heard,
                        () = until(self.listener.due()) => self.listener.tick(),
                    }
                }
            };
            if is_settled || opened.elapsed() >= SETTLED {
                is_settled = true;
                self.failures = 0;
            }
            match heard? {
                Heard::Line(line) => is_settled |= self.event(&line)?,
                Heard::End if !is_settled => return Err(ended_at_once()),
                Heard::End | Heard::Silence => return Ok(()),
            }
        }
    }

    /// Takes one line in. Gives whether it has led on.
    fn event(&mut self, line: &[u8]) -> Result<bool, ApiError> {
        let event: Value = serde_json::from_slice(line).map_err(|error| {
            ApiError::Garbage(format!("event of {}: {error}", self.source.what))
        })?;
        let object = &event["object"];
        if event["type"] == "ERROR" {
            return Err(ApiError::Status(Box::new(kube::core::Status {
                code: u16::try_from(object["code"].as_u64().unwrap_or_default())
                    .unwrap_or_default(),
                message: object["message"].as_str().unwrap_or_default().to_owned(),
                ..kube::core::Status::default()
            })));
        }
        if event["type"] != "BOOKMARK" {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            self.listener.event(name, event["type"] == "DELETED");
        }
        let Some(seen) = object["metadata"]["resourceVersion"].as_str() else {
            return Ok(false);
        };
        let before = self.version.replace(seen.to_owned());
        Ok(before.as_deref() != Some(seen))
    }

    /// Waits until it is worth another attempt.
    async fn failed(&mut self, error: &ApiError, is_resumed: bool) {
        self.version = None;
        self.has_gap = true;
        let what = self.source.what;
        if matches!(error, ApiError::Status(status) if status.code == 403) {
            let poll = self.context.settings.scanning.poll_interval;
            if self.context.is_news(what.to_owned()) {
                let otherwise = &self.source.otherwise;
                warn!("{what} may not be watched, {otherwise} (next look in {poll:?}): {error}");
            }
            self.listener.unwatched();
            self.rest(poll).await;
            return;
        }
        if error.failure() == Failure::Expired && is_resumed {
            return;
        }
        let pause = pause(&self.context.settings.watching, &mut self.failures);
        if self.source.is_awaited && self.failures == 1 {
            warn!("the watch of {what} has failed and is tried again: {error}");
        } else {
            debug!("the watch of {what} is started again in {pause:?}: {error}");
        }
        self.rest(pause).await;
    }

    /// A pause in which the listener's time may come.
    async fn rest(&mut self, pause: Duration) {
        let rest = sleep(pause);
        tokio::pin!(rest);
        loop {
            tokio::select! {
                () = &mut rest => return,
                () = until(self.listener.due()) => self.listener.tick(),
            }
        }
    }
}

/// Waits until then, for ever if there is no such time.
pub(super) async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
