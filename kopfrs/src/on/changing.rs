//! `on::create`, `on::update`, `on::delete`, `on::resume`, `on::field`.

use super::builder::{Builder, Filtered, Kind, ObjectKind, Retried, Transitional};
use crate::cause::ChangingCause;
use crate::handler::{ChangingRule, returns};
use crate::object::FieldPath;
use crate::resource::Selector;

/// One kind a row: its type, its functions, and its rule.
macro_rules! changes {
    ($($(#[$doc:meta])* $kind:ident $function:ident $function_of:ident $rule:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}

        impl Kind for $kind {
            type Cause = ChangingCause;
            type Returns = returns::Stored;
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
    Create create create_of ChangingRule::create();
    /// Called when the essence of an object has changed.
    Update update update_of ChangingRule::update();
    /// Called when an object is to be deleted; deletion waits for it.
    Delete delete delete_of ChangingRule::delete(false);
    /// Called after a restart of the operator for objects that it has handled before.
    Resume resume resume_of ChangingRule::resume(false);
}

impl Transitional for Update {}

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
