//! `on::reconcile`.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::builder::{Builder, Filtered, Kind, ObjectKind, Retried};
use crate::cause::ChangingCause;
use crate::handler::{ChangingRule, Relation, returns};
use crate::object::ObjectKey;
use crate::reconcile::Policy;
use crate::resource::Selector;

/// Called for whatever happens to an object, or to what it depends on.
#[derive(Debug)]
pub enum Reconcile {}

impl Kind for Reconcile {
    type Cause = ChangingCause;
    type Returns = returns::Reconciled;
}

impl Retried for Reconcile {}
impl Filtered for Reconcile {}

/// Called for whatever happens to an object, or to what it depends on.
#[track_caller]
pub fn reconcile<K: ObjectKind>() -> Builder<Reconcile> {
    reconcile_of(Selector::of::<K>())
}

/// The same for kinds that are named, not typed.
#[track_caller]
pub fn reconcile_of(selector: Selector) -> Builder<Reconcile> {
    Builder::begin(Some(selector), ChangingRule::reconcile())
}

impl Builder<Reconcile> {
    fn with_policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = self.rule.reconcile.unwrap_or_default();
        change(&mut policy);
        self.rule.reconcile = Some(policy);
        self
    }

    /// For how many objects the handler is called at once; without it for all, and zero counts as one.
    pub fn concurrency(self, concurrency: usize) -> Self {
        self.with_policy(|policy| policy.concurrency = Some(concurrency.max(1)))
    }

    /// How often the handler is called for an object to which nothing happens; 10 minutes by default, zero is
    /// never.
    pub fn resync(self, resync: Duration) -> Self {
        self.with_policy(|policy| policy.resync = (!resync.is_zero()).then_some(resync))
    }

    /// Called also for what happens to objects of another kind, as the relation says.
    pub fn related(mut self, relation: Relation) -> Self {
        self.rule.relations.push(relation);
        self
    }

    /// Called also for what happens to objects of another kind that the object controls, as their owner
    /// references say.
    pub fn owns<K: ObjectKind>(self) -> Self {
        self.related(Relation::owned(Selector::of::<K>()))
    }

    /// Called also for what happens to objects of another kind, for the objects that `map` names. A name
    /// without a namespace is in that of the other object.
    ///
    /// # Examples
    /// ```
    /// use k8s_openapi::api::core::v1::{ConfigMap, Secret};
    /// use kopfrs::prelude::*;
    ///
    /// let handler = on::reconcile::<ConfigMap>()
    ///     .watches(|secret: Arc<Secret>| secret.labels().get("for").cloned())
    ///     .id("apply")
    ///     .run(async |body: Body| println!("{}", body.name()));
    /// assert_eq!(handler.rule.relations.len(), 1);
    /// ```
    pub fn watches<K, I>(self, map: impl Fn(Arc<K>) -> I + Send + Sync + 'static) -> Self
    where
        K: ObjectKind + DeserializeOwned,
        I: IntoIterator<Item: Into<ObjectKey>>,
    {
        self.related(Relation::watched(Selector::of::<K>(), map))
    }

    /// Called also for what happens to those objects of another kind that `name` names, by the object itself. A
    /// name without a namespace is in that of the object.
    pub fn uses<K, O, I>(self, name: impl Fn(Arc<O>) -> I + Send + Sync + 'static) -> Self
    where
        K: ObjectKind,
        O: DeserializeOwned,
        I: IntoIterator<Item: Into<ObjectKey>>,
    {
        self.related(Relation::used(Selector::of::<K>(), name))
    }
}
