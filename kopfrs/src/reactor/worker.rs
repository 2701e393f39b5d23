//! One object at a time: takes what has come, has it processed, and goes to rest until its next turn.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::time::{Duration, Instant};
use tracing::{debug, error, warn};

use super::inbox::{Inbox, is_older};
use super::indexing;
use super::kind::Kind;
use super::lanes::Place;
use super::memory::{Memory, Next};
use super::process;
use super::queue::Queue;
use super::snapshot::{Snapshot, Version};
use crate::api::{ApiError, Failure, Target};
use crate::cause::EventType;
use crate::handler::HandlerError;
use crate::metrics::KindMetrics;

/// An object whose turn it is.
#[derive(Debug)]
pub(crate) struct Shift {
    pub(crate) uid: Arc<str>,
    pub(crate) inbox: Inbox,
    pub(crate) memory: Memory,
    pub(crate) place: Place,
}

/// Works for one object until there is nothing to do at once.
pub(crate) async fn run(queue: &Arc<Queue>, shift: &mut Shift) {
    let drain = queue.context.term().drain.clone();
    let mut is_continued = false;
    loop {
        if drain.is_cancelled() {
            queue.rest(&shift.uid, std::mem::take(&mut shift.memory), None);
            return;
        }
        let kind = queue.kind();
        if !indexing::admitted(queue, &kind, shift).await && !kind.is_only_indexed {
            queue.park(shift);
            return;
        }
        if !is_continued && let Some(other) = indexing::again(&queue.context, &kind, shift).await {
            queue.rest(&shift.uid, std::mem::take(&mut shift.memory), other);
            return;
        }
        let is_gone = shift.inbox.deleted.is_some();
        let begun = Instant::now();
        let looked = AssertUnwindSafe(turn(queue, &kind, shift))
            .catch_unwind()
            .await;
        let next = looked.unwrap_or_else(|panic| {
            let error = HandlerError::of_panic(&*panic);
            error!("a filter or a transformation {error}");
            process::again(&queue.context, &mut shift.memory)
        });
        if let Some(metrics) = &queue.metrics {
            measure(metrics, &shift.memory, (next, begun.elapsed()));
        }
        if is_gone {
            debug!("gone");
            shift.memory.is_gone();
            queue.forget(&shift.uid);
            return;
        }
        match next {
            Next::Now if !drain.is_cancelled() => {
                shift.inbox = queue.take(&shift.uid);
                is_continued = true;
            }
            Next::At(due) => {
                queue.rest(&shift.uid, std::mem::take(&mut shift.memory), Some(due));
                return;
            }
            Next::Rest(due) => {
                shift.memory.rest();
                queue.rest(&shift.uid, std::mem::take(&mut shift.memory), Some(due));
                return;
            }
            Next::Idle | Next::Now => {
                shift.memory.rest();
                queue.rest(&shift.uid, std::mem::take(&mut shift.memory), None);
                return;
            }
        }
    }
}

/// Counts a look by what has come of it.
fn measure(metrics: &KindMetrics, memory: &Memory, (next, took): (Next, Duration)) {
    metrics.looked.observe(took);
    let has_failed = memory.work.as_ref().is_some_and(|work| work.failures > 0);
    match next {
        _ if has_failed => {
            metrics.failed.add();
            metrics.retries.add();
        }
        Next::At(_) | Next::Rest(_) => metrics.requeued.add(),
        Next::Idle | Next::Now => metrics.succeeded.add(),
    }
}

/// Looks at an object, and brings the indices up to date with what we have written meanwhile.
async fn turn(queue: &Arc<Queue>, kind: &Arc<Kind>, shift: &mut Shift) -> Next {
    let next = look(queue, kind, shift).await;
    indexing::written(&queue.context, kind, shift).await;
    next
}

/// Takes the inbox in, and has the object processed as it is now.
async fn look(queue: &Arc<Queue>, kind: &Arc<Kind>, shift: &mut Shift) -> Next {
    let context = &queue.context;
    let inbox = std::mem::take(&mut shift.inbox);
    let is_woken = inbox.is_woken;
    let is_roused = inbox.is_roused;
    let is_gone = inbox.deleted.is_some();
    if kind.is_only_indexed && inbox.is_indexed {
        return Next::Idle;
    }
    if is_gone {
        indexing::forget(context, kind, &shift.uid);
    }
    if let Some((event_type, text)) = inbox.live
        && !is_known(kind, &shift.memory, inbox.version)
        && let Some(snapshot) = parsed(kind, &text)
        && !is_older(snapshot.version(), shift.memory.written)
    {
        drop(text);
        let is_written =
            shift.memory.written.is_some() && shift.memory.written == snapshot.version();
        if !inbox.is_indexed && !is_gone && !is_written {
            indexing::update(context, kind, shift, &snapshot.body).await;
        }
        let (memory, place) = (&mut shift.memory, &mut shift.place);
        process::event(context, kind, memory, (event_type, &snapshot), place).await;
        // The echo of an own write tells nothing that its answer has not told.
        if !is_written || memory.work().snapshot.is_none() {
            memory.work().snapshot = Some(snapshot);
        }
        memory.is_doubtful = false;
    }
    let (memory, place) = (&mut shift.memory, &mut shift.place);
    if let Some(text) = inbox.deleted {
        if let Some(snapshot) = parsed(kind, &text) {
            let event = (EventType::Deleted, &snapshot);
            process::event(context, kind, memory, event, place).await;
        }
        return Next::Idle;
    }
    if kind.is_only_indexed {
        return Next::Idle;
    }
    let is_gone = || queue.has_deletion(&shift.uid);
    memory.work().is_woken |= is_woken;
    // What was seen before a pause may be long gone: others may have been at it.
    if is_roused && !memory.is_doubtful && memory.work().snapshot.is_none() {
        let seen = memory.daemons.as_ref().and_then(|daemons| daemons.seen());
        memory.work().snapshot = seen;
    }
    if memory.work().is_woken && memory.work().snapshot.is_none() {
        let reading = pin!(read(queue, kind, &shift.uid));
        match process::yielding(place, reading).await {
            Ok(Some(snapshot)) => memory.work().snapshot = Some(snapshot),
            Ok(None) => return Next::Idle,
            Err(error) => {
                warn!("the object cannot be read and is tried again: {error}");
                return process::again(context, memory);
            }
        }
    }
    process::look(context, kind, memory, (place, &is_gone)).await
}

/// Reads an object that was at rest: of those, nothing but the name is kept. `None` if it is gone; the watch
/// will tell.
async fn read(queue: &Queue, kind: &Kind, uid: &str) -> Result<Option<Snapshot>, ApiError> {
    let Some(key) = queue.key(uid) else {
        return Ok(None);
    };
    let target = Target {
        resource: &kind.resource,
        namespace: key.namespace(),
        name: key.name(),
    };
    match queue.context.connection.get(target).await {
        Ok(object) => {
            let snapshot = Snapshot::new(kind, object);
            Ok(Some(snapshot).filter(|snapshot| snapshot.body.uid() == uid))
        }
        Err(error) if error.failure() == Failure::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a body tells nothing that the answer to our own last write has not told: it need not even
/// be read. Handlers of raw events want to see the echo, too.
pub(crate) fn is_known(kind: &Kind, memory: &Memory, version: Option<Version>) -> bool {
    match (memory.written, version) {
        _ if memory.is_doubtful => false,
        (Some(written), Some(version)) if kind.handlers.watching.is_empty() => version <= written,
        (Some(written), Some(version)) => version < written,
        _ => false,
    }
}

pub(super) fn parsed(kind: &Kind, text: &str) -> Option<Snapshot> {
    match serde_json::from_str(text) {
        Ok(object) => Some(Snapshot::new(kind, object)),
        Err(error) => {
            error!("the object cannot be read and is skipped: {error}");
            None
        }
    }
}
