//! Whether a webhook is asked about a request, and in which version.

use std::sync::Arc;

use serde_json::Value;

use super::{
    chain::{Chain, Question},
    condition::{self, Variables},
    denial,
    hook::{GROUP, Hook},
    review,
    rule::Asked,
};
use crate::{
    cluster::Cluster,
    conversion,
    error::{ApiError, Subject},
    object::{Form, Object},
    registry::Kind,
    strategy::view,
};

/// The kinds of this group, which say who is asked, are themselves nobody's business: they could lock everybody out.
pub(super) fn is_exempt(kind: &Kind) -> bool {
    kind.group == GROUP
        && matches!(
            kind.kind.as_str(),
            "ValidatingWebhookConfiguration"
                | "MutatingWebhookConfiguration"
                | "ValidatingAdmissionPolicy"
                | "ValidatingAdmissionPolicyBinding"
                | "MutatingAdmissionPolicy"
                | "MutatingAdmissionPolicyBinding"
        )
}

/// What a webhook is shown: objects in the version that its rules name.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) kind: Arc<Kind>,
    pub(super) object: Option<Value>,
    pub(super) old: Option<Value>,
}

/// `None` when the webhook is not concerned.
pub(super) async fn select(
    chain: &Chain<'_>,
    hook: &Hook,
    question: &Question<'_>,
) -> Result<Option<Invocation>, ApiError> {
    let in_namespace = matches_namespace(chain, hook, question);
    if matches!(in_namespace, Ok(false)) || !matches_object(hook, question) {
        return Ok(None);
    }
    let Some(kind) = concerned(chain, hook, question) else {
        return Ok(None);
    };
    in_namespace?;
    let invocation = Invocation {
        object: shown(chain, &kind, question.object).await?,
        old: shown(chain, &kind, question.old).await?,
        kind: kind.clone(),
    };
    let request = review::request("", chain, question, &invocation);
    let variables = Variables {
        object: invocation.object.as_ref().unwrap_or(&Value::Null),
        old: invocation.old.as_ref().unwrap_or(&Value::Null),
        request: &request,
    };
    let target = chain.target;
    let holds = condition::hold(hook, &variables)
        .map_err(|why| ApiError::forbidden(target.kind.subject(chain.name(question)), why, None))?;
    Ok(holds.then_some(invocation))
}

fn matches_namespace(
    chain: &Chain<'_>,
    hook: &Hook,
    question: &Question<'_>,
) -> Result<bool, ApiError> {
    let is_namespace = chain.target.kind.plural == "namespaces";
    let namespace = chain.namespace(question);
    if hook.namespaces.is_empty() || (namespace.is_empty() && !is_namespace) {
        return Ok(true);
    }
    // A namespace that is written has the labels that it will have.
    if is_namespace
        && chain.subresource.is_empty()
        && let Some(object) = question.object
    {
        return Ok(hook.namespaces.matches(object));
    }
    match stored_namespace(chain.cluster, namespace) {
        Some(stored) => Ok(hook.namespaces.matches(&stored.value)),
        None => Err(ApiError::not_found(Subject {
            group: "",
            resource: "namespaces",
            name: namespace,
        })),
    }
}

fn stored_namespace(cluster: &Cluster, name: &str) -> Option<Arc<Object>> {
    cluster.store.get("namespaces", name)
}

/// Either state of the object will do: one cannot escape by taking a label off.
fn matches_object(hook: &Hook, question: &Question<'_>) -> bool {
    let mut states = [question.object, question.old].into_iter().flatten();
    hook.objects.is_empty() || states.any(|state| hook.objects.matches(state))
}

/// The version that a rule names: the request's, or another one of the same resource.
fn concerned(chain: &Chain<'_>, hook: &Hook, question: &Question<'_>) -> Option<Arc<Kind>> {
    let own = &chain.target.kind;
    let namespace = chain.namespace(question);
    let asked = |kind| Asked {
        operation: question.operation.name(),
        kind,
        subresource: chain.subresource,
        namespace,
    };
    if hook.rules.iter().any(|rule| rule.is_for(&asked(own))) {
        return Some(own.clone());
    }
    if !hook.matches_equivalents {
        return None;
    }
    let kinds = chain.cluster.registry.kinds();
    let others: Vec<Arc<Kind>> = kinds.equivalents(own).cloned().collect();
    hook.rules.iter().find_map(|rule| {
        let meant = others.iter().find(|kind| rule.is_for(&asked(kind)));
        meant.cloned()
    })
}

/// An object of the request's version in another one.
async fn shown(
    chain: &Chain<'_>,
    to: &Kind,
    value: Option<&Value>,
) -> Result<Option<Value>, ApiError> {
    match value {
        Some(value) => convert(chain, (&chain.target.kind, to), value)
            .await
            .map(Some),
        None => Ok(None),
    }
}

/// And back.
pub(super) async fn restored(
    chain: &Chain<'_>,
    from: &Kind,
    value: &Value,
) -> Result<Value, ApiError> {
    convert(chain, (from, &chain.target.kind), value).await
}

/// A Scale is a Scale, whatever is scaled.
async fn convert(
    chain: &Chain<'_>,
    (from, to): (&Kind, &Kind),
    value: &Value,
) -> Result<Value, ApiError> {
    let mut value = value.clone();
    if from.api_version == to.api_version || chain.is_foreign() {
        return Ok(value);
    }
    view::inward(from, &mut value);
    let value = conversion::between(chain.cluster, from, value, (&from.version, &to.version));
    let value = value
        .await
        .map_err(|error| denial::internal(&error.message))?;
    Ok(to.typed(&view::outward(to, &Object::new(0, Form::default(), value))))
}
