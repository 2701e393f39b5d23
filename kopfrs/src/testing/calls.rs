//! The calls of handlers, with what came of them: noted by wrapping the handlers, so that the operator is what it is
//! elsewhere.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::cause::{
    ActivityCause, AdmissionCause, ChangingCause, ConversionCause, IndexingCause, ObjectCause,
    SpawningCause, WatchingCause,
};
use crate::handler::{ErrorKind, Family, Handler, HandlerError, Invocation, Outcome};
use crate::object::ObjectKey;
use crate::registry::{Registered, Registry};

/// One call of a handler: one attempt.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// The handler's id.
    pub handler: String,
    /// Why it was called: `create`, `update`, `delete`, `resume`; of events `LISTED`, `ADDED`, `MODIFIED`,
    /// `DELETED`; of indices `index`; of reviews the operation, of conversions `v1alpha1 to v1`; of activities `startup`,
    /// `login`, `cleanup`.
    pub reason: String,
    /// The object; `None` in activities.
    pub object: Option<ObjectKey>,
    /// Which attempt it was, from 0.
    pub retry: u32,
    /// What came of it.
    pub end: CallEnd,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallEnd {
    /// Nothing yet: it is going on.
    Running,
    /// It has succeeded, and returned this; null if that was nothing.
    Returned(Value),
    /// It has failed.
    Failed(ErrorKind, String),
    /// It was cancelled in the middle: the operator was stopped or killed.
    Cancelled,
}

/// The calls of an operator's handlers up to a moment, in the order in which they began. It reads like a slice.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::testing::Cluster;
/// use kopfrs::{Registry, on};
///
/// #[kopfrs::test]
/// async fn it_is_called_once(cluster: Cluster) {
///     let handlers = Registry::new().add(on::create::<ConfigMap>().id("greet").run(async || "hello"));
///     let operator = cluster.operator().handlers(handlers).start().await;
///     cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").await;
///     operator.until_settled().await;
///     let calls = operator.calls().of("a");
///     assert_eq!(calls.len(), 1);
///     assert_eq!((&*calls[0].reason, calls[0].retry), ("create", 0));
/// }
/// # it_is_called_once();
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calls(Vec<Call>);

impl Calls {
    /// Those of one handler.
    pub fn handler(&self, id: &str) -> Self {
        self.matching(|call| call.handler == id)
    }

    /// Those about objects of a name.
    pub fn of(&self, name: &str) -> Self {
        self.matching(|call| call.object.as_ref().is_some_and(|key| key.name() == name))
    }

    /// Those that have succeeded.
    pub fn succeeded(&self) -> Self {
        self.matching(|call| matches!(call.end, CallEnd::Returned(_)))
    }

    /// Those that have failed.
    pub fn failed(&self) -> Self {
        self.matching(|call| matches!(call.end, CallEnd::Failed(..)))
    }

    /// Those for which something holds.
    pub fn matching(&self, holds: impl Fn(&Call) -> bool) -> Self {
        Self(self.iter().filter(|call| holds(call)).cloned().collect())
    }

    /// The ids of the handlers, in the order of the calls.
    pub fn ids(&self) -> Vec<&str> {
        self.iter().map(|call| &*call.handler).collect()
    }
}

impl Deref for Calls {
    type Target = [Call];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Call {
    /// `create of demo/a, attempt 0: returned "hello"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.handler)?;
        if self.handler != self.reason {
            write!(f, " ({})", self.reason)?;
        }
        if let Some(object) = &self.object {
            write!(f, " of {object}")?;
        }
        write!(f, ", attempt {}: ", self.retry)?;
        match &self.end {
            CallEnd::Running => f.write_str("is running"),
            CallEnd::Returned(Value::Null) => f.write_str("succeeded"),
            CallEnd::Returned(value) => write!(f, "returned {value}"),
            CallEnd::Failed(kind, message) => write!(f, "failed ({kind:?}): {message}"),
            CallEnd::Cancelled => f.write_str("was cancelled"),
        }
    }
}

/// Notes the calls of one operator.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Call>>>);

/// A call that is going on. Dropped without an end, it was cancelled.
struct Noted {
    calls: Recorder,
    index: usize,
}

impl Recorder {
    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All calls so far.
    pub(super) fn so_far(&self) -> Calls {
        Calls(self.calls().clone())
    }

    /// The same handlers, each call of which is noted.
    pub(super) fn record(&self, handlers: &Registry) -> Registry {
        let mut recorded = Registry::new();
        self.record_table::<ActivityCause>(handlers, &mut recorded);
        self.record_table::<IndexingCause>(handlers, &mut recorded);
        self.record_table::<WatchingCause>(handlers, &mut recorded);
        self.record_table::<ChangingCause>(handlers, &mut recorded);
        self.record_table::<SpawningCause>(handlers, &mut recorded);
        self.record_table::<AdmissionCause>(handlers, &mut recorded);
        self.record_table::<ConversionCause>(handlers, &mut recorded);
        assert_eq!(
            recorded.len(),
            handlers.len(),
            "the calls of every family are noted"
        );
        recorded
    }

    fn record_table<C: Told + Registered>(&self, handlers: &Registry, recorded: &mut Registry) {
        for handler in handlers.table::<C>() {
            recorded.push(self.around(handler));
        }
    }

    /// The same handler, each call of which is noted.
    fn around<C: Told>(&self, handler: &Handler<C>) -> Handler<C> {
        let (recorder, function) = (self.clone(), handler.call.clone());
        Handler {
            id: handler.id.clone(),
            selector: handler.selector.clone(),
            options: handler.options,
            filter: handler.filter.clone(),
            rule: handler.rule.clone(),
            param: handler.param.clone(),
            indices: handler.indices.clone(),
            location: handler.location,
            function: handler.function.clone(),
            is_blocking: handler.is_blocking,
            call: Arc::new(move |invocation| {
                let (recorder, function) = (recorder.clone(), function.clone());
                if let Some(subhandlers) = &invocation.subhandlers {
                    let recorder = recorder.clone();
                    subhandlers.wrap(Arc::new(move |handler| recorder.around(&handler)));
                }
                Box::pin(async move {
                    let noted = recorder.begin(&*invocation);
                    let result = function(invocation).await;
                    noted.end(&result);
                    result
                })
            }),
        }
    }

    fn begin<C: Told>(&self, invocation: &Invocation<C>) -> Noted {
        let mut calls = self.calls();
        calls.push(Call {
            handler: invocation.handler.to_string(),
            reason: invocation.cause.reason(),
            object: invocation.cause.object(),
            retry: invocation.attempt.retry,
            end: CallEnd::Running,
        });
        Noted {
            calls: self.clone(),
            index: calls.len() - 1,
        }
    }
}

impl Noted {
    fn end(self, result: &Result<Outcome, HandlerError>) {
        self.set(match result {
            Ok(outcome) => CallEnd::Returned(outcome.result.clone().unwrap_or_default()),
            Err(error) => CallEnd::Failed(error.kind(), error.to_string()),
        });
    }

    fn set(&self, end: CallEnd) {
        self.calls.calls()[self.index].end = end;
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let is_running = self.calls.calls()[self.index].end == CallEnd::Running;
        if is_running && std::thread::panicking() {
            self.set(CallEnd::Failed(
                ErrorKind::Panic,
                "it has panicked".to_owned(),
            ));
        } else if is_running {
            self.set(CallEnd::Cancelled);
        }
    }
}

/// What is told of a cause.
trait Told: Family {
    fn reason(&self) -> String;
    fn object(&self) -> Option<ObjectKey>;
}

impl Told for ActivityCause {
    fn reason(&self) -> String {
        self.activity.to_string()
    }

    fn object(&self) -> Option<ObjectKey> {
        None
    }
}

impl Told for IndexingCause {
    fn reason(&self) -> String {
        "index".to_owned()
    }

    fn object(&self) -> Option<ObjectKey> {
        Some(self.body.key())
    }
}

impl Told for WatchingCause {
    fn reason(&self) -> String {
        self.event.event_type.to_string()
    }

    fn object(&self) -> Option<ObjectKey> {
        Some(self.body().key())
    }
}

impl Told for SpawningCause {
    fn reason(&self) -> String {
        "background".to_owned()
    }

    fn object(&self) -> Option<ObjectKey> {
        Some(self.body.key())
    }
}

impl Told for ChangingCause {
    fn reason(&self) -> String {
        self.reason.to_string()
    }

    fn object(&self) -> Option<ObjectKey> {
        Some(self.body.key())
    }
}

impl Told for AdmissionCause {
    fn reason(&self) -> String {
        self.operation.to_string()
    }

    fn object(&self) -> Option<ObjectKey> {
        Some(self.body.key())
    }
}

impl Told for ConversionCause {
    fn reason(&self) -> String {
        format!("{} to {}", self.from, self.to)
    }

    fn object(&self) -> Option<ObjectKey> {
        Some(crate::object::Body::new((*self.object).clone()).key())
    }
}
