//! Tells of objects in Kubernetes Events, in the background: what fails is seen by `kubectl describe`.
//!
//! The reactor reports what became of a handler's attempt, and never waits; one task of the operator's
//! writes it down, one request at a time. Nothing that goes wrong here is any handler's concern.
//!
//! They are written to events.k8s.io, where repetitions are a series. An operator that may not, as one that comes from
//! Kopf and brings its rights, writes them to the core group; `kubectl describe` shows both alike.

mod event;
mod pending;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::ObjectReference;
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};
use tracing::{debug, warn};

use self::event::{Form, Report, Verdict};
use self::pending::{Item, Pending, Taken};
use crate::api::{ApiError, Connection, Failure, Note, Payload, Target};
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
    /// Events may not be written to events.k8s.io.
    is_core: AtomicBool,
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
            is_core: AtomicBool::new(false),
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

    /// Reports what a handler tells of an object.
    pub(crate) fn note(&self, object: &ObjectReference, note: &Note) {
        // Events about events would never end.
        if self.0.settings.enabled && !event::is_event(object) {
            self.add(Report::of_note(object, note));
        }
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

    fn form(&self) -> Form {
        if self.is_core.load(Ordering::Relaxed) {
            Form::Core
        } else {
            Form::Series
        }
    }

    /// Writes a new event; to the core group, from the first one on that may not be written to its own.
    async fn create(&self, item: &Item) -> Result<String, ApiError> {
        let form = self.form();
        match self.create_in(form, item).await {
            Err(error) if form == Form::Series && is_refused(&error) => {
                let created = self.create_in(Form::Core, item).await;
                if created.is_ok() {
                    debug!(
                        "events are written to the core group, as those of events.k8s.io are refused"
                    );
                    self.is_core.store(true, Ordering::Relaxed);
                }
                created
            }
            result => result,
        }
    }

    async fn create_in(&self, form: Form, item: &Item) -> Result<String, ApiError> {
        let name = item.report.event_name(item.number, self.clock.now());
        let event = item.report.event(&name, item, (form, &self.settings));
        let path = events(form).path(Some(item.report.namespace()), None);
        match self.connection.create(&path, &event).await {
            // An answer was lost, and the request repeated.
            Err(error) if error.failure() == Failure::Conflict => Ok(name),
            result => result.map(|_| name),
        }
    }

    async fn count(&self, item: &Item, name: &str) -> Result<(), ApiError> {
        let form = self.form();
        let target = Target {
            resource: &events(form),
            namespace: Some(item.report.namespace()),
            name,
        };
        let patch = Payload::Merge(item.report.repeated(item, form));
        self.connection.patch(target, None, &patch).await.map(drop)
    }

    fn failed(&self, item: &Item, error: &ApiError) {
        let mut pending = self.pending();
        let is_refused = is_refused(error);
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
                "events of objects may not be written; grant create and patch on events (group events.k8s.io) to \
                 the operator, or set posting.enabled to false: {error}"
            );
        }
    }
}

fn events(form: Form) -> Resource {
    let group = match form {
        Form::Series => "events.k8s.io",
        Form::Core => "",
    };
    Resource {
        group: group.into(),
        version: "v1".into(),
        plural: "events".into(),
        kind: "Event".into(),
        namespaced: true,
        ..Resource::default()
    }
}

fn is_refused(error: &ApiError) -> bool {
    matches!(error, ApiError::Status(status) if status.code == 403) && !is_terminating(error)
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
