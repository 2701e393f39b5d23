//! Families of handlers: those that share their arguments and their rules.

use std::fmt;

use super::{Relation, SpawningRule};
use crate::cause::{
    Activity, ActivityCause, ChangingCause, IndexingCause, Reason, SpawningCause, WatchingCause,
};
use crate::index::IndexShape;
use crate::lifecycle::Policy;
use crate::reconcile;

/// The cause of a family of handlers; names the family in types.
pub trait Family: Clone + Send + Sync + 'static {
    /// What is special to the family's handlers.
    type Rule: fmt::Debug + Clone + Send + Sync;

    /// The family, as error messages name it.
    const NAME: &'static str;

    /// Whether nobody is to be bothered with the successes of its handlers in the log.
    const IS_QUIET: bool = false;
}

/// When a handler of changes is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, as in Kopf's handlers"
)]
pub struct ChangingRule {
    /// The reason; `None` for any (resume and field handlers).
    pub reason: Option<Reason>,
    /// Only for objects that the operator sees for the first time since its start (resume).
    pub initial: bool,
    /// Resume also objects that are being deleted.
    pub deleted: bool,
    /// Deletion waits for the handler: the object needs our finalizer.
    pub requires_finalizer: bool,
    /// The handler's field must differ.
    pub needs_change: bool,
    /// It tells where an operation of a lifecycle has led, which only verification understands.
    pub is_operation: bool,
    /// Of verification: how the lifecycle goes on by itself.
    pub policy: Option<Policy>,
    /// Of reconciliation: how often the handler is called.
    pub reconcile: Option<reconcile::Policy>,
    /// Other kinds: what happens there wakes the objects that the handler is for.
    pub relations: Vec<Relation>,
}

impl ChangingRule {
    /// `on::create`.
    pub fn create() -> Self {
        Self {
            reason: Some(Reason::Create),
            ..Self::default()
        }
    }

    /// `on::update`.
    pub fn update() -> Self {
        Self {
            reason: Some(Reason::Update),
            needs_change: true,
            ..Self::default()
        }
    }

    /// `on::delete`.
    pub fn delete(optional: bool) -> Self {
        Self {
            reason: Some(Reason::Delete),
            requires_finalizer: !optional,
            ..Self::default()
        }
    }

    /// `on::resume`.
    pub fn resume(deleted: bool) -> Self {
        Self {
            initial: true,
            deleted,
            ..Self::default()
        }
    }

    /// `on::verify`.
    pub fn verify() -> Self {
        Self {
            reason: Some(Reason::Verify),
            policy: Some(Policy::default()),
            ..Self::default()
        }
    }

    /// `on::complete`.
    pub fn complete() -> Self {
        Self {
            reason: Some(Reason::Complete),
            ..Self::default()
        }
    }

    /// `on::reconcile`.
    pub fn reconcile() -> Self {
        Self {
            reason: Some(Reason::Reconcile),
            reconcile: Some(reconcile::Policy::default()),
            ..Self::default()
        }
    }

    /// `on::field`.
    pub fn field() -> Self {
        Self {
            needs_change: true,
            ..Self::default()
        }
    }
}

impl ChangingRule {
    /// What the log calls a handler of this rule.
    pub(crate) fn role(&self) -> &'static str {
        match (self.reason, self.initial) {
            (Some(Reason::Create), _) => "create handler",
            (Some(Reason::Update), _) => "update handler",
            (Some(Reason::Delete), _) => "delete handler",
            (Some(Reason::Resume), _) | (None, true) => "resume handler",
            (Some(Reason::Verify), _) => "verify handler",
            (Some(Reason::Complete), _) => "complete handler",
            (Some(Reason::Reconcile), _) => "reconcile handler",
            (None, false) => "field handler",
        }
    }
}

impl Family for ActivityCause {
    type Rule = Activity;

    const NAME: &'static str = "activity handlers";
}

impl Family for WatchingCause {
    type Rule = ();

    const NAME: &'static str = "event handlers";
}

impl Family for SpawningCause {
    type Rule = SpawningRule;

    const NAME: &'static str = "daemons and timers";
}

/// What an index handler fills.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexingRule {
    /// The types of the index.
    pub shape: Option<IndexShape>,
}

impl Family for IndexingCause {
    type Rule = IndexingRule;

    const NAME: &'static str = "index handlers";
    // They are called for each event of each object.
    const IS_QUIET: bool = true;
}

impl Family for ChangingCause {
    type Rule = ChangingRule;

    const NAME: &'static str = "handlers of changes";
}

impl fmt::Display for ChangingRule {
    /// The name of the attribute.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role().trim_end_matches(" handler"))
    }
}
