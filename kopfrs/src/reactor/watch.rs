//! One endless watch over one kind in one namespace, or everywhere: list, then watch, resume, and
//! list anew when the server has forgotten where we were. Whatever goes wrong, it goes on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::listing::{Listing, Page};
use super::queue::{Arrival, Queue};
use super::snapshot::Version;
use super::wire::{Bookmark, Envelope, clipped, peek, stream_error};
use crate::api::{ApiError, Failure, Line, LineReader};
use crate::cause::EventType;
use crate::health::WatchReport;
use crate::object::ObjectKey;
use crate::settings::{InitialListing, WatchingSettings};

/// A watch that has been open for so long works, though it may have told nothing yet. One that ends
/// earlier has failed, or a server that ends it at once would be asked without a pause.
pub(super) const SETTLED: Duration = Duration::from_secs(1);

/// What a watch is over, and how it stands.
pub(crate) struct Watch {
    queue: Arc<Queue>,
    namespace: Option<String>,
    listing: Listing,
    /// Where to go on; `None` means to list first.
    version: Option<String>,
    /// How the objects that are there at first are asked for.
    initial: InitialListing,
    /// How often in a row it has ended before it worked.
    failures: u32,
    /// Somebody reads in the log that it does not work.
    has_warned: bool,
    /// Something has been watched from the version on already; it may have become too old since.
    is_proven: bool,
    /// Where it tells how it is.
    report: WatchReport,
    /// Called once when the objects that are there have been listed and changes are being watched.
    on_ready: Option<Box<dyn FnOnce() + Send>>,
}

/// What comes of waiting for the next line of a watch.
pub(super) enum Heard {
    Line(Bytes),
    End,
    Silence,
}

impl Watch {
    pub(crate) fn new(
        queue: Arc<Queue>,
        namespace: Option<String>,
        on_ready: impl FnOnce() + Send + 'static,
    ) -> Self {
        let on_ready: Box<dyn FnOnce() + Send> = Box::new(on_ready);
        let name = name(&queue, namespace.as_deref());
        let report = queue.context.health.watch(name);
        Self {
            initial: queue.context.settings.watching.initial_listing,
            queue,
            namespace,
            listing: Listing::default(),
            version: None,
            failures: 0,
            has_warned: false,
            is_proven: false,
            report,
            on_ready: Some(on_ready),
        }
    }

    /// Watches until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            self.is_proven = self.version.is_some();
            let Err(error) = self.round().await else {
                // No server that knows streamed lists ends one well before it is complete.
                if self.version.is_none() {
                    self.initial = InitialListing::Paged;
                }
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
            self.report.failed(&error);
            // Once, not at each attempt; and not at all if the next one works. A server that has just begun to serve a
            // kind may list it as of a version that it cannot be watched from.
            let is_news = match error.failure() {
                Failure::Transient | Failure::Expired => self.failures == 2,
                _ => self.failures == 1,
            };
            if is_news {
                self.has_warned = true;
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
        name(&self.queue, self.namespace.as_deref())
    }

    /// Begins to list if need be, then watches until the stream ends.
    async fn round(&mut self) -> Result<(), ApiError> {
        let from = match (&self.version, self.initial) {
            (Some(version), _) => format!("resourceVersion={version}"),
            (None, InitialListing::Paged) => format!("resourceVersion={}", self.begin().await?),
            (None, InitialListing::Streamed) => {
                self.listing.begin(&self.queue);
                "sendInitialEvents=true&resourceVersionMatch=NotOlderThan".to_owned()
            }
        };
        let seconds = self.settings().server_timeout.as_secs();
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&{from}",
            self.path()
        );
        let lines = match self.queue.context.connection.watch(&path).await {
            Err(error) if self.version.is_none() && error.failure() == Failure::Rejected => {
                debug!("{} cannot be listed by a stream: {error}", self.name());
                return Ok(());
            }
            lines => lines?,
        };
        if !self.listing.now().is_open {
            self.ready();
        }
        self.follow(lines).await
    }

    /// Takes in what an open watch tells, and what is still to be listed, until the watch ends.
    async fn follow(&mut self, mut lines: LineReader) -> Result<(), ApiError> {
        let silence = self.settings().inactivity_timeout;
        let settled = sleep(SETTLED);
        tokio::pin!(settled);
        let mut is_settled = false;
        loop {
            let heard = tokio::select! {
                biased;
                heard = next(&mut lines, silence) => heard?,
                Some(page) = self.listing.page(), if self.listing.is_paging() => {
                    self.take(page)?;
                    if !self.listing.now().is_open {
                        self.ready();
                    }
                    continue;
                }
                () = &mut settled, if !is_settled => {
                    is_settled = true;
                    self.works();
                    continue;
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

    fn settings(&self) -> &WatchingSettings {
        &self.queue.context.settings.watching
    }

    /// All that was there has been listed, and changes are being watched.
    fn ready(&mut self) {
        self.report.listed();
        if let Some(on_ready) = self.on_ready.take() {
            on_ready();
        }
    }

    fn works(&mut self) {
        self.is_proven = true;
        self.failures = 0;
        self.report.works();
        if !self.listing.now().is_open && std::mem::take(&mut self.has_warned) {
            info!("the watch of {} works again", self.name());
        }
    }

    fn path(&self) -> String {
        self.queue
            .kind()
            .resource
            .path(self.namespace.as_deref(), None)
    }

    /// Begins to list; gives the version from which on changes are to be watched.
    async fn begin(&mut self) -> Result<String, ApiError> {
        self.listing.begin(&self.queue);
        let page = Page::first(&self.queue, self.path()).await?;
        let version = page.list()?.metadata.resource_version;
        self.version = Some(version.clone());
        self.take(Ok(page))?;
        Ok(version)
    }

    /// Takes a page of the list in. Without it the list would never be complete: it has to begin anew.
    fn take(&mut self, page: Result<Page, ApiError>) -> Result<(), ApiError> {
        let taken = page.and_then(|page| self.page(&page));
        if let Err(error) = &taken {
            self.version = None;
            self.listing.is_hurried |= error.failure() == Failure::Expired;
            // That changes could be watched meanwhile does not mend the list.
            self.failures = self.listing.failed();
            self.is_proven &= self.failures == 0;
        }
        taken
    }

    fn page(&mut self, page: &Page) -> Result<(), ApiError> {
        let list = page.list()?;
        for item in list.items() {
            self.push(EventType::Listed, item);
        }
        let token = list.metadata.continue_token.as_deref();
        match token.filter(|token| !token.is_empty()) {
            Some(token) => self.listing.turn(&self.queue, page, &list, token),
            None => self.listed(),
        }
        Ok(())
    }

    /// All that is there has been listed: what has vanished since the last time is gone.
    fn listed(&mut self) {
        let number = self.listing.now().number;
        self.queue.sweep(self.namespace.as_deref(), number);
        self.listing.end();
        if self.is_proven {
            self.works();
        }
    }

    /// Takes one line of the watch in.
    fn event(&mut self, line: &[u8]) -> Result<(), ApiError> {
        let envelope: Envelope<'_> = serde_json::from_slice(line)
            .map_err(|error| ApiError::Garbage(format!("event of {}: {error}", self.name())))?;
        // Without a version, what is told first is what was there when the watch began.
        let is_listing = self.version.is_none();
        let event_type = match &*envelope.event_type {
            "ADDED" if is_listing => EventType::Listed,
            "ADDED" => EventType::Added,
            "MODIFIED" => EventType::Modified,
            "DELETED" => EventType::Deleted,
            "ERROR" => return Err(stream_error(envelope.object)),
            "BOOKMARK" => {
                self.bookmark(envelope.object);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let version = self.push(event_type, envelope.object);
        if let Some(version) = version.filter(|version| !is_listing && !version.is_empty()) {
            self.version = Some(version);
        }
        Ok(())
    }

    fn bookmark(&mut self, object: &RawValue) {
        let bookmark = Bookmark::read(object);
        if self.version.is_none() {
            if !bookmark.is_end_of_listing() {
                return;
            }
            self.listed();
            self.ready();
        }
        let version = bookmark.metadata.resource_version;
        if !version.is_empty() {
            self.version = Some(version);
        }
    }

    /// Puts an object into its inbox; gives its version. One without a name harms no other.
    fn push(&mut self, event_type: EventType, object: &RawValue) -> Option<String> {
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
        let uid: Arc<str> = if meta.uid.is_empty() {
            key.to_string().into()
        } else {
            Arc::from(&*meta.uid)
        };
        match event_type {
            EventType::Listed if self.listing.has_vanished(&uid) => return None,
            EventType::Deleted => self.listing.vanish(&uid),
            EventType::Listed | EventType::Added | EventType::Modified => {}
        }
        let arrival = Arrival {
            event_type,
            uid,
            key,
            version: Version::parse(&meta.resource_version),
            text: object.get().into(),
        };
        self.queue.push(arrival, self.listing.now());
        Some(meta.resource_version.into_owned())
    }
}

fn name(queue: &Queue, namespace: Option<&str>) -> String {
    let kind = queue.kind();
    match namespace {
        Some(namespace) => format!("{} in namespace {namespace}", kind.resource),
        None => kind.resource.to_string(),
    }
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

/// What to do about an error, where there is something to do.
fn advice(error: &ApiError) -> String {
    match error.failure() {
        Failure::Forbidden => {
            format!("{error}; grant it, or name with -n the namespaces where it is granted")
        }
        _ => error.to_string(),
    }
}
