//! One served kind: its handlers, and how its objects are remembered.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::process::of_essence;
use crate::cause::{ChangingCause, IndexingCause, Reason, SpawningCause, WatchingCause};
use crate::handler::{Bond, Handler, Relation};
use crate::lifecycle::Policy;
use crate::object::{Body, FieldPath, essence};
use crate::resource::{Resource, Selector};
use crate::settings::PersistenceSettings;
use crate::storage::{StatusSchema, Storage, needs_owner_suffix};

/// The handlers of objects, in the order of their declaration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handlers {
    pub(crate) indexing: Vec<Arc<Handler<IndexingCause>>>,
    pub(crate) watching: Vec<Arc<Handler<WatchingCause>>>,
    pub(crate) changing: Vec<Arc<Handler<ChangingCause>>>,
    pub(crate) spawning: Vec<Arc<Handler<SpawningCause>>>,
}

/// A handler whose objects are woken by what happens to those of another kind.
#[derive(Clone, Debug)]
pub(crate) struct Interest {
    pub(crate) handler: Arc<Handler<ChangingCause>>,
    pub(crate) relation: Relation,
}

/// A kind that is served.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) resource: Arc<Resource>,
    pub(crate) handlers: Handlers,
    /// Nobody but index handlers wants its objects: of these, nothing needs to be known.
    pub(crate) is_only_indexed: bool,
    /// Who wants to be woken by what happens here.
    pub(crate) interests: Vec<Interest>,
    pub(crate) storage: Storage,
    pub(crate) finalizer: String,
    /// What its status keeps.
    pub(crate) status: StatusSchema,
    fields: Vec<FieldPath>,
}

impl Handlers {
    /// What these handlers ask for.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = &Selector> {
        let indexing = self.indexing.iter().filter_map(|h| h.selector.as_ref());
        let watching = self.watching.iter().filter_map(|h| h.selector.as_ref());
        let changing = self.changing.iter().filter_map(|h| h.selector.as_ref());
        let spawning = self.spawning.iter().filter_map(|h| h.selector.as_ref());
        let relations = self.changing.iter().flat_map(|h| &h.rule.relations);
        indexing
            .chain(watching)
            .chain(changing)
            .chain(spawning)
            .chain(relations.map(Relation::selector))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.indexing.is_empty()
            && self.watching.is_empty()
            && self.changing.is_empty()
            && self.spawning.is_empty()
    }

    /// Whether there are index handlers and no others.
    fn only_index(&self) -> bool {
        let others = Self {
            indexing: Vec::new(),
            ..self.clone()
        };
        !self.indexing.is_empty() && others.is_empty()
    }

    /// Whether handlers of objects ask for one of these selectors themselves.
    pub(crate) fn want(&self, is_wanted: impl Fn(&Selector) -> bool) -> bool {
        let is_wanted = |selector: Option<&Selector>| selector.is_some_and(&is_wanted);
        self.indexing.iter().any(|h| is_wanted(h.selector.as_ref()))
            || self.watching.iter().any(|h| is_wanted(h.selector.as_ref()))
            || self.changing.iter().any(|h| is_wanted(h.selector.as_ref()))
            || self.spawning.iter().any(|h| is_wanted(h.selector.as_ref()))
    }

    /// Who wants to be woken by what happens to objects of one of these selectors.
    fn interests(&self, is_wanted: impl Fn(&Selector) -> bool) -> Vec<Interest> {
        let mut interests = Vec::new();
        for handler in &self.changing {
            let relations = handler.rule.relations.iter();
            let wanted = relations.filter(|relation| is_wanted(relation.selector()));
            interests.extend(wanted.map(|relation| Interest {
                handler: handler.clone(),
                relation: relation.clone(),
            }));
        }
        interests
    }

    /// Those that want one of these selectors. A function that was declared several times under one
    /// id for the same occasion counts once.
    fn of(&self, is_wanted: impl Fn(&Selector) -> bool) -> Self {
        let is_wanted = |selector: &Option<Selector>| selector.as_ref().is_some_and(&is_wanted);
        Self {
            indexing: self
                .indexing
                .iter()
                .filter(|h| is_wanted(&h.selector))
                .cloned()
                .collect(),
            watching: self
                .watching
                .iter()
                .filter(|h| is_wanted(&h.selector))
                .cloned()
                .collect(),
            changing: self
                .changing
                .iter()
                .filter(|h| is_wanted(&h.selector))
                .cloned()
                .collect(),
            spawning: self
                .spawning
                .iter()
                .filter(|h| is_wanted(&h.selector))
                .cloned()
                .collect(),
        }
    }
}

impl Kind {
    /// Puts a kind together from what is declared, set, and discovered.
    pub(crate) fn new(
        resource: Arc<Resource>,
        handlers: &Handlers,
        is_wanted: impl Fn(&Selector) -> bool,
        (settings, schema): (&PersistenceSettings, StatusSchema),
    ) -> Self {
        let interests = handlers.interests(&is_wanted);
        let handlers = handlers.of(is_wanted);
        let persistence = settings.of(&resource);
        let ids: HashSet<&String> = handlers.changing.iter().map(|h| &h.id).collect();
        let watched = handlers
            .watching
            .iter()
            .filter_map(|h| h.filter.field.clone());
        let changed = handlers
            .changing
            .iter()
            .filter_map(|h| h.filter.field.clone());
        let spawned = handlers
            .spawning
            .iter()
            .filter_map(|h| h.filter.field.clone());
        let mut fields: Vec<_> = watched.chain(changed).chain(spawned).collect();
        fields.sort();
        fields.dedup();
        let storage = Storage {
            tracked: fields
                .iter()
                .filter(|field| !essence::is_usual(field))
                .cloned()
                .collect(),
            prefix: persistence.prefix().to_owned(),
            place: persistence.place(resource.has_subresource("status"), schema),
            keep: persistence.keep(),
            ids: ids.into_iter().cloned().collect(),
            owner_suffix: needs_owner_suffix(&resource.kind),
        };
        Self {
            is_only_indexed: handlers.only_index(),
            resource,
            handlers,
            interests,
            storage,
            finalizer: persistence.finalizer().to_owned(),
            status: schema,
            fields,
        }
    }

    /// The essence of one of its objects.
    pub(crate) fn essence(&self, body: &Body) -> Value {
        let mut essence = essence::essence(body, &self.fields);
        if self.policy().is_some() {
            essence::leave_out(&mut essence, &self.storage.prefix);
            if let Some((key, text)) = of_essence(self, body) {
                FieldPath::new(["metadata", "annotations", &*key]).set(&mut essence, text);
            }
        }
        essence
    }

    /// The fields that are compared beyond the usual essence.
    pub(crate) fn tracked(&self) -> &[FieldPath] {
        &self.storage.tracked
    }

    /// How the lifecycle of what its objects stand for goes on by itself, if that is verified.
    pub(crate) fn policy(&self) -> Option<Policy> {
        self.handlers.changing.iter().find_map(|h| h.rule.policy)
    }

    /// Whether functions name those of its objects that are to be woken.
    pub(crate) fn is_woken_by_name(&self) -> bool {
        let mut relations = self
            .handlers
            .changing
            .iter()
            .flat_map(|h| &h.rule.relations);
        relations.any(|relation| matches!(relation.bond, Bond::Mapped(_)))
    }

    /// Whether its objects depend on those of other kinds.
    pub(crate) fn has_relations(&self) -> bool {
        let mut handlers = self.handlers.changing.iter();
        handlers.any(|handler| !handler.rule.relations.is_empty())
    }

    /// Whether statuses have an endpoint of their own.
    pub(crate) fn has_status(&self) -> bool {
        self.resource.has_subresource("status")
    }

    /// Whether anybody cares for an object, whatever has happened to it.
    pub(crate) fn is_interested(&self, cause: &ChangingCause) -> bool {
        self.handlers
            .changing
            .iter()
            .any(|handler| handler.filter.prematches(cause))
    }

    /// Whether its objects are reconciled, as far as filters let them through.
    pub(crate) fn is_reconciled(&self) -> bool {
        let mut handlers = self.handlers.changing.iter();
        handlers.any(|handler| handler.rule.reason == Some(Reason::Reconcile))
    }

    /// The handler that reconciles an object.
    pub(crate) fn reconciler(&self, cause: &ChangingCause) -> Option<&Arc<Handler<ChangingCause>>> {
        let mut handlers = self.handlers.changing.iter();
        handlers.find(|handler| {
            handler.rule.reason == Some(Reason::Reconcile) && handler.filter.prematches(cause)
        })
    }

    /// Whether somebody's deletion handler must be waited for.
    pub(crate) fn needs_finalizer(&self, cause: &ChangingCause) -> bool {
        let mandatory = self
            .handlers
            .changing
            .iter()
            .filter(|h| h.rule.requires_finalizer);
        mandatory
            .into_iter()
            .any(|handler| handler.filter.prematches(cause))
    }

    /// Whether there are deletion handlers that no finalizer waits for.
    pub(crate) fn has_optional_deletion(&self) -> bool {
        let is_optional = |handler: &&Arc<Handler<ChangingCause>>| {
            handler.rule.reason == Some(Reason::Delete) && !handler.rule.requires_finalizer
        };
        self.handlers
            .changing
            .iter()
            .any(|handler| is_optional(&handler))
    }
}

/// Whether a handler is to be called for what has happened.
pub(crate) fn applies(handler: &Handler<ChangingCause>, cause: &ChangingCause) -> bool {
    let rule = &handler.rule;
    let is_deleting = cause.reason == Reason::Delete;
    rule.reason.is_none_or(|reason| reason == cause.reason)
        && (!rule.initial || cause.initial && (!is_deleting || rule.deleted))
        && handler.filter.matches(cause, rule.needs_change)
}
