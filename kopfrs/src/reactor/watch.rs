//! One endless watch over one kind in one namespace, or everywhere: list, then watch, resume, and
//! list anew when the server has forgotten where we were. Whatever goes wrong, it goes on.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::queue::{Arrival, Queue};
use super::snapshot::Version;
use crate::api::{ApiError, Failure, Line, LineReader};
use crate::cause::EventType;
use crate::object::ObjectKey;
use crate::settings::WatchingSettings;

/// A watch that has been open for so long works, though it may have told nothing yet. One that ends
/// earlier has failed, or a server that ends it at once would be asked without a pause.
pub(super) const SETTLED: Duration = Duration::from_secs(1);

/// What a watch is over, and how it stands.
pub(crate) struct Watch {
    queue: Arc<Queue>,
    namespace: Option<String>,
    listing: u64,
    /// Where to go on; `None` means to list first.
    version: Option<String>,
    /// How often in a row it has ended before it worked.
    failures: u32,
    /// Something has been watched from the version on already; it may have become too old since.
    is_proven: bool,
    /// Called once when the objects that are there have been listed and changes are being watched.
    on_ready: Option<Box<dyn FnOnce() + Send>>,
}

/// What comes of waiting for the next line of a watch.
pub(super) enum Heard {
    Line(Bytes),
    End,
    Silence,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow, default)]
    items: Vec<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    continue_token: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow, default)]
    metadata: PeekMeta<'a>,
    #[serde(default)]
    code: u16,
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PeekMeta<'a> {
    #[serde(borrow, default)]
    uid: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resource_version: Cow<'a, str>,
}

impl Watch {
    pub(crate) fn new(
        queue: Arc<Queue>,
        namespace: Option<String>,
        on_ready: impl FnOnce() + Send + 'static,
    ) -> Self {
        let on_ready: Box<dyn FnOnce() + Send> = Box::new(on_ready);
        Self {
            queue,
            namespace,
            listing: 0,
            version: None,
            failures: 0,
            is_proven: false,
            on_ready: Some(on_ready),
        }
    }

    /// Watches until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            self.is_proven = self.version.is_some();
            let Err(error) = self.round().await else {
                continue;
            };
            if error.failure() == Failure::Expired {
                debug!("{}: the version is too old, listing anew", self.name());
                self.version = None;
                if self.is_proven {
                    continue;
                }
            }
            let pause = pause(&self.queue.context.settings.watching, &mut self.failures);
            // Once, not at each attempt.
            if self.failures == 1 {
                warn!(
                    "the watch of {} has failed and is tried again: {}",
                    self.name(),
                    advice(&error)
                );
            } else {
                debug!("{}: next attempt in {pause:?}: {error}", self.name());
            }
            sleep(pause).await;
        }
    }

    fn name(&self) -> String {
        let kind = self.queue.kind();
        match &self.namespace {
            Some(namespace) => format!("{} in namespace {namespace}", kind.resource),
            None => kind.resource.to_string(),
        }
    }

    /// Lists if need be, then watches until the stream ends.
    async fn round(&mut self) -> Result<(), ApiError> {
        let version = match self.version.clone() {
            Some(version) => version,
            None => self.list().await?,
        };
        let settings = &self.queue.context.settings.watching;
        let seconds = settings.server_timeout.as_secs();
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={version}",
            self.path()
        );
        let lines = self.queue.context.connection.watch(&path).await?;
        self.version = Some(version);
        if let Some(on_ready) = self.on_ready.take() {
            on_ready();
        }
        self.follow(lines).await
    }

    /// Takes in what an open watch tells, until it ends.
    async fn follow(&mut self, mut lines: LineReader) -> Result<(), ApiError> {
        let silence = self.queue.context.settings.watching.inactivity_timeout;
        let settled = sleep(SETTLED);
        tokio::pin!(settled);
        let mut is_settled = false;
        loop {
            let heard = {
                let next = next(&mut lines, silence);
                tokio::pin!(next);
                tokio::select! {
                    biased;
                    heard = &mut next => heard?,
                    () = &mut settled, if !is_settled => {
                        is_settled = true;
                        self.works();
                        next.await?
                    }
                }
            };
            match heard {
                Heard::Line(line) => {
                    let before = self.version.clone();
                    self.event(&line)?;
                    if !is_settled && before != self.version {
                        is_settled = true;
                        self.works();
                    }
                }
                Heard::End if is_settled => return Ok(()),
                Heard::End => return Err(ended_at_once()),
                Heard::Silence => {
                    debug!("{}: silent for {silence:?}, watched anew", self.name());
                    return Ok(());
                }
            }
        }
    }

    fn works(&mut self) {
        self.is_proven = true;
        if std::mem::take(&mut self.failures) > 0 {
            info!("the watch of {} works again", self.name());
        }
    }

    fn path(&self) -> String {
        self.queue
            .kind()
            .resource
            .path(self.namespace.as_deref(), None)
    }

    /// Lists all objects, page by page; what has vanished since the last time is gone.
    async fn list(&mut self) -> Result<String, ApiError> {
        self.listing += 1;
        let limit = self.queue.context.settings.watching.page_size;
        let mut token = String::new();
        loop {
            let next = if token.is_empty() {
                String::new()
            } else {
                format!("&continue={token}")
            };
            let text = self
                .queue
                .context
                .connection
                .page(&format!("{}?limit={limit}{next}", self.path()))
                .await?;
            let list: List<'_> = serde_json::from_str(&text)
                .map_err(|error| ApiError::Garbage(format!("list of {}: {error}", self.name())))?;
            for item in &list.items {
                self.push(EventType::Listed, item);
            }
            match list
                .metadata
                .continue_token
                .filter(|token| !token.is_empty())
            {
                Some(next) => token = escaped(&next),
                None => {
                    self.queue.sweep(self.namespace.as_deref(), self.listing);
                    return Ok(list.metadata.resource_version);
                }
            }
        }
    }

    /// Takes one line of the watch in.
    fn event(&mut self, line: &[u8]) -> Result<(), ApiError> {
        let envelope: Envelope<'_> = serde_json::from_slice(line)
            .map_err(|error| ApiError::Garbage(format!("event of {}: {error}", self.name())))?;
        let event_type = match &*envelope.event_type {
            "ADDED" => Some(EventType::Added),
            "MODIFIED" => Some(EventType::Modified),
            "DELETED" => Some(EventType::Deleted),
            "ERROR" => return Err(stream_error(envelope.object)),
            _ => None,
        };
        let version = match event_type {
            Some(event_type) => self.push(event_type, envelope.object),
            None => peek(envelope.object).map(|peek| peek.metadata.resource_version.into_owned()),
        };
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            self.version = Some(version);
        }
        Ok(())
    }

    /// Puts an object into its inbox; gives its version. One without a name harms no other.
    fn push(&self, event_type: EventType, object: &RawValue) -> Option<String> {
        let Some(peek) = peek(object).filter(|peek| !peek.metadata.name.is_empty()) else {
            warn!(
                "an object of {} cannot be read and is skipped: {}",
                self.name(),
                clipped(object.get())
            );
            return None;
        };
        let meta = peek.metadata;
        let key = ObjectKey::new(meta.namespace.as_deref(), &meta.name);
        let uid = if meta.uid.is_empty() {
            key.to_string().into()
        } else {
            Box::from(&*meta.uid)
        };
        let arrival = Arrival {
            event_type,
            uid,
            key,
            version: Version::parse(&meta.resource_version),
            text: object.get().into(),
        };
        self.queue.push(arrival, self.listing);
        Some(meta.resource_version.into_owned())
    }
}

fn peek(object: &RawValue) -> Option<Peek<'_>> {
    serde_json::from_str(object.get()).ok()
}

/// The pause after one more failure; it grows.
pub(super) fn pause(settings: &WatchingSettings, failures: &mut u32) -> Duration {
    let pause = settings.backoff.saturating_mul(1 << (*failures).min(16));
    *failures = failures.saturating_add(1);
    pause.min(settings.max_backoff)
}

/// A server that ends watches as soon as they are open is not well.
pub(super) fn ended_at_once() -> ApiError {
    ApiError::Garbage("the watch has ended as soon as it was open".into())
}

/// Waits for the next line. Silence is no failure, as not all servers send bookmarks; but then
/// nobody knows whether the other end is still there.
pub(super) async fn next(lines: &mut LineReader, silence: Duration) -> Result<Heard, ApiError> {
    match timeout(silence, lines.next()).await {
        Err(_) => Ok(Heard::Silence),
        Ok(line) => match line? {
            Line::Text(line) => Ok(Heard::Line(line)),
            Line::End => Ok(Heard::End),
        },
    }
}

fn stream_error(status: &RawValue) -> ApiError {
    match peek(status) {
        Some(said) => ApiError::Status(Box::new(kube::core::Status {
            code: said.code,
            message: said.message,
            ..kube::core::Status::default()
        })),
        None => ApiError::Garbage(clipped(status.get())),
    }
}

/// What to do about an error, where there is something to do.
fn advice(error: &ApiError) -> String {
    match error.failure() {
        Failure::Forbidden => format!(
            "{error}; grant list, watch and patch on it to the operator, or name with -n the namespaces \
             where it has them"
        ),
        _ => error.to_string(),
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Continue tokens are base64 with characters that mean something in queries.
pub(super) fn escaped(token: &str) -> String {
    token
        .replace('%', "%25")
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
        .replace('&', "%26")
}
