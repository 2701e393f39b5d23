//! Watching collections.
//!
//! A watch reads the store's log at its own pace and is pulled by the connection, so a slow client costs nothing but
//! its place in the log; when the log has moved on without it, it gets the 410 it would get from a real server. Events
//! that cannot be converted to its version hold it up until they can be: it stays open and leaves nothing out.

mod lines;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::lines::Lines;
use super::Target;
use crate::{
    cluster::Cluster,
    conversion,
    error::ApiError,
    http::negotiate::Shape,
    object::{Object, metadata_mut},
    render::Rows,
    selector::Selector,
    storage::{Change, Cursor, Event, Read},
    strategy::view,
};

/// Objects or events put into one chunk at most.
const BATCH: usize = 128;
/// With `timeoutSeconds`, a bookmark comes this long before the end.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// The pause after a conversion that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// What a watch request asks for.
#[derive(Debug)]
pub(crate) struct WatchOptions {
    pub(crate) selector: Selector,
    pub(crate) start: Start,
    /// The revision that what exists is read at, if it is not the newest.
    pub(crate) as_of: Option<u64>,
    pub(crate) bookmarks: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) shape: Shape,
    pub(crate) rows: Rows,
}

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what happens from now on.
    Now,
    /// With what exists, as ADDED events.
    Present,
    /// With what exists and a bookmark that says so; it has to be of this revision at least.
    PresentThenBookmark(u64),
    After(u64),
}

/// An event in the version of a watch.
#[derive(Debug)]
struct Sight {
    change: Change,
    object: Arc<Object>,
    /// Only where a selector wants to know.
    previous: Option<Arc<Object>>,
}

/// One open watch.
#[derive(Debug)]
pub(crate) struct Watch {
    cluster: Arc<Cluster>,
    target: Target,
    prefix: String,
    options: WatchOptions,
    shutdown: CancellationToken,
    cursor: Cursor,
    initial: VecDeque<Arc<Object>>,
    /// Read from the log and not yet told.
    pending: VecDeque<Arc<Event>>,
    announce_end: bool,
    deadline: Option<Instant>,
    next_bookmark: Option<Instant>,
    bookmark_due: bool,
    lines: Lines,
    ended: bool,
}

impl Watch {
    pub(crate) fn open(
        cluster: Arc<Cluster>,
        target: Target,
        options: WatchOptions,
        shutdown: CancellationToken,
    ) -> Self {
        let prefix = target.prefix();
        let resource = &target.kind.resource;
        let (initial, cursor) = match options.start {
            Start::After(revision) => (Vec::new(), cluster.store.cursor(resource, Some(revision))),
            Start::Now => (Vec::new(), cluster.store.cursor(resource, None)),
            Start::Present | Start::PresentThenBookmark(_) => {
                cluster
                    .store
                    .list_and_follow(resource, &prefix, options.as_of)
            }
        };
        let deadline = options.timeout.map(|timeout| Instant::now() + timeout);
        let mut watch = Self {
            announce_end: matches!(options.start, Start::PresentThenBookmark(_))
                && options.bookmarks,
            lines: Lines::new(options.shape, options.rows),
            next_bookmark: None,
            bookmark_due: false,
            initial: initial.into(),
            pending: VecDeque::new(),
            ended: false,
            cluster,
            target,
            prefix,
            options,
            shutdown,
            cursor,
            deadline,
        };
        watch.schedule_bookmark();
        watch
    }

    /// The next chunk of lines; `None` is the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.ended {
                return None;
            }
            let chunk = if self.initial.is_empty() && !self.announce_end {
                self.read().await
            } else {
                self.present().await
            };
            if !chunk.is_empty() {
                return Some(chunk);
            }
            if self.ended {
                return None;
            }
            if self.initial.is_empty() && !self.announce_end {
                // Everything up to the cursor has been delivered: now a bookmark is true.
                if std::mem::take(&mut self.bookmark_due) && self.pending.is_empty() {
                    return Some(self.bookmark(false));
                }
                self.idle().await;
            }
        }
    }

    /// Waits for news, for a bookmark to be due, or for the end.
    async fn idle(&mut self) {
        let deadline = self.deadline;
        let bookmark = self.next_bookmark;
        let again = (!self.pending.is_empty()).then(|| Instant::now() + AGAIN);
        tokio::select! {
            () = self.cursor.changed(), if again.is_none() => {}
            () = at(again), if again.is_some() => {}
            () = at(bookmark) => {
                self.bookmark_due = true;
                self.schedule_bookmark();
            }
            () = at(deadline) => self.ended = true,
            () = self.shutdown.cancelled() => self.ended = true,
        }
    }

    fn schedule_bookmark(&mut self) {
        if !self.options.bookmarks {
            return;
        }
        let now = Instant::now();
        let regular = now + self.cluster.settings.bookmark_interval;
        let last = self
            .deadline
            .and_then(|deadline| deadline.checked_sub(LAST_BOOKMARK))
            .filter(|last| *last > now);
        self.next_bookmark = Some(last.map_or(regular, |last| last.min(regular)));
    }

    /// Some of what existed at the start.
    async fn present(&mut self) -> Bytes {
        let reached = self.cursor.revision;
        if let Start::PresentThenBookmark(wanted) = self.options.start
            && wanted > reached
        {
            self.ended = true;
            return lines::error(&ApiError::too_large_version(wanted, reached));
        }
        let count = self.initial.len().min(BATCH);
        let batch = self.initial.drain(..count).collect();
        let mut chunk = BytesMut::new();
        match self.converted(batch).await {
            None => return Bytes::new(),
            Some(Err(error)) => {
                self.ended = true;
                return lines::error(&error);
            }
            Some(Ok(objects)) => {
                for object in objects {
                    if self.matches(&object) {
                        self.line(&mut chunk, "ADDED", &object);
                    }
                }
            }
        }
        if self.initial.is_empty() && self.announce_end {
            self.announce_end = false;
            chunk.put(self.bookmark(true));
        }
        chunk.freeze()
    }

    /// Some of what happened since; empty only if nothing is left that could be told to this watch now.
    async fn read(&mut self) -> Bytes {
        loop {
            if self.pending.is_empty() {
                let asked = self.cursor.revision;
                match self.cluster.store.read(&mut self.cursor, BATCH) {
                    Ok(Read::Events(events)) if events.is_empty() => return Bytes::new(),
                    Ok(Read::Events(events)) => {
                        let prefix = &self.prefix;
                        let own = |event: &Arc<Event>| event.key.starts_with(prefix);
                        self.pending = events.into_iter().filter(own).collect();
                    }
                    Ok(Read::Ended) => {
                        self.ended = true;
                        return Bytes::new();
                    }
                    Err(compacted) => {
                        self.ended = true;
                        let error = ApiError::expired(format!(
                            "too old resource version: {asked} ({})",
                            compacted.oldest
                        ));
                        return lines::error(&error);
                    }
                }
            }
            let Some(sights) = self.sights().await else {
                return Bytes::new();
            };
            let mut chunk = BytesMut::new();
            for sight in sights {
                if let Some((change, object)) = self.seen(sight) {
                    self.line(&mut chunk, change, &object);
                }
            }
            // What is for others may be followed by more.
            if !chunk.is_empty() {
                return chunk.freeze();
            }
        }
    }

    /// The pending events in this watch's version; if they cannot be converted together, the first one. `None` when that
    /// cannot be either, or the watch is over.
    async fn sights(&mut self) -> Option<Vec<Sight>> {
        let all = self.pending.len();
        let attempts: &[usize] = if all > 1 { &[all, 1] } else { &[all] };
        for &count in attempts {
            // What was before is of interest only to selectors.
            let with_previous = !self.options.selector.is_empty();
            let events: Vec<Arc<Event>> = self.pending.iter().take(count).cloned().collect();
            let states = events.iter().flat_map(|event| {
                let previous = event.previous.as_ref().filter(|_| with_previous);
                std::iter::once(&event.object).chain(previous)
            });
            match self.converted(states.cloned().collect()).await? {
                Ok(states) => {
                    self.pending.drain(..count);
                    let mut states = states.into_iter();
                    let sights = events.iter().map_while(|event| {
                        let has_previous = with_previous && event.previous.is_some();
                        Some(Sight {
                            change: event.change,
                            object: states.next()?,
                            previous: states.by_ref().take(usize::from(has_previous)).next(),
                        })
                    });
                    return Some(sights.collect());
                }
                Err(error) => {
                    tracing::debug!(resource = %self.target.kind.resource, %error, "a watch waits for a conversion");
                }
            }
        }
        None
    }

    /// Objects in this watch's version; `None` when it is over before.
    async fn converted(
        &mut self,
        objects: Vec<Arc<Object>>,
    ) -> Option<Result<Vec<Arc<Object>>, ApiError>> {
        let kinds = self.cluster.registry.kinds();
        let kind = &self.target.kind;
        // Who converts may have changed since the watch began.
        if let Some(kind) = kinds.find(&kind.group, &kind.version, &kind.plural) {
            self.target.kind = kind.clone();
        }
        let converted = tokio::select! {
            biased;
            converted = conversion::seen(&self.cluster, &self.target.kind, objects) => Some(converted),
            () = at(self.deadline) => None,
            () = self.shutdown.cancelled() => None,
        };
        self.ended |= converted.is_none();
        converted
    }

    fn matches(&self, object: &Object) -> bool {
        let selector = &self.options.selector;
        selector.is_empty() || selector.matches(&view::outward(&self.target.kind, object))
    }

    /// How an event looks through the selector.
    fn seen(&self, sight: Sight) -> Option<(&'static str, Arc<Object>)> {
        let Sight {
            change,
            object,
            previous,
        } = sight;
        let whole = match change {
            Change::Added => "ADDED",
            Change::Modified => "MODIFIED",
            Change::Deleted => "DELETED",
        };
        if self.options.selector.is_empty() {
            return Some((whole, object));
        }
        let now = self.matches(&object);
        let before = previous.filter(|previous| self.matches(previous));
        match (change, before, now) {
            (Change::Modified, None, true) => Some(("ADDED", object)),
            // What stops to match is deleted as it was when it matched.
            (Change::Modified, Some(before), false) => {
                Some(("DELETED", at_revision(&before, object.revision)))
            }
            (_, _, true) => Some((whole, object)),
            (_, _, false) => None,
        }
    }

    fn line(&mut self, chunk: &mut BytesMut, change: &str, object: &Object) {
        let told = (self.target.kind.as_ref(), object);
        self.lines.event(chunk, change, told, &self.cluster.clock);
    }

    fn bookmark(&mut self, ends_initial: bool) -> Bytes {
        let kind = &self.target.kind;
        self.lines
            .bookmark(kind, self.cursor.revision, ends_initial)
    }
}

fn at_revision(object: &Object, revision: u64) -> Arc<Object> {
    let mut value = object.value.clone();
    metadata_mut(&mut value).insert("resourceVersion".to_owned(), json!(revision.to_string()));
    Arc::new(Object::new(revision, object.form.clone(), value))
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
