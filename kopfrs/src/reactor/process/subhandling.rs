//! Sub-handlers: called within an attempt of the handler that has registered them, at any depth. What
//! they do goes to the object together with what that handler does, and so does their progress.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::delivered;
use super::handling::Concern;
use crate::action::{Call, Cycle, Occasion, Turn, attempt_parted, choose};
use crate::cause::ChangingCause;
use crate::clock::elapsed;
use crate::handler::{
    ErrorsMode, ExecuteError, Handler, Location, Memos, Outcomes, Runner, Subhandlers,
};
use crate::object::{Change, FieldPath, Patch};
use crate::reactor::context::Context;
use crate::reactor::kind::Kind;
use crate::storage::Record;

type Changing = Arc<Handler<ChangingCause>>;

/// A handler and all that it has below it, during one attempt of it.
pub(super) struct Tree {
    context: Arc<Context>,
    kind: Arc<Kind>,
    memos: Memos,
    /// The change as the object has it, whatever field handlers are about.
    cause: ChangingCause,
    essence: Arc<Value>,
    /// Called once in a process for an object, as its resuming handlers are.
    is_once: bool,
    /// Its handlers are for changes of their fields, as updating handlers are.
    needs_change: bool,
    grown: Mutex<Grown>,
    news: Notify,
}

/// What has come of the attempt so far.
struct Grown {
    /// How far all handlers of the object are. It is here as long as the attempt lasts.
    cycle: Cycle,
    change: Change,
    /// Which handler has registered which sub-handler, and where.
    registered: HashMap<String, (String, Location)>,
    /// When a sub-handler has finished, if nobody has looked since.
    finished: Option<Instant>,
}

/// What a tree grows on.
pub(super) struct Soil {
    pub(super) context: Arc<Context>,
    pub(super) kind: Arc<Kind>,
    pub(super) memos: Memos,
    pub(super) cause: ChangingCause,
    pub(super) essence: Arc<Value>,
    pub(super) cycle: Cycle,
}

impl Tree {
    /// The tree of a topmost handler.
    pub(super) fn new(soil: Soil, handler: &Handler<ChangingCause>) -> Arc<Self> {
        Arc::new(Self {
            context: soil.context,
            kind: soil.kind,
            memos: soil.memos,
            cause: soil.cause,
            essence: soil.essence,
            is_once: handler.rule.initial,
            needs_change: handler.rule.needs_change,
            grown: Mutex::new(Grown {
                cycle: soil.cycle,
                change: Change::default(),
                registered: HashMap::new(),
                finished: None,
            }),
            news: Notify::new(),
        })
    }

    /// The sub-handlers of the topmost handler in this attempt.
    pub(super) fn subhandlers(
        self: &Arc<Self>,
        handler: &Handler<ChangingCause>,
        (record, patch): (&Record, &Patch),
    ) -> Subhandlers {
        let branch = Branch {
            tree: self.clone(),
            line: vec![(handler.id.clone(), record.clone())],
            field: handler.filter.field.clone(),
            patch: patch.clone(),
            called: Mutex::default(),
        };
        Subhandlers::new(handler.id.as_str().into(), Arc::new(branch))
    }

    /// When a sub-handler has finished; never, if none does.
    pub(super) async fn finished(&self) -> Instant {
        loop {
            let news = self.news.notified();
            if let Some(at) = self.grown().finished.take() {
                return at;
            }
            news.await;
        }
    }

    /// How far all handlers of the object are now, and the changes that came of it.
    pub(super) fn so_far(&self) -> (Cycle, Change) {
        let mut grown = self.grown();
        (grown.cycle.clone(), std::mem::take(&mut grown.change))
    }

    /// The same when the attempt is over.
    pub(super) fn fell(&self) -> (Cycle, Change) {
        let mut grown = self.grown();
        (
            std::mem::take(&mut grown.cycle),
            std::mem::take(&mut grown.change),
        )
    }

    /// Takes notice of what a handler has registered.
    ///
    /// # Errors
    /// If an id is that of a sub-handler of another one: `y` of `x`, and `x/y` beside it.
    fn claim(&self, parent: &str, handlers: &[Changing]) -> Result<(), ExecuteError> {
        let registered = &mut self.grown().registered;
        for handler in handlers {
            match registered.get(&handler.id) {
                Some((other, first)) if other != parent => {
                    return Err(ExecuteError::Duplicate {
                        id: handler.id.clone(),
                        first: *first,
                        second: handler.location,
                    });
                }
                Some(_) => {}
                None => {
                    let place = (parent.to_owned(), handler.location);
                    registered.insert(handler.id.clone(), place);
                }
            }
        }
        Ok(())
    }

    fn grown(&self) -> MutexGuard<'_, Grown> {
        self.grown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.context.environment.clock.now()
    }
}

/// The sub-handlers of one handler in a tree, in one attempt of it.
struct Branch {
    tree: Arc<Tree>,
    /// The handlers from the topmost one down to the one whose sub-handlers these are, and the records
    /// that they were called with.
    line: Vec<(String, Record)>,
    /// The field that handler is about.
    field: Option<FieldPath>,
    /// What it has changed itself.
    patch: Patch,
    /// Those that have had their turn in this attempt.
    called: Mutex<HashSet<String>>,
}

impl Runner for Branch {
    fn run(&self, handlers: Vec<Changing>) -> BoxFuture<'_, Result<Outcomes, ExecuteError>> {
        Box::pin(self.execute(handlers))
    }

    fn knows_transitions(&self) -> bool {
        self.tree.needs_change
    }

    fn collective(&self) -> Option<String> {
        let (topmost, _) = self.line.first()?;
        (self.line.len() > 1).then(|| format!("{topmost}/*"))
    }
}

/// A sub-handler that is for what has happened, with what that is to it.
struct Concerned {
    handler: Changing,
    cause: ChangingCause,
    /// Nothing has changed of what it is for since it was called.
    is_elsewhere: bool,
}

impl Branch {
    async fn execute(&self, handlers: Vec<Changing>) -> Result<Outcomes, ExecuteError> {
        // What the handler has said before counts less than what those say that are called now.
        self.tree.grown().change.extend(self.patch.take());
        self.tree.claim(self.parent(), &handlers)?;
        let concerned = self.concerned(handlers);
        for (handler, cause, record) in self.chosen(&concerned) {
            if self.tree.context.term().drain.is_cancelled() {
                break;
            }
            self.call(handler, cause, record).await;
        }
        self.outcomes(&concerned)
    }

    /// Those that are for what has happened.
    fn concerned(&self, handlers: Vec<Changing>) -> Vec<Concerned> {
        let tree = &self.tree;
        let mut concerned = Vec::new();
        for handler in handlers {
            // Filters are the user's code: no lock is held meanwhile.
            let concern = Concern::of(
                &tree.grown().cycle,
                &tree.cause,
                (&handler.id, &tree.essence),
            );
            let is_change = concern.is_change || tree.is_once;
            let is_for = is_change && handler.filter.matches(&concern.cause, tree.needs_change);
            let field = handler.filter.field.as_ref().or(self.field.as_ref());
            let is_elsewhere = concern.has_seen
                && field.is_some_and(|field| concern.cause.narrowed(field).diff.is_empty());
            if is_for || is_elsewhere {
                concerned.push(Concerned {
                    handler,
                    cause: concern.cause,
                    is_elsewhere,
                });
            }
        }
        concerned
    }

    /// Those that are called now.
    fn chosen(&self, concerned: &[Concerned]) -> Vec<(Changing, ChangingCause, Record)> {
        let (tree, now) = (&self.tree, self.tree.now());
        let attempts = {
            let grown = tree.grown();
            grown.cycle.attempts()
        };
        let mut ready = Vec::new();
        for one in concerned {
            let is_called = self.called().contains(&one.handler.id);
            if let (false, Turn::Now(record)) = (is_called, self.turn(one, now)) {
                ready.push((one.handler.clone(), one.cause.clone(), record));
            }
        }
        let occasion = Occasion {
            uid: tree.cause.body.uid(),
            attempts,
        };
        let settings = &tree.context.settings.execution;
        choose(settings, occasion, ready, |(_, _, record)| record.retries)
    }

    async fn call(&self, handler: Changing, cause: ChangingCause, record: Record) {
        let tree = &self.tree;
        self.called().insert(handler.id.clone());
        let field = handler.filter.field.as_ref().or(self.field.as_ref());
        let patch = Patch::new();
        let cause = field.map_or_else(|| cause.clone(), |field| cause.narrowed(field));
        let below = self.below(&handler, (&record, &patch));
        let call = Call {
            cause: cause.with_patch(patch.clone()),
            memos: tree.memos.clone(),
            role: "sub-handler",
            default_mode: ErrorsMode::Temporary,
            discreet_about: None,
            handler,
        };
        let environment = &tree.context.environment;
        let (record, outcome) = attempt_parted(&call, &record, environment, Some(&below)).await;
        let id = &call.handler.id;
        tell(&tree.context, (&tree.kind, &tree.cause), id, &record);
        let mut grown = tree.grown();
        grown.change.extend(patch.take());
        let result = outcome.and_then(|outcome| outcome.result);
        grown.change.extend(delivered(id, result));
        let above = self.line.iter().map(|(id, record)| (&**id, record));
        grown.cycle.link(above, id);
        let registered = below.whole_ids();
        grown.cycle.conclude(id, record, &registered, &tree.essence);
        grown.finished = Some(Instant::now());
        tree.news.notify_one();
    }

    /// The sub-handlers of one of these.
    fn below(&self, handler: &Changing, (record, patch): (&Record, &Patch)) -> Subhandlers {
        let mut line = self.line.clone();
        line.push((handler.id.clone(), record.clone()));
        let field = handler.filter.field.as_ref().or(self.field.as_ref());
        let branch = Self {
            tree: self.tree.clone(),
            line,
            field: field.cloned(),
            patch: patch.clone(),
            called: Mutex::default(),
        };
        Subhandlers::new(handler.id.as_str().into(), Arc::new(branch))
    }

    /// What has become of all; an error, if some are not finished.
    fn outcomes(&self, concerned: &[Concerned]) -> Result<Outcomes, ExecuteError> {
        let (now, parent) = (self.tree.now(), self.parent());
        let (mut outcomes, mut due) = (Vec::new(), None::<Timestamp>);
        for one in concerned {
            let next = match self.turn(one, now) {
                Turn::Now(_) => now,
                Turn::At(at) => at,
                Turn::Done => {
                    let whole = &one.handler.id;
                    let id = whole[parent.len() + 1..].to_owned();
                    outcomes.push((id, self.tree.grown().cycle.failure(whole)));
                    continue;
                }
            };
            due = Some(due.map_or(next, |other| other.min(next)));
        }
        match due {
            None => Ok(Outcomes::new(outcomes)),
            Some(due) => Err(ExecuteError::Unfinished {
                parent: parent.to_owned(),
                delay: elapsed(now, due),
            }),
        }
    }

    fn turn(&self, one: &Concerned, now: Timestamp) -> Turn {
        let tree = &self.tree;
        // It has finished with all that it is for, as if it were called once.
        let is_once = tree.is_once || one.is_elsewhere;
        let grown = tree.grown();
        let id = &one.handler.id;
        grown.cycle.turn(id, is_once, &tree.essence, now)
    }

    /// The id of the handler whose sub-handlers these are.
    fn parent(&self) -> &str {
        let (parent, _) = self.line.last().expect("a line ends with the parent");
        parent
    }

    fn called(&self) -> MutexGuard<'_, HashSet<String>> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells what has become of an attempt. That sub-handlers are waited for is no news.
pub(super) fn tell(
    context: &Context,
    (kind, cause): (&Kind, &ChangingCause),
    id: &str,
    record: &Record,
) {
    if record.is_finished() || record.message.is_some() {
        let about = (&*kind.resource, &cause.body);
        context.posting.attempted(about, id, record);
    }
}
