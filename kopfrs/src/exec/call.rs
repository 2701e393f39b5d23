//! What a program is told.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::Actions;
use crate::cause::{ChangingCause, Reason};
use crate::extract::{ArgError, Argument, Extract};
use crate::handler::Invocation;
use crate::lifecycle::Operation;
use crate::object::{Body, FieldPath, ObjectKey, digest};

/// What a program is to do, and all that it is told about it: an argument of handlers of changes.
///
/// Programs get it as one JSON document, see [`document`](Call::document).
///
/// # Examples
/// ```no_run
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::exec::{self, Runner as _};
/// use kopfrs::lifecycle::Report;
/// use kopfrs::prelude::*;
///
/// # #[cfg(unix)]
/// #[on::create(ConfigMap)]
/// async fn create(call: exec::Call) -> Result<Report> {
///     exec::Process::new("./manager").run(&call).await
/// }
/// ```
#[derive(Clone)]
pub struct Call {
    operation: Operation,
    object: Body,
    last_applied: Option<Value>,
    payload: Option<Value>,
    attempt: u32,
    actions: Option<Actions>,
}

impl Call {
    /// A call for an operation on an object.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::exec::Call;
    /// use kopfrs::lifecycle::Operation;
    /// use kopfrs::object::Body;
    /// use serde_json::json;
    ///
    /// let site = json!({
    ///     "apiVersion": "example.com/v1", "kind": "Site",
    ///     "metadata": {"name": "web", "namespace": "demo", "managedFields": []},
    ///     "spec": {"size": 1}, "status": {"payload": {"id": 17}},
    /// });
    /// let call = Call::new(Operation::Verify, Body::new(site)).last_applied(json!({"size": 2})).attempt(3);
    /// let document = call.document();
    /// assert_eq!(document["operation"], "verify");
    /// assert_eq!(document["object"]["metadata"], json!({"name": "web", "namespace": "demo"}));
    /// assert_eq!(document["lastApplied"]["size"], 2);
    /// assert_eq!(document["payload"]["id"], 17);
    /// assert_eq!(document["attempt"], 3);
    /// ```
    pub fn new(operation: Operation, object: Body) -> Self {
        let mut object = object.into_value();
        FieldPath::new(["metadata", "managedFields"]).remove(&mut object);
        Self {
            operation,
            object: Body::new(object),
            last_applied: None,
            payload: None,
            attempt: 0,
            actions: None,
        }
    }

    /// Sets the spec as it was applied last.
    pub fn last_applied(mut self, spec: impl Into<Value>) -> Self {
        self.last_applied = Some(spec.into()).filter(|spec| !spec.is_null());
        self
    }

    /// Sets what the operation before has left. It is what the object has in `status.payload` otherwise.
    pub fn with_payload(mut self, payload: impl Into<Value>) -> Self {
        self.payload = Some(payload.into());
        self
    }

    /// Sets how often this was tried before.
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets what requests to the API are made with: runners that make Pods and Jobs need it.
    pub fn actions(mut self, actions: Actions) -> Self {
        self.actions = Some(actions);
        self
    }

    /// What is to be done.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The whole object, less `metadata.managedFields`.
    pub fn object(&self) -> &Body {
        &self.object
    }

    /// Namespace and name of the object.
    pub fn key(&self) -> ObjectKey {
        self.object.key()
    }

    /// What the operation before has left, or null.
    pub fn payload(&self) -> &Value {
        let in_status = &self.object.status()["payload"];
        self.payload.as_ref().unwrap_or(in_status)
    }

    /// What the program reads:
    ///
    /// | member | value |
    /// |---|---|
    /// | `operation` | `create`, `update`, `verify` or `delete` |
    /// | `object` | the whole object, less `metadata.managedFields` |
    /// | `lastApplied` | the spec as it was applied last, or null; secrets are not kept: they are as they are now |
    /// | `payload` | what the operation before has left, or null |
    /// | `attempt` | how often this was tried before, counted from 0 |
    ///
    /// There may be more members in the future.
    pub fn document(&self) -> Value {
        json!({
            "operation": self.operation.name(),
            "object": self.object.as_value(),
            "lastApplied": self.last_applied,
            "payload": self.payload(),
            "attempt": self.attempt,
        })
    }

    /// How often this was tried before.
    pub(super) fn attempts(&self) -> u32 {
        self.attempt
    }

    pub(super) fn api(&self) -> Option<&Actions> {
        self.actions.as_ref()
    }

    /// A fingerprint of the task: the same as long as the same is to be done to the same object. What is only told about
    /// it, such as the status and the attempt, does not count.
    pub(super) fn fingerprint(&self) -> String {
        let content = self.object.as_value().as_object().into_iter().flatten();
        let content = content.filter(|(key, _)| !matches!(&***key, "metadata" | "status"));
        let content: serde_json::Map<String, Value> = content
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        digest(&json!([self.operation.name(), self.object.uid(), content]))
    }
}

/// It must not tell the secrets of the object.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .field("object", &self.object)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} {}",
            self.operation,
            self.object.kind(),
            self.key()
        )
    }
}

impl<'a> Extract<'a, ChangingCause> for Call {
    fn extract(
        invocation: &'a Arc<Invocation<ChangingCause>>,
        argument: &Argument,
    ) -> Result<Self, ArgError> {
        let cause = &invocation.cause;
        let operation = operation(cause.reason).ok_or_else(|| {
            argument.error(format!(
                "there is no operation for the reason {}: only create, update, verify and delete handlers can call programs",
                cause.reason
            ))
        })?;
        let mut call = Self::new(operation, cause.body.clone()).attempt(invocation.attempt.retry);
        if let Some(old) = cause.old.as_deref().and_then(|old| old.get("spec")) {
            call = call.last_applied(old.clone());
        }
        // Where the schema of the status has no place for it.
        let settings = invocation.environment.settings.get();
        let key = format!(
            "{}/payload",
            settings.persistence.of(&cause.resource).prefix()
        );
        let kept = cause.body.annotation(&key);
        if let Some(payload) = kept.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            call = call.with_payload(payload);
        }
        if invocation.environment.client().is_some() {
            call.actions = Some(Actions::extract(invocation, argument)?);
        }
        Ok(call)
    }
}

/// The operation that a handler is called for.
fn operation(reason: Reason) -> Option<Operation> {
    match reason {
        Reason::Create => Some(Operation::Create),
        Reason::Update => Some(Operation::Update),
        Reason::Delete => Some(Operation::Delete),
        Reason::Verify => Some(Operation::Verify),
        Reason::Resume | Reason::Complete | Reason::Reconcile => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(object: Value) -> Call {
        Call::new(Operation::Create, Body::new(object))
    }

    #[test]
    fn the_document_has_all_members_whether_there_is_something_in_them_or_not() {
        let document = call(json!({"metadata": {"name": "a"}})).document();
        let expected = json!({
            "operation": "create", "object": {"metadata": {"name": "a"}},
            "lastApplied": null, "payload": null, "attempt": 0,
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn the_fingerprint_is_of_the_task_alone() {
        let of = |spec: i64, rest: &str| json!({"metadata": {"uid": "u", "resourceVersion": rest}, "spec": {"a": spec}, "status": {"b": rest}});
        let one = call(of(1, "x")).fingerprint();
        assert_eq!(
            one,
            call(of(1, "y"))
                .attempt(2)
                .last_applied(json!({}))
                .fingerprint()
        );
        assert_ne!(one, call(of(2, "x")).fingerprint());
        assert_ne!(
            one,
            Call::new(Operation::Update, Body::new(of(1, "x"))).fingerprint()
        );
    }

    #[test]
    fn a_call_does_not_tell_the_spec() {
        let call = call(
            json!({"kind": "Site", "metadata": {"name": "a"}, "spec": {"password": "hunter2"}}),
        );
        assert!(!format!("{call:?} {call}").contains("hunter2"));
    }
}
