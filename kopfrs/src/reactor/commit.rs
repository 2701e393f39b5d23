//! Writing down what a cycle has led to: one patch per endpoint, the one that holds our state last,
//! so that nothing counts as handled before everything else is written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::{debug, error, warn};

use super::context::Context;
use super::kind::Kind;
use super::snapshot::Snapshot;
use crate::api::{ApiError, Failure, Payload, Target};
use crate::handler::HandlerError;
use crate::object::{Change, FieldPath, Transform, finalizer, merge};
use crate::storage::Stored;

/// How often a patch is built anew because the object has changed meanwhile.
const REBUILDS: usize = 8;

/// What is to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit<'a> {
    /// What handlers want.
    pub(crate) change: &'a Change,
    /// What is to be remembered.
    pub(crate) state: &'a Stored,
    /// Whether the object may go: our finalizer is taken off.
    pub(crate) is_release: bool,
    /// Whether what the object seems to have already need not be sent: it is asked for at each event.
    pub(crate) may_elide: bool,
}

/// Changes that could not be sent.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) change: Change,
    /// When to try again.
    pub(crate) due: Timestamp,
    pub(crate) attempts: u32,
    /// The server has refused them for this essence: they are dropped when another comes.
    pub(crate) rejected_for: Option<String>,
}

/// One request.
#[derive(Debug)]
struct Part {
    subresource: Option<&'static str>,
    payload: Payload,
    /// Of merge patches, what handlers want: to be compared with what has arrived.
    wanted: Value,
}

pub(crate) fn target<'a>(kind: &'a Kind, snapshot: &'a Snapshot) -> Target<'a> {
    let (namespace, name) = (snapshot.body.namespace(), snapshot.body.name());
    Target {
        resource: &kind.resource,
        namespace,
        name,
    }
}

/// Reads an object anew. Another object of the same name is not the one that was asked for.
pub(crate) async fn refresh(
    context: &Context,
    kind: &Kind,
    snapshot: &Snapshot,
) -> Result<Snapshot, ApiError> {
    let fresh = context.connection.get(target(kind, snapshot)).await?;
    let fresh = Snapshot::new(kind, fresh);
    if fresh.body.uid() == snapshot.body.uid() {
        Ok(fresh)
    } else {
        Err(gone(snapshot))
    }
}

fn gone(snapshot: &Snapshot) -> ApiError {
    let message = format!("{} was replaced by another object", snapshot.body.key());
    ApiError::Status(Box::new(kube::core::Status {
        code: 404,
        message,
        ..kube::core::Status::default()
    }))
}

/// Adds our finalizer, or takes it off; gives the object after that, `None` if nothing was to do.
pub(crate) async fn set_finalizer(
    context: &Context,
    kind: &Kind,
    mut snapshot: Snapshot,
    is_wanted: bool,
) -> Result<Option<Snapshot>, ApiError> {
    for attempt in 0..REBUILDS {
        let patch = if is_wanted {
            finalizer::addition(&snapshot.body, &kind.finalizer)
        } else {
            finalizer::removal(&snapshot.body, &kind.finalizer)
        };
        // Nobody may add a finalizer to an object that is being deleted.
        let Some(patch) = patch.filter(|_| !is_wanted || !snapshot.body.is_deleting()) else {
            return Ok((attempt > 0).then_some(snapshot));
        };
        let payload = Payload::Json(patch);
        match context
            .connection
            .patch(target(kind, &snapshot), None, &payload)
            .await
        {
            Ok(object) => {
                let after = Snapshot::new(kind, object);
                return if after.body.has_finalizer(&kind.finalizer) == is_wanted {
                    Ok(Some(after))
                } else {
                    Err(ApiError::Garbage(format!(
                        "the API does not keep the finalizer {}",
                        kind.finalizer
                    )))
                };
            }
            Err(error) => snapshot = refreshed(context, kind, &snapshot, error).await?,
        }
    }
    Err(ApiError::Garbage(
        "the finalizers of the object change all the time".to_owned(),
    ))
}

/// After a conflict the object is read anew. What is refused on the very state that it was made for
/// is refused for good.
async fn refreshed(
    context: &Context,
    kind: &Kind,
    snapshot: &Snapshot,
    error: ApiError,
) -> Result<Snapshot, ApiError> {
    if !matches!(error.failure(), Failure::Conflict | Failure::Rejected) {
        return Err(error);
    }
    let fresh = refresh(context, kind, snapshot).await?;
    let is_same = fresh.body.resource_version() == snapshot.body.resource_version();
    if is_same && error.failure() == Failure::Rejected {
        return Err(error);
    }
    debug!("the object has changed meanwhile, the patch is made anew");
    Ok(fresh)
}

/// Writes everything; gives the object after that, `None` if nothing was to be written.
pub(crate) async fn commit(
    context: &Context,
    kind: &Kind,
    snapshot: &Snapshot,
    what: Commit<'_>,
) -> Result<Option<Snapshot>, ApiError> {
    write((context, kind), snapshot, (what, Memory::New)).await
}

/// Writes a change beside whatever else is written to the object: what is remembered on it stays as it is.
pub(crate) async fn amend(
    (context, kind): (&Context, &Kind),
    snapshot: &Snapshot,
    (change, may_elide): (&Change, bool),
) -> Result<Option<Snapshot>, ApiError> {
    let what = Commit {
        change,
        state: &snapshot.found.stored,
        is_release: false,
        may_elide,
    };
    write((context, kind), snapshot, (what, Memory::AsItIs)).await
}

/// What becomes of what is remembered on the object.
#[derive(Clone, Copy, Debug)]
enum Memory {
    New,
    AsItIs,
}

async fn write(
    (context, kind): (&Context, &Kind),
    snapshot: &Snapshot,
    (what, memory): (Commit<'_>, Memory),
) -> Result<Option<Snapshot>, ApiError> {
    let mut state = snapshot.clone();
    let mut is_written = false;
    let mut rebuilds = 0;
    'build: loop {
        let mut endpoints = Vec::new();
        if kind.has_status() {
            endpoints.push(Some("status"));
        }
        endpoints.push(None);
        // What remembers that all is done goes last.
        if !what.is_release && is_status_last(kind) {
            endpoints.reverse();
        }
        for endpoint in endpoints {
            let found = state.found.clone();
            let what = match memory {
                Memory::New => what,
                Memory::AsItIs => Commit {
                    state: &found.stored,
                    ..what
                },
            };
            let Some(part) = part(kind, &state, what, endpoint) else {
                continue;
            };
            // The status endpoint takes no notice of the uid, all others refuse what is for another object.
            let is_test = part.subresource.is_none() || matches!(part.payload, Payload::Json(_));
            match context
                .connection
                .patch(target(kind, &state), part.subresource, &part.payload)
                .await
            {
                Ok(object) => {
                    let after = Snapshot::new(kind, object);
                    if after.body.uid() != state.body.uid() {
                        return Err(gone(&state));
                    }
                    state = after;
                    is_written = true;
                    notice_pruned(context, kind, &part, &state);
                }
                Err(error) if is_test && rebuilds < REBUILDS => {
                    state = refreshed(context, kind, &state, error).await?;
                    rebuilds += 1;
                    continue 'build;
                }
                Err(error) => return Err(error),
            }
        }
        return Ok((is_written || rebuilds > 0).then_some(state));
    }
}

fn is_status_last(kind: &Kind) -> bool {
    kind.has_status() && kind.storage.place == crate::storage::Place::Status
}

/// The request to one endpoint; `None` if it would change nothing.
fn part(
    kind: &Kind,
    state: &Snapshot,
    what: Commit<'_>,
    endpoint: Option<&'static str>,
) -> Option<Part> {
    if !what.change.transforms.is_empty() {
        return transformed(kind, state, what, endpoint);
    }
    let of_endpoint = |patch: &Value| side(kind, patch, endpoint);
    let mut wanted = of_endpoint(&what.change.merge);
    if what.may_elide && merge::unmet(&wanted, state.body.as_value()).is_empty() {
        wanted = Value::Null;
    }
    let mut body = wanted.clone();
    let memory = of_endpoint(&kind.storage.patch(&state.found, what.state));
    if !memory.is_null() {
        merge::compose(&mut body, &memory);
    }
    let is_release =
        what.is_release && endpoint.is_none() && state.body.has_finalizer(&kind.finalizer);
    if is_release && merge::is_empty(&body) {
        let payload = Payload::Json(finalizer::removal(&state.body, &kind.finalizer)?);
        return Some(Part {
            subresource: None,
            payload,
            wanted: Value::Null,
        });
    }
    if is_release {
        let finalizers = finalizer::others(&state.body, &kind.finalizer);
        let version = state.body.resource_version();
        let metadata = json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}});
        merge::compose(&mut body, &metadata);
    }
    if merge::is_empty(&body) {
        return None;
    }
    if endpoint.is_none() {
        merge::compose(&mut body, &json!({"metadata": {"uid": state.body.uid()}}));
    }
    Some(Part {
        subresource: endpoint,
        payload: Payload::Merge(body),
        wanted,
    })
}

/// The part of a merge patch that goes to one endpoint.
fn side(kind: &Kind, patch: &Value, endpoint: Option<&str>) -> Value {
    let Some(map) = patch.as_object() else {
        return Value::Null;
    };
    let is_here =
        |key: &str| (kind.has_status() && key == "status") == (endpoint == Some("status"));
    let map: Map<_, _> = map
        .iter()
        .filter(|(key, _)| is_here(key))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if map.is_empty() {
        Value::Null
    } else {
        map.into()
    }
}

/// With transformations the whole change is a JSON patch against exactly this version.
fn transformed(
    kind: &Kind,
    state: &Snapshot,
    what: Commit<'_>,
    endpoint: Option<&'static str>,
) -> Option<Part> {
    let mut present = state.body.as_value().clone();
    let mut wanted = present.clone();
    merge::apply(&mut wanted, &object_or_empty(&what.change.merge));
    for transform in &what.change.transforms {
        wanted = guarded(transform, wanted);
    }
    // Transformations see a body without state; the server has it with the state of all.
    let state_of_all = kind.storage.restore(&state.found);
    for object in [&mut present, &mut wanted] {
        merge::apply(object, &state_of_all);
    }
    merge::apply(
        &mut wanted,
        &object_or_empty(&kind.storage.patch(&state.found, what.state)),
    );
    if what.is_release && endpoint.is_none() {
        let finalizers = finalizer::others(&state.body, &kind.finalizer);
        FieldPath::new(["metadata", "finalizers"]).set(&mut wanted, finalizers.into());
    }
    let is_here = |path: &str| {
        let is_status = path == "/status" || path.starts_with("/status/");
        (kind.has_status() && is_status) == (endpoint == Some("status"))
    };
    let operations = serde_json::to_value(json_patch::diff(&present, &wanted)).unwrap_or_default();
    let mut operations: Vec<Value> = match operations {
        Value::Array(operations) => operations,
        _ => Vec::new(),
    };
    operations.retain(|op| op["path"].as_str().is_some_and(is_here));
    if operations.is_empty() {
        return None;
    }
    let version = state.body.resource_version();
    operations.insert(
        0,
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
    );
    let payload = Payload::Json(Value::Array(operations));
    Some(Part {
        subresource: endpoint,
        payload,
        wanted: Value::Null,
    })
}

/// Applies a transformation. One that panics has no effect, and does not keep others from theirs.
pub(crate) fn guarded(transform: &Transform, object: Value) -> Value {
    let mut changed = object.clone();
    match catch_unwind(AssertUnwindSafe(|| transform(&mut changed))) {
        Ok(()) => changed,
        Err(panic) => {
            error!(
                "a transformation of the object is left out: {}",
                HandlerError::of_panic(&*panic)
            );
            object
        }
    }
}

fn object_or_empty(patch: &Value) -> Value {
    if patch.is_object() {
        patch.clone()
    } else {
        json!({})
    }
}

/// Warns once per kind and field of what the schema does not keep.
fn notice_pruned(context: &Context, kind: &Kind, part: &Part, after: &Snapshot) {
    for field in merge::unmet(&part.wanted, after.body.as_value()) {
        if context.is_news(format!("pruned {} {field}", kind.resource)) {
            warn!(
                "the API does not keep {field} of {}: declare it in the schema of the kind, or allow it \
                 there with x-kubernetes-preserve-unknown-fields",
                kind.resource
            );
        }
    }
}
