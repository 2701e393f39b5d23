//! `on::create`, `on::update`, `on::delete`, `on::resume`, `on::verify`, `on::complete`, `on::field`.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::builder::{Builder, Filtered, Kind, ObjectKind, Retried, Transitional};
use crate::cause::ChangingCause;
use crate::handler::{ChangingRule, Relation, returns};
use crate::lifecycle::Policy;
use crate::object::{FieldPath, ObjectKey};
use crate::resource::Selector;

/// One kind a row: its type, its functions, and its rule.
macro_rules! changes {
    ($($(#[$doc:meta])* $kind:ident $function:ident $function_of:ident $returns:ident $rule:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}

        impl Kind for $kind {
            type Cause = ChangingCause;
            type Returns = returns::$returns;
        }

        impl Retried for $kind {}
        impl Filtered for $kind {}

        $(#[$doc])*
        #[track_caller]
        pub fn $function<K: ObjectKind>() -> Builder<$kind> {
            $function_of(Selector::of::<K>())
        }

        /// The same for kinds that are named, not typed.
        #[track_caller]
        pub fn $function_of(selector: Selector) -> Builder<$kind> {
            Builder::begin(Some(selector), $rule)
        }
    )*};
}

changes! {
    /// Called for an object that is new to the operator.
    Create create create_of Applied ChangingRule::create();
    /// Called when the essence of an object has changed.
    Update update update_of Applied ChangingRule::update();
    /// Called when an object is to be deleted; deletion waits for it.
    Delete delete delete_of Deleted ChangingRule::delete(false);
    /// Called after a restart of the operator for objects that it has handled before.
    Resume resume resume_of Stored ChangingRule::resume(false);
    /// Called to find out how the thing is that an object stands for: what it finds decides which of the
    /// other handlers is called.
    Verify verify verify_of Verified ChangingRule::verify();
    /// Called when the thing that an object stands for is there for the first time, before that is told.
    Complete complete complete_of Stored ChangingRule::complete();
}

impl Transitional for Update {}

impl<K: Kind<Cause = ChangingCause>> Builder<K> {
    /// What the function returns is only understood beside a verify handler.
    #[doc(hidden)]
    pub fn is_operation(mut self) -> Self {
        self.rule.is_operation = true;
        self
    }
}

impl Builder<Delete> {
    /// Does not let deletion wait: the handler may be missed.
    pub fn optional(mut self, is_optional: bool) -> Self {
        self.rule = ChangingRule::delete(is_optional);
        self
    }
}

impl Builder<Resume> {
    /// Also for objects that are being deleted.
    pub fn deleted(mut self, is_for_deleted: bool) -> Self {
        self.rule = ChangingRule::resume(is_for_deleted);
        self
    }
}

impl Builder<Verify> {
    fn with_policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = self.rule.policy.unwrap_or_default();
        change(&mut policy);
        self.rule.policy = Some(policy);
        self
    }

    /// How long to wait before looking again at what is on its way; 30 s by default.
    pub fn poll(self, poll: Duration) -> Self {
        self.with_policy(|policy| policy.poll = poll)
    }

    /// How often to look at what is there, in case that somebody has changed it; 10 minutes by default, zero is never.
    pub fn resync(self, resync: Duration) -> Self {
        self.with_policy(|policy| policy.resync = (!resync.is_zero()).then_some(resync))
    }

    /// Does not look any more at what has been there once, until the object changes.
    pub fn once(self, is_once: bool) -> Self {
        self.with_policy(|policy| policy.is_once = is_once)
    }

    /// Leaves what has failed until the object changes.
    pub fn park(self, is_parked: bool) -> Self {
        self.with_policy(|policy| policy.is_parked = is_parked)
    }

    /// Waits for the objects of another kind that `name` names by the object: nothing is done before they are ready. A
    /// name without a namespace is in that of the object.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use k8s_openapi::api::core::v1::{ConfigMap, Secret};
    /// use kopfrs::lifecycle::Verified;
    /// use kopfrs::prelude::*;
    ///
    /// let handler = on::verify::<ConfigMap>()
    ///     .depends::<Secret, _, _>(|map: Arc<ConfigMap>| map.labels().get("secret").cloned())
    ///     .id("look")
    ///     .run(async || Verified::Ready);
    /// assert_eq!(handler.rule.relations.len(), 1);
    /// ```
    pub fn depends<K, O, I>(self, name: impl Fn(Arc<O>) -> I + Send + Sync + 'static) -> Self
    where
        K: ObjectKind,
        O: DeserializeOwned,
        I: IntoIterator<Item: Into<ObjectKey>>,
    {
        self.related(Relation::used(Selector::of::<K>(), name))
    }

    /// The same, and the object becomes a child of the one that `name` names: it goes with it.
    pub fn owner<K, O, I>(self, name: impl Fn(Arc<O>) -> I + Send + Sync + 'static) -> Self
    where
        K: ObjectKind,
        O: DeserializeOwned,
        I: IntoIterator<Item: Into<ObjectKey>>,
    {
        self.related(Relation::owner(Selector::of::<K>(), name))
    }

    /// Waits for the objects that the relation names.
    pub fn related(mut self, relation: Relation) -> Self {
        self.rule.relations.push(relation);
        self
    }

    /// Lets an object go whose thing could not be deleted.
    pub fn orphan(self, is_orphaned: bool) -> Self {
        self.with_policy(|policy| policy.is_orphaned = is_orphaned)
    }
}

/// Called when one field of an object has changed, for whatever reason.
#[derive(Debug)]
pub enum Field {}

impl Kind for Field {
    type Cause = ChangingCause;
    type Returns = returns::Stored;
}

impl Retried for Field {}
impl Filtered for Field {}
impl Transitional for Field {}

/// A handler of a field that does not know yet which.
#[derive(Debug)]
#[must_use = "say which field it is for: `.field(…)`"]
pub struct FieldBuilder(Builder<Field>);

impl FieldBuilder {
    /// Which field it is for.
    pub fn field(self, field: FieldPath) -> Builder<Field> {
        self.0.field(field)
    }
}

/// Called when one field of an object has changed, for whatever reason.
#[track_caller]
pub fn field<K: ObjectKind>() -> FieldBuilder {
    field_of(Selector::of::<K>())
}

/// The same for kinds that are named, not typed.
#[track_caller]
pub fn field_of(selector: Selector) -> FieldBuilder {
    FieldBuilder(Builder::begin(Some(selector), ChangingRule::field()))
}
