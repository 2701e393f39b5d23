//! Indexing: index handlers are called with an object, and what they return is kept in the indices.
//!
//! Called by the reactor with each event of an object, before anybody else is. What is remembered of an object here is
//! which of its handlers have failed; of those that have not, nothing is. Errors that are ignored leave an index as it
//! was, others take the object out of it: until the handler has succeeded, or for good.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tracing::{error, warn};

use crate::action::{Call, attempt};
use crate::cause::{IndexingCause, Reason};
use crate::handler::{Environment, ErrorsMode, Handler, Memos, Outcome};
use crate::storage::Record;

type Handlers = [Arc<Handler<IndexingCause>>];

/// The handlers that have failed with an object, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Failures(BTreeMap<String, Record>);

impl Failures {
    /// When the next handler is to be called again.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.0.values().filter_map(|record| record.delayed).min()
    }

    /// Nobody is to call this handler again. That it has failed for good is remembered.
    fn forgive(&mut self, id: &str) {
        if self.0.get(id).is_some_and(|record| !record.failure) {
            self.0.remove(id);
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An object that is indexed.
pub(crate) struct Subject<'a> {
    pub(crate) uid: &'a Arc<str>,
    pub(crate) cause: IndexingCause,
    pub(crate) memos: Memos,
}

/// Which of the handlers are called with an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Round {
    /// All of them: the object is new or has changed.
    Whole,
    /// Those that have failed with the object as it is: the others have it.
    Failed,
}

/// Brings all indices up to date with an object.
pub(crate) async fn index(
    handlers: &Handlers,
    (subject, round): (&Subject<'_>, Round),
    failures: &mut Failures,
    environment: &Arc<Environment>,
) {
    for id in ids(handlers) {
        if round == Round::Failed && !failures.0.contains_key(id) {
            continue;
        }
        let mut of_index = handlers.iter().filter(|handler| handler.id == id);
        match of_index.find(|handler| handler.filter.matches_body(&subject.cause)) {
            Some(handler) => update(handler, subject, failures, environment).await,
            None => {
                failures.forgive(id);
                environment.indices.discard(id, subject.uid);
            }
        }
    }
}

/// Takes an object out of all indices: it is gone.
pub(crate) fn discard(handlers: &Handlers, uid: &str, environment: &Environment) {
    for id in ids(handlers) {
        environment.indices.discard(id, uid);
    }
}

/// The indices that handlers fill, each once.
fn ids(handlers: &Handlers) -> impl Iterator<Item = &str> {
    let is_first = |place: usize| handlers[..place].iter().all(|h| h.id != handlers[place].id);
    let places = (0..handlers.len()).filter(move |place| is_first(*place));
    places.map(|place| &*handlers[place].id)
}

/// Brings one index up to date with an object.
async fn update(
    handler: &Arc<Handler<IndexingCause>>,
    subject: &Subject<'_>,
    failures: &mut Failures,
    environment: &Arc<Environment>,
) {
    let (id, now) = (&handler.id, environment.clock.now());
    let record = failures.0.get(id).cloned();
    let is_waiting = |record: &Record| record.delayed.is_some_and(|due| due > now);
    if record.as_ref().is_some_and(|r| r.failure || is_waiting(r)) {
        return;
    }
    let call = Call {
        handler: handler.clone(),
        cause: subject.cause.clone(),
        memos: subject.memos.clone(),
        role: "index handler",
        default_mode: ErrorsMode::Ignored,
        discreet_about: None,
    };
    let record = record.unwrap_or_else(|| Record::new(Reason::Resume, now));
    let (record, outcome) = attempt(&call, &record, environment).await;
    if !subject.cause.patch.take().is_empty() && outcome.is_some() {
        warn!(
            "what the index handler `{id}` has put into its patch is not sent: indexing changes no objects"
        );
    }
    let is_kept = record.success && keep(id, outcome, subject.uid, environment);
    if !is_kept {
        environment.indices.discard(id, subject.uid);
    }
    // What does not fit a handler's type may fit it after the next change.
    if record.success || record.is_misfit {
        failures.0.remove(id);
    } else {
        failures.0.insert(id.clone(), record);
    }
}

/// Keeps what was returned. Nothing, or an error that is ignored, leaves everything as it is.
fn keep(id: &str, outcome: Option<Outcome>, uid: &Arc<str>, environment: &Environment) -> bool {
    let Some(entries) = outcome.and_then(|outcome| outcome.product) else {
        return true;
    };
    let kept = environment.indices.replace(id, uid, entries);
    if let Err(why) = &kept {
        error!("the object is in no index `{id}`: {why}");
    }
    kept.is_ok()
}
