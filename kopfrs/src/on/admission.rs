//! `on::validate`, `on::mutate`, `on::convert`.

use super::builder::{Builder, Filtered, Kind, ObjectKind};
use crate::cause::{AdmissionCause, ConversionCause, Operation};
use crate::handler::{AdmissionRule, ConversionRule, Review, returns};
use crate::resource::Selector;

/// One kind a row: its type, its functions, and what its handlers may do.
macro_rules! reviews {
    ($($(#[$doc:meta])* $kind:ident $function:ident $function_of:ident $review:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}

        impl Kind for $kind {
            type Cause = AdmissionCause;
            type Returns = returns::Admitted;
        }

        impl Filtered for $kind {}

        $(#[$doc])*
        #[track_caller]
        pub fn $function<K: ObjectKind>() -> Builder<$kind> {
            $function_of(Selector::of::<K>())
        }

        /// The same for kinds that are named, not typed.
        #[track_caller]
        pub fn $function_of(selector: Selector) -> Builder<$kind> {
            Builder::begin(Some(selector), AdmissionRule::new(Review::$review)).in_one_attempt()
        }
    )*};
}

reviews! {
    /// Called before an object is created, changed or deleted; refuses that with an error.
    Validate validate validate_of Validating;
    /// Called before an object is stored; changes it with its patch, or refuses that with an error.
    Mutate mutate mutate_of Mutating;
}

impl<K: Kind<Cause = AdmissionCause>> Builder<K> {
    /// Only for these operations; without it for all of them.
    ///
    /// # Examples
    /// ```
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::cause::{Operation, Warnings};
    /// use kopfrs::on;
    ///
    /// let handler = on::validate::<Pod>()
    ///     .operations([Operation::Create, Operation::Update])
    ///     .id("warn")
    ///     .run(async |warnings: Warnings| warnings.push("pods are for deployments"));
    /// assert!(handler.rule.operations.is_some());
    /// ```
    pub fn operations(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.rule.operations = Some(operations.into_iter().collect());
        self
    }

    /// For a subresource instead of the object itself; `*` is for both.
    pub fn subresource(mut self, subresource: impl Into<String>) -> Self {
        self.rule.subresource = Some(subresource.into());
        self
    }

    /// Lets the API server ask while the operator is not running, too: requests are refused then, unless failures are
    /// ignored.
    pub fn persistent(mut self, is_persistent: bool) -> Self {
        self.rule.persistent = is_persistent;
        self
    }

    /// Says that the handler changes something else, unless it is a dry run.
    pub fn side_effects(mut self, has_side_effects: bool) -> Self {
        self.rule.side_effects = has_side_effects;
        self
    }

    /// Lets requests through when the handler cannot be asked.
    pub fn ignore_failures(mut self, are_ignored: bool) -> Self {
        self.rule.ignore_failures = are_ignored;
        self
    }
}

/// Called when an object of one version of its kind is wanted in another.
#[derive(Debug)]
pub enum Convert {}

impl Kind for Convert {
    type Cause = ConversionCause;
    type Returns = returns::Converted;
}

/// Called when an object of one version of its kind is wanted in another. Which versions say `from` and `to`.
#[track_caller]
pub fn convert<K: ObjectKind>() -> Builder<Convert> {
    convert_of(Selector::of::<K>())
}

/// The same for kinds that are named, not typed.
#[track_caller]
pub fn convert_of(selector: Selector) -> Builder<Convert> {
    Builder::begin(Some(selector), ConversionRule::default()).in_one_attempt()
}

impl Builder<Convert> {
    /// The version that it takes: `v1alpha1`.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::cause::ConversionCause;
    /// use kopfrs::handler::Invocation;
    /// use kopfrs::prelude::*;
    ///
    /// let selector = Selector::name("demos.example.com").unwrap();
    /// let handler = on::convert_of(selector).from("v1alpha1").to("v1").id("up").run(
    ///     async |call: Arc<Invocation<ConversionCause>>| {
    ///         let mut object = (*call.cause.object).clone();
    ///         object["spec"]["size"] = object["spec"]["count"].take();
    ///         object
    ///     },
    /// );
    /// assert_eq!(handler.rule.to_string(), "convert v1alpha1 to v1");
    /// ```
    pub fn from(mut self, version: impl Into<String>) -> Self {
        self.rule.from = version.into();
        self
    }

    /// The version that it makes: `v1`.
    pub fn to(mut self, version: impl Into<String>) -> Self {
        self.rule.to = version.into();
        self
    }
}
