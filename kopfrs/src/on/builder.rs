//! What all builders of handlers have in common.

use std::any::type_name;
use std::panic::Location as Caller;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::IntoCriterion;
use super::run::{BlockingFunction, Function, blocking};
use crate::cause::ObjectCause;
use crate::filter::Filter;
use crate::handler::{
    ErrorsMode, Family, Handler, HandlerError, Invocation, Location, Options, Outcome, Param,
    identity,
};
use crate::index::{IndexKey, IndexShape, IndexUse, IndexValue};
use crate::object::FieldPath;
use crate::resource::Selector;

/// A kind of handlers: the cause they are called with, and what they may return.
pub trait Kind {
    /// The cause.
    type Cause: Family;

    /// What is done with what they return.
    type Returns;

    /// Whether the field that a handler is about is a part of its id.
    const NAMES_FIELD: bool = true;

    /// Takes notice of the types of the index that the function fills.
    #[doc(hidden)]
    fn learn(_rule: &mut <Self::Cause as Family>::Rule, _shape: Option<IndexShape>) {}
}

/// Types that stand for a kind of objects: those of `k8s_openapi`, and those that
/// `#[derive(CustomResource)]` makes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of objects",
    label = "not a type that implements `kube::Resource`",
    note = "`#[derive(CustomResource)]` on a spec makes another type, named by `kind = \"…\"`: write that one",
    note = "kinds that have no type are written by name: `\"demos\"`, `(\"example.com\", \"v1\", \"demos\")`"
)]
pub trait ObjectKind: kube::Resource<DynamicType = ()> {}

#[diagnostic::do_not_recommend]
impl<K: kube::Resource<DynamicType = ()>> ObjectKind for K {}

/// Kinds whose handlers are tried again after errors.
pub trait Retried: Kind {}

/// Kinds whose handlers are for some objects only.
pub trait Filtered: Kind {}

/// Kinds whose handlers are for some transitions of a field only.
pub trait Transitional: Filtered {}

/// Declares one handler.
///
/// Every option of the attributes is a method here, under the same name.
#[derive(Debug)]
#[must_use = "a handler is declared by `run`, and added to a `Registry`"]
pub struct Builder<K: Kind> {
    id: Option<String>,
    function: Option<(String, String)>,
    location: Location,
    selector: Option<Selector>,
    options: Options,
    param: Option<ParamValue>,
    indices: Vec<IndexUse>,
    pub(super) filter: Filter<K::Cause>,
    pub(super) rule: <K::Cause as Family>::Rule,
}

struct ParamValue(Param);

impl std::fmt::Debug for ParamValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<value>")
    }
}

impl<K: Kind> Builder<K> {
    #[track_caller]
    pub(super) fn begin(selector: Option<Selector>, rule: <K::Cause as Family>::Rule) -> Self {
        let caller = Caller::caller();
        Self {
            id: None,
            function: None,
            location: Location {
                file: caller.file(),
                line: caller.line(),
                column: caller.column(),
                module: "",
            },
            selector,
            options: Options::default(),
            param: None,
            indices: Vec::new(),
            filter: Filter::default(),
            rule,
        }
    }

    /// Names the handler: in logs, in the stored progress, and in the status. By default it is the
    /// function's name. With `field`, the field is added to it.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// A value that the function gets as its argument `param`.
    pub fn param<T: Send + Sync + 'static>(mut self, param: T) -> Self {
        self.param = Some(ParamValue(Arc::new(param)));
        self
    }

    /// Says that the function takes an index: that there is such a one is checked before the operator starts.
    /// Attributes say so by themselves; closures need not, but hear of a mistake only when they ask for the index.
    ///
    /// # Examples
    /// ```
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::index::Indices;
    /// use kopfrs::prelude::*;
    ///
    /// let handler = on::create::<Pod>().id("create").uses_index::<String, u32>("sizes").run(
    ///     async |indices: Indices| -> Result<usize> { Ok(indices.get::<String, u32>("sizes")?.len()) },
    /// );
    /// let error = Operator::builder().registry(Registry::new().add(handler)).build().unwrap_err();
    /// assert!(error.to_string().contains("index `sizes`"), "{error}");
    /// ```
    pub fn uses_index<I: IndexKey, V: IndexValue>(self, id: &str) -> Self {
        self.using(Some(IndexUse::new(id, IndexShape::of::<I, V>())))
    }

    /// The same, if it is so.
    #[doc(hidden)]
    pub fn using(mut self, index: Option<IndexUse>) -> Self {
        self.indices.extend(index);
        self
    }

    /// Where the handler is declared, if not here.
    pub fn declared_at(mut self, location: Location) -> Self {
        self.location = location;
        self
    }

    /// The name of the function, and what is the same for all handlers made of it.
    #[doc(hidden)]
    pub fn function(mut self, name: &str, identity: String) -> Self {
        self.function = Some((name.to_owned(), identity));
        self
    }

    /// Declares the handler with an async function or closure; its arguments are known by their
    /// types.
    ///
    /// # Examples
    /// ```
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::object::{Diff, Patch};
    /// use kopfrs::on;
    ///
    /// let greeting = String::from("hello");
    /// let handler = on::update::<Pod>().id("greet").run(move |diff: Diff, patch: Patch| {
    ///     let greeting = greeting.clone();
    ///     async move { patch.annotation("greeting", greeting.as_str()); println!("{diff}"); }
    /// });
    /// assert_eq!(handler.id, "greet");
    /// ```
    pub fn run<F, M>(mut self, function: F) -> Handler<K::Cause>
    where
        F: Function<K::Cause, K::Returns, M>,
    {
        K::learn(&mut self.rule, function.shape());
        self.named_after::<F>()
            .call(move |invocation| function.call(invocation))
    }

    /// Declares the handler with a function or closure that blocks its thread; it gets one of the
    /// blocking pool.
    pub fn run_blocking<F, M>(mut self, function: F) -> Handler<K::Cause>
    where
        F: BlockingFunction<K::Cause, K::Returns, M>,
    {
        K::learn(&mut self.rule, function.shape());
        self.named_after::<F>()
            .call_blocking(move |invocation| function.call(invocation))
    }

    /// Declares the handler with a callback.
    #[doc(hidden)]
    pub fn call<F>(self, call: F) -> Handler<K::Cause>
    where
        F: Fn(Arc<Invocation<K::Cause>>) -> BoxFuture<'static, Result<Outcome, HandlerError>>
            + Send
            + Sync
            + 'static,
    {
        let location = self.location;
        let (name, function) = self
            .function
            .unwrap_or_else(|| (String::new(), location.to_string()));
        let mut id = self.id.unwrap_or(name);
        if let Some(field) = self.filter.field.as_ref().filter(|_| K::NAMES_FIELD) {
            id = format!("{id}/{field}");
        }
        Handler {
            id,
            selector: self.selector,
            options: self.options,
            filter: self.filter,
            rule: self.rule,
            param: self.param.map(|param| param.0),
            indices: self.indices,
            location,
            function,
            is_blocking: false,
            call: Arc::new(call),
        }
    }

    /// Declares the handler with a callback for the blocking pool.
    #[doc(hidden)]
    pub fn call_blocking<F>(self, call: F) -> Handler<K::Cause>
    where
        F: Fn(Arc<Invocation<K::Cause>>) -> Result<Outcome, HandlerError> + Send + Sync + 'static,
    {
        let call = Arc::new(call);
        let handler = self.call(move |invocation| {
            let call = call.clone();
            let environment = invocation.environment.clone();
            Box::pin(blocking(environment, move || call(invocation)))
        });
        Handler {
            is_blocking: true,
            ..handler
        }
    }

    /// A function is named by its path; a closure by where it is declared.
    fn named_after<F: 'static>(self) -> Self {
        if self.function.is_some() {
            return self;
        }
        let path = type_name::<F>();
        let name = match path.rsplit("::").next() {
            Some(name) if !name.contains('{') => name.to_owned(),
            _ => {
                let file = self.location.file.rsplit(['/', '\\']).next();
                format!(
                    "closure-{}-{}",
                    file.unwrap_or_default(),
                    self.location.line
                )
            }
        };
        self.function(&name, identity::<F>())
    }
}

impl<K: Kind> Builder<K> {
    /// Somebody waits for the answer: there is one attempt.
    pub(super) fn in_one_attempt(mut self) -> Self {
        self.options.retries = Some(1);
        self
    }
}

impl<K: Retried> Builder<K> {
    /// What errors mean that say nothing of it themselves.
    pub fn errors(mut self, errors: ErrorsMode) -> Self {
        self.options.errors = Some(errors);
        self
    }

    /// No attempt begins later than this after the beginning of the first one.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// How many attempts there may be in total.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// How long to wait after an error that does not say so itself.
    pub fn backoff(mut self, backoff: Duration) -> Self {
        self.options.backoff = Some(backoff);
        self
    }
}

impl<K: Filtered> Builder<K>
where
    K::Cause: ObjectCause,
{
    /// Only for objects with this label: a text, `PRESENT`, `ABSENT`, or a function of
    /// `Option<&str>`.
    pub fn label<M>(mut self, key: &str, criterion: impl IntoCriterion<str, M>) -> Self {
        let criterion = criterion.into_criterion();
        self.filter.labels.push((key.to_owned(), criterion));
        self
    }

    /// Only for objects with this annotation; as for labels.
    pub fn annotation<M>(mut self, key: &str, criterion: impl IntoCriterion<str, M>) -> Self {
        let criterion = criterion.into_criterion();
        self.filter.annotations.push((key.to_owned(), criterion));
        self
    }

    /// Only for causes of which this says so; asked last.
    pub fn when(mut self, when: impl Fn(&K::Cause) -> bool + Send + Sync + 'static) -> Self {
        self.filter.when = Some(Arc::new(when));
        self
    }

    /// Only for objects that have this field; `old`, `new` and `diff` are the field's then.
    pub fn field(mut self, field: FieldPath) -> Self {
        self.filter.field = Some(field);
        self
    }

    /// Only if the field is so, of changes before or after: a value, `PRESENT`, `ABSENT`, or a
    /// function of `Option<&Value>`.
    pub fn value<M>(mut self, value: impl IntoCriterion<Value, M>) -> Self {
        self.filter.value = Some(value.into_criterion());
        self
    }
}

impl<K: Transitional> Builder<K>
where
    K::Cause: ObjectCause,
{
    /// Only if the field was so before the change.
    pub fn old<M>(mut self, old: impl IntoCriterion<Value, M>) -> Self {
        self.filter.old = Some(old.into_criterion());
        self
    }

    /// Only if the field is so after the change.
    pub fn new<M>(mut self, new: impl IntoCriterion<Value, M>) -> Self {
        self.filter.new = Some(new.into_criterion());
        self
    }
}
