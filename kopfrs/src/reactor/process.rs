//! One look at one object: what has happened, what is to be done about it, doing it.

use std::pin::{Pin, pin};
use std::sync::Arc;

use serde_json::{Value, json};
use tracing::{debug, error};

use super::commit::{Commit, commit, refresh, set_finalizer};
use super::context::Context;
use super::daemons::attend;
use super::kind::Kind;
use super::lanes::Place;
use super::memory::{Memory, Next};
use super::snapshot::Snapshot;
use crate::action::{Call, attempt};
use crate::api::{ApiError, Failure, noticing_pauses};
use crate::cause::{EventType, RawEvent, Reason, WatchingCause};
use crate::clock::after;
use crate::handler::ErrorsMode;
use crate::object::{Change, Patch};
use crate::storage::Record;

mod ending;
mod handling;
mod lifecycle;
mod reconcile;
mod subhandling;
mod view;

use self::handling::Handling;
use self::lifecycle::Lifecycle;
pub(crate) use self::lifecycle::{Course, of_essence};
use self::reconcile::Reconciling;
pub(crate) use self::reconcile::{Known, Permit};
pub(crate) use self::view::View;

/// Calls the handlers of raw events. Their changes are sent with the next patch.
pub(crate) async fn event(
    context: &Context,
    kind: &Kind,
    memory: &mut Memory,
    (event_type, snapshot): (EventType, &Snapshot),
    place: &mut Place,
) {
    let mut carried = Change::default();
    for handler in &kind.handlers.watching {
        let raw = RawEvent::new(event_type, snapshot.body.clone());
        let cause = WatchingCause::new(kind.resource.clone(), raw, Patch::new());
        if !handler.filter.matches_body(&cause) {
            continue;
        }
        *place = None;
        let patch = cause.patch.clone();
        let call = Call {
            handler: handler.clone(),
            cause,
            memos: memory.memos(),
            role: "event handler",
            default_mode: ErrorsMode::Ignored,
            discreet_about: None,
        };
        let record = Record::new(Reason::Resume, context.environment.clock.now());
        let attempt = attempt(&call, &record, &context.environment);
        let outcome = tokio::select! {
            biased;
            (_, outcome) = attempt => outcome,
            () = context.cancelled() => break,
        };
        carried.extend(patch.take());
        carried.extend(delivered(
            &handler.id,
            outcome.and_then(|outcome| outcome.result),
        ));
    }
    if event_type != EventType::Deleted && !carried.is_empty() {
        memory.work().carried.extend(carried);
    }
}

/// A result on its way into the status.
fn delivered(id: &str, result: Option<Value>) -> Change {
    let merge = result.map_or(Value::Null, |result| json!({"status": {id: result}}));
    Change {
        merge,
        transforms: Vec::new(),
    }
}

/// Tells whether the object is gone by now: nothing may be written to another one of its name.
pub(crate) type IsGone<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// Looks at an object as it was seen last, and does what is to be done.
pub(crate) async fn look(
    context: &Arc<Context>,
    kind: &Arc<Kind>,
    memory: &mut Memory,
    (place, is_gone): (&mut Place, IsGone<'_>),
) -> Next {
    let Some(snapshot) = memory.work().snapshot.clone() else {
        return memory.resting();
    };
    match step(context, kind, memory, &snapshot, (place, is_gone)).await {
        Ok(next) => {
            if next != Next::Now {
                memory.work().failures = 0;
            }
            next
        }
        Err(error) => {
            *place = None;
            failed(context, kind, memory, &error).await
        }
    }
}

/// The framework itself has failed: it tries again, later and later, without waiting for an event.
async fn failed(context: &Context, kind: &Kind, memory: &mut Memory, error: &ApiError) -> Next {
    if error.failure() == Failure::Missing {
        // The object may be gone, or only an endpoint of it.
        let snapshot = memory.work().snapshot.clone().unwrap_or_default();
        match refresh(context, kind, &snapshot).await {
            Ok(fresh) => memory.wrote(fresh),
            Err(error) if error.failure() == Failure::Missing => {
                debug!("the object is gone: {error}");
                memory.is_deletion_handled |= snapshot.body.is_deleting();
                memory.work = None;
                return Next::Idle;
            }
            Err(_) => {}
        }
    }
    // Once, not at each attempt.
    if memory.work().failures == 0 {
        error!("the object could not be patched and is tried again: {error}");
    } else {
        debug!("the object could not be patched again: {error}");
    }
    again(context, memory)
}

/// Waits for requests. The place is given back when one has to be repeated after a pause: others must
/// not wait for that.
pub(crate) async fn yielding<T>(
    place: &mut Place,
    requests: Pin<&mut impl Future<Output = T>>,
) -> T {
    noticing_pauses(requests, || *place = None).await
}

/// Looks again after a pause that grows with each failure in a row.
pub(crate) fn again(context: &Context, memory: &mut Memory) -> Next {
    let work = memory.work();
    let pause = context.settings.queueing.error_delay(work.failures);
    work.failures += 1;
    Next::At(after(context.environment.clock.now(), pause))
}

async fn step(
    context: &Arc<Context>,
    kind: &Arc<Kind>,
    memory: &mut Memory,
    snapshot: &Snapshot,
    (place, is_gone): (&mut Place, IsGone<'_>),
) -> Result<Next, ApiError> {
    let permit = memory.work().permit.take();
    let view = View::of(kind, memory, snapshot);
    let body = &snapshot.body;
    if kind.has_relations() {
        context.related.learn(kind, body);
    }
    let is_interested = kind.is_interested(&view.cause);
    let has_finalizer = view.has_finalizer;
    let is_held = attend((context, kind), memory, snapshot, &view);
    let needs_finalizer = is_held || is_interested && kind.needs_finalizer(&view.cause);
    if !body.is_deleting() && needs_finalizer != has_finalizer {
        return hold((context, kind), memory, (snapshot, needs_finalizer), place).await;
    }
    // An object of which nobody knows but daemons is not touched.
    let is_concerned = is_interested || has_finalizer && body.is_deleting();
    if let Some(policy) = kind.policy().filter(|_| is_concerned) {
        *place = None;
        let seen = (snapshot, view.essence);
        let lifecycle = Lifecycle::new((context, kind, policy), memory, seen, is_gone);
        return Box::pin(lifecycle.run(has_finalizer)).await;
    }
    let is_deleting = body.is_deleting();
    if let Some(handler) = kind.reconciler(&view.cause).filter(|_| !is_deleting) {
        let reconciling = Reconciling {
            handler: handler.clone(),
            context,
            kind,
            memory,
            snapshot,
            view,
            is_gone,
        };
        return Box::pin(reconciling.run((place, permit))).await;
    }
    let is_left_alone = kind.is_reconciled() && !is_deleting;
    let reason = view.reason.filter(|_| !is_left_alone);
    let Some(reason) = reason.filter(|_| is_concerned) else {
        return yielding(place, pin!(settle(context, kind, memory, snapshot))).await;
    };
    *place = None;
    debug!("{reason} is in progress");
    let handling = Handling {
        context,
        kind,
        memory,
        snapshot: snapshot.clone(),
        view,
        is_gone,
        carried: Change::default(),
    };
    // The largest part of a look, which most looks do not need.
    Box::pin(handling.run()).await
}

/// Adds our finalizer, or takes it off.
async fn hold(
    (context, kind): (&Arc<Context>, &Arc<Kind>),
    memory: &mut Memory,
    (snapshot, is_wanted): (&Snapshot, bool),
    place: &mut Place,
) -> Result<Next, ApiError> {
    debug!(
        "{} the finalizer",
        if is_wanted { "adding" } else { "removing" }
    );
    let request = set_finalizer(context, kind, snapshot.clone(), is_wanted);
    let mut request = Box::pin(request);
    let written = tokio::select! {
        written = yielding(place, request.as_mut()) => written?,
        // It can be added at the next start as well as now.
        () = context.drained(), if is_wanted => return Ok(Next::Idle),
    };
    let Some(written) = written else {
        return Ok(again(context, memory));
    };
    memory.wrote(written);
    Ok(Next::Now)
}

/// Nothing is to be handled: what event handlers want is sent, what is left over is cleared.
async fn settle(
    context: &Context,
    kind: &Kind,
    memory: &mut Memory,
    snapshot: &Snapshot,
) -> Result<Next, ApiError> {
    let mut state = snapshot.found.stored.clone();
    // Also of objects that nobody cares for any more: should somebody do so later, it is from anew.
    if !snapshot.body.is_deleting() {
        (state.progress, state.begun) = Default::default();
    }
    let work = memory.work();
    work.cycle = None;
    if work
        .unsent
        .as_ref()
        .is_some_and(|unsent| unsent.rejected_for.is_some())
    {
        work.unsent = None;
    }
    let mut change = work
        .unsent
        .take()
        .map(|unsent| unsent.change)
        .unwrap_or_default();
    change.extend(std::mem::take(&mut work.carried));
    memory.is_initial = false;
    let what = Commit {
        change: &change,
        state: &state,
        is_release: false,
        may_elide: true,
    };
    match commit(context, kind, snapshot, what).await {
        Ok(Some(written)) => {
            memory.wrote(written);
            Ok(Next::Now)
        }
        Ok(None) => Ok(Next::Idle),
        Err(error) if error.failure() == Failure::Rejected && !change.is_empty() => {
            error!("the API has refused the patch of an event handler, it is dropped: {error}");
            Ok(Next::Idle)
        }
        Err(error) => {
            memory.work().carried = change;
            Err(error)
        }
    }
}
