//! Tells of objects in Kubernetes Events, in the background: what fails is seen by `kubectl describe`.
//!
//! The reactor reports what became of a handler's attempt, and never waits; one task of the operator's
//! writes it down, one request at a time. Nothing that goes wrong here is any handler's concern.
//!
//! The events are those of the core group: `kubectl describe` shows their count and age whichever group
//! they were written to, but operators that come from Kopf have the right to create them already.

mod event;
mod pending;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};
use tracing::{debug, warn};

use self::event::{Report, Verdict};
use self::pending::{Item, Pending, Taken};
use crate::api::{ApiError, Connection, Failure, Payload, Target};
use crate::clock::Clock;
use crate::object::Body;
use crate::resource::Resource;
use crate::settings::{PostingLevel, PostingSettings};
use crate::storage::Record;

/// How long nothing is tried after a refusal: the right may come meanwhile.
const REFUSED_FOR: Duration = Duration::from_secs(300);

/// Takes reports in, and writes them down in the background.
#[derive(Clone, Debug)]
pub(crate) struct Posting(Arc<Poster>);

#[derive(Debug)]
struct Poster {
    connection: Connection,
    settings: PostingSettings,
    clock: Clock,
    events: Resource,
    pending: Mutex<Pending>,
    news: Notify,
    said: Mutex<HashSet<&'static str>>,
}

impl Posting {
    pub(crate) fn new(connection: Connection, settings: PostingSettings, clock: Clock) -> Self {
        let pending = Pending::new(settings.queue_limit, settings.repeat_interval);
        Self(Arc::new(Poster {
            connection,
            clock,
            events: Resource {
                version: "v1".into(),
                plural: "events".into(),
                kind: "Event".into(),
                namespaced: true,
                ..Resource::default()
            },
            pending: Mutex::new(pending),
            news: Notify::new(),
            said: Mutex::default(),
            settings,
        }))
    }

    /// Reports what became of an attempt of a handler of an object.
    pub(crate) fn attempted(
        &self,
        (resource, body): (&Resource, &Body),
        handler: &str,
        record: &Record,
    ) {
        let poster = &self.0;
        let verdict = Verdict::of(record);
        if !poster.settings.enabled || verdict.level < poster.settings.level {
            return;
        }
        let Some(report) = Report::of((resource, body), handler, (verdict, record)) else {
            return;
        };
        self.add(report);
    }

    /// Reports that what an object stands for has come to another phase of its lifecycle.
    pub(crate) fn entered(
        &self,
        about: (&Resource, &Body),
        phase: &'static str,
        (message, is_failure): (Option<&str>, bool),
    ) {
        if !self.0.settings.enabled {
            return;
        }
        let level = if is_failure {
            PostingLevel::Warning
        } else {
            PostingLevel::Info
        };
        self.add(Report::of_phase(about, (phase, level), message));
    }

    fn add(&self, report: Report) {
        let poster = &self.0;
        let (now, seen) = (Instant::now(), poster.clock.now());
        if !poster.pending().add(report, (now, seen)) && poster.is_news("full") {
            warn!(
                "too many events wait for being written, some are left out (posting.queue_limit = {})",
                poster.settings.queue_limit
            );
        }
        poster.news.notify_one();
    }

    /// Writes events until they are to end.
    pub(crate) async fn run(self) {
        loop {
            let taken = self.0.pending().take(Instant::now());
            match taken {
                Taken::Item(item) => self.0.post(&item).await,
                Taken::Later(due) => {
                    tokio::select! {
                        () = sleep_until(due) => {}
                        () = self.0.news.notified() => {}
                    }
                }
                Taken::Nothing => self.0.news.notified().await,
                Taken::End => return,
            }
        }
    }

    /// What waits is written at once, then `run` ends.
    pub(crate) fn close(&self) {
        self.0.pending().close();
        self.0.news.notify_one();
    }

    /// How many events were left out because too many waited.
    pub(crate) fn left_out(&self) -> u64 {
        self.0.pending().left_out()
    }
}

impl Poster {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_news(&self, what: &'static str) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.insert(what)
    }

    /// Writes one event, or the count of one that was written before.
    async fn post(&self, item: &Item) {
        let result = match &item.posted {
            Some(name) => match self.count(item, name).await {
                // It was forgotten by the server, as events are after an hour.
                Err(error) if error.failure() == Failure::Missing => self.create(item).await,
                result => result.map(|()| name.clone()),
            },
            None => self.create(item).await,
        };
        match result {
            Ok(name) => self.pending().posted(&item.key, name, Instant::now()),
            Err(error) => self.failed(item, &error),
        }
    }

    async fn create(&self, item: &Item) -> Result<String, ApiError> {
        let name = item.report.event_name(item.number, self.clock.now());
        let event = item.report.event(&name, item, &self.settings);
        let path = self.events.path(Some(item.report.namespace()), None);
        match self.connection.create(&path, &event).await {
            // An answer was lost, and the request repeated.
            Err(error) if error.failure() == Failure::Conflict => Ok(name),
            result => result.map(|_| name),
        }
    }

    async fn count(&self, item: &Item, name: &str) -> Result<(), ApiError> {
        let target = Target {
            resource: &self.events,
            namespace: Some(item.report.namespace()),
            name,
        };
        let patch = Payload::Merge(item.report.repeated(item));
        self.connection.patch(target, None, &patch).await.map(drop)
    }

    fn failed(&self, item: &Item, error: &ApiError) {
        let mut pending = self.pending();
        let is_refused = matches!(error, ApiError::Status(status) if status.code == 403);
        match error.failure() {
            // The namespace goes, or is gone: there is nobody left to read it.
            Failure::Missing => pending.forget(&item.key),
            Failure::Forbidden if is_terminating(error) => pending.forget(&item.key),
            Failure::Forbidden if is_refused && item.posted.is_some() => {
                pending.count_no_more();
                self.say_refused("patch", error);
            }
            Failure::Forbidden if is_refused => {
                pending.pause(Instant::now() + REFUSED_FOR);
                self.say_refused("create", error);
            }
            _ => {
                pending.forget(&item.key);
                if self.is_news("failed") {
                    warn!("an event could not be written, and is left out: {error}");
                } else {
                    debug!("an event could not be written, and is left out: {error}");
                }
            }
        }
    }

    fn say_refused(&self, verb: &'static str, error: &ApiError) {
        if self.is_news(verb) {
            warn!(
                "events of objects may not be written; grant create and patch on events (core group) to \
                 the operator, or set posting.enabled to false: {error}"
            );
        }
    }
}

/// Whether a request was refused because its namespace is being deleted.
fn is_terminating(error: &ApiError) -> bool {
    let ApiError::Status(status) = error else {
        return false;
    };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .map(|cause| &*cause.reason)
        .any(|reason| reason == "NamespaceTerminating")
        || status.message.contains("is being terminated")
}
