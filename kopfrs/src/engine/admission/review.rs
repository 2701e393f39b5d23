//! From an AdmissionReview over the handlers to its answer.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tracing::{Instrument as _, info_span, warn};

use super::{Admission, Arrival, QuestionError, patch};
use crate::action::{Call, attempt_with};
use crate::cause::{AdmissionCause, Operation, Reason, UserInfo};
use crate::handler::{ErrorKind, ErrorsMode, Handler, HandlerError, Memos, Review};
use crate::object::Patch;
use crate::resource::Resource;
use crate::storage::Record;

/// The code of refusals that name none.
const REFUSED: u16 = 500;

impl Admission {
    /// Asks all handlers that a review is for. One that refuses keeps no other from being asked.
    pub(super) async fn review(
        &self,
        review: &Value,
        arrival: Arrival,
    ) -> Result<Value, QuestionError> {
        let request = &review["request"];
        if !request.is_object() {
            return Err(malformed("`request` is missing from the review"));
        }
        let insights = self.insights()?;
        let resource = self.resource(&request["resource"], &insights.resources)?;
        let asked = arrival.handler.clone();
        let cause = cause(request, resource, arrival)?;
        let handlers = if insights.has_namespace(request["namespace"].as_str()) {
            self.selected(&cause, asked.as_deref())
        } else {
            Vec::new()
        };
        let memos = self.memos_for(&cause);
        let body = &cause.body;
        let span = info_span!(
            "review",
            object = %body.key(), api_version = body.api_version(), kind = body.kind(), uid = body.uid(),
            operation = %cause.operation
        );
        let verdict = self.ask(&handlers, &cause, &memos).instrument(span).await;
        Ok(answer(review, &cause, verdict))
    }

    /// The resource that a review names, if handlers are for it.
    fn resource(
        &self,
        named: &Value,
        resources: &[Resource],
    ) -> Result<Arc<Resource>, QuestionError> {
        let text = |field: &str| {
            let text = named[field].as_str();
            text.ok_or_else(|| malformed(&format!("`request.resource.{field}` is missing")))
        };
        let (group, version, plural) = (text("group")?, text("version")?, text("resource")?);
        let is_named =
            |r: &&Resource| r.group == group && r.version == version && r.plural == plural;
        let named = format!("{plural}.{version}.{group}");
        let named = named.trim_end_matches('.');
        let mut found = resources.iter().filter(is_named);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(QuestionError::Ambiguous(format!(
                "the API serves {named} more than once"
            ))),
            (Some(resource), None) if self.is_wanted(resource, resources) => {
                Ok(Arc::new(resource.clone()))
            }
            (None | Some(_), None) => Err(QuestionError::Unknown(format!(
                "no handler here is for {named}"
            ))),
            (None, Some(_)) => unreachable!("the second is found after the first"),
        }
    }

    fn is_wanted(&self, resource: &Resource, resources: &[Resource]) -> bool {
        let mut handlers = self.handlers.iter();
        handlers.any(|handler| is_for(handler, resource, resources))
    }

    /// The handlers to be asked, a function of one id once.
    fn selected(
        &self,
        cause: &AdmissionCause,
        asked: Option<&str>,
    ) -> Vec<&Arc<Handler<AdmissionCause>>> {
        let mut selected: Vec<&Arc<Handler<AdmissionCause>>> = Vec::new();
        let handlers = self.handlers.iter();
        for handler in handlers.filter(|handler| asked.is_none_or(|id| handler.id == id)) {
            let is_meant = handler
                .selector
                .as_ref()
                .is_some_and(|s| s.matches(&cause.resource))
                && handler.rule.is_for(cause.operation)
                && handler
                    .rule
                    .is_for_subresource(cause.subresource.as_deref())
                && handler.filter.matches_body(cause);
            let is_new = selected
                .iter()
                .all(|other| (&other.function, &other.id) != (&handler.function, &handler.id));
            if is_meant && is_new {
                selected.push(handler);
            }
        }
        selected
    }

    /// What is kept for the object; of one that is to be created, nothing is.
    fn memos_for(&self, cause: &AdmissionCause) -> Memos {
        if cause.operation == Operation::Create {
            return Memos::default();
        }
        (self.recall)(&cause.resource, cause.body.uid()).unwrap_or_default()
    }

    async fn ask(
        &self,
        handlers: &[&Arc<Handler<AdmissionCause>>],
        cause: &AdmissionCause,
        memos: &Memos,
    ) -> Result<Value, HandlerError> {
        let mut errors = Vec::new();
        for handler in handlers {
            // What may not change anything gets nothing to change it with.
            let patch = match handler.rule.review {
                Review::Validating => Patch::new(),
                Review::Mutating => cause.patch.clone(),
            };
            let call = Call {
                handler: (*handler).clone(),
                cause: AdmissionCause {
                    patch,
                    ..cause.clone()
                },
                memos: memos.clone(),
                role: handler.rule.role(),
                default_mode: ErrorsMode::Permanent,
                discreet_about: None,
            };
            let record = Record::new(Reason::Create, self.environment.clock.now());
            let pause = std::time::Duration::ZERO;
            let (_, outcome) = attempt_with(&call, (&record, pause), &self.environment).await;
            errors.extend(outcome.err());
            if handler.rule.review == Review::Validating && !call.cause.patch.is_empty() {
                warn!(
                    "validate handler {:?} has a patch, which is not used; change objects with on::mutate",
                    handler.id
                );
            }
        }
        // The first of the weightiest is told.
        errors.sort_by_key(|error| weight(error.kind()));
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        let Some(object) = &cause.new else {
            if !cause.patch.is_empty() {
                warn!("what is being deleted cannot be changed: the patch is not used");
            }
            return Ok(Value::Array(Vec::new()));
        };
        patch::operations(object, &cause.patch.take())
    }
}

/// Whether a handler is for a resource, among all that there are.
pub(super) fn is_for(
    handler: &Handler<AdmissionCause>,
    resource: &Resource,
    resources: &[Resource],
) -> bool {
    let selected = handler.selector.as_ref().map(|s| s.select(resources));
    selected.is_some_and(|selected| selected.is_ok_and(|all| all.contains(&resource)))
}

/// Refusals of purpose are told before those by accident.
fn weight(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Admission(_) => 0,
        ErrorKind::Permanent => 1,
        ErrorKind::Temporary(_) | ErrorKind::Unfinished(_) => 2,
        ErrorKind::Arbitrary | ErrorKind::Panic | ErrorKind::Argument => 9,
    }
}

fn malformed(text: &str) -> QuestionError {
    QuestionError::Malformed(text.to_owned())
}

fn cause(
    request: &Value,
    resource: Arc<Resource>,
    arrival: Arrival,
) -> Result<AdmissionCause, QuestionError> {
    let operation = request["operation"]
        .as_str()
        .ok_or_else(|| malformed("`request.operation` is missing from the review"))?;
    let operation = operation
        .parse::<Operation>()
        .map_err(|error| malformed(&format!("`request.operation`: {error}")))?;
    if request["userInfo"].is_null() {
        return Err(malformed("`request.userInfo` is missing from the review"));
    }
    let userinfo: UserInfo = serde_json::from_value(request["userInfo"].clone())
        .map_err(|error| malformed(&format!("`request.userInfo`: {error}")))?;
    let present = |field: &str| Some(request[field].clone()).filter(Value::is_object);
    let (old, new) = (present("oldObject"), present("object"));
    if old.is_none() && new.is_none() {
        return Err(malformed(
            "both `request.object` and `request.oldObject` are missing from the review",
        ));
    }
    let subresource = request["subResource"].as_str().filter(|s| !s.is_empty());
    Ok(AdmissionCause {
        subresource: subresource.map(Arc::from),
        dryrun: request["dryRun"] == true,
        userinfo: Arc::new(userinfo),
        headers: arrival.headers,
        sslpeer: arrival.sslpeer,
        ..AdmissionCause::new(resource, operation, (old, new))
    })
}

fn answer(review: &Value, cause: &AdmissionCause, verdict: Result<Value, HandlerError>) -> Value {
    let mut response = Map::new();
    let uid = review["request"]["uid"].as_str().unwrap_or_default();
    response.insert("uid".to_owned(), uid.into());
    response.insert("allowed".to_owned(), verdict.is_ok().into());
    let warnings = cause.warnings.all();
    if !warnings.is_empty() {
        response.insert("warnings".to_owned(), warnings.into());
    }
    match verdict {
        Ok(patch) if patch.as_array().is_some_and(|patch| !patch.is_empty()) => {
            let encoded = STANDARD.encode(patch.to_string());
            response.insert("patch".to_owned(), encoded.into());
            response.insert("patchType".to_owned(), "JSONPatch".into());
        }
        Ok(_) => {}
        Err(error) => {
            let code = match error.kind() {
                ErrorKind::Admission(code) => code,
                ErrorKind::Permanent
                | ErrorKind::Temporary(_)
                | ErrorKind::Unfinished(_)
                | ErrorKind::Arbitrary
                | ErrorKind::Panic
                | ErrorKind::Argument => REFUSED,
            };
            let status = json!({"message": error.message(), "code": code});
            response.insert("status".to_owned(), status);
        }
    }
    let text = |field: &str, default: &str| review[field].as_str().unwrap_or(default).to_owned();
    json!({
        "apiVersion": text("apiVersion", "admission.k8s.io/v1"),
        "kind": text("kind", "AdmissionReview"),
        "response": response,
    })
}
