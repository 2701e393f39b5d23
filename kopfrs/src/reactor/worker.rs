//! One object at a time: takes what has come, has it processed, sleeps until the next is due.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use k8s_openapi::jiff::Timestamp;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tracing::{debug, error};

use super::commit::Unsent;
use super::kind::Kind;
use super::process;
use super::queue::{Inbox, Queue};
use super::snapshot::{Snapshot, Version};
use crate::action::Cycle;
use crate::cause::{Baseline, EventType};
use crate::handler::{HandlerError, Memos};
use crate::object::Change;

/// What is known of an object between two looks at it. Small while nothing is going on.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// It was found by a listing, and has not been handled completely since.
    pub(crate) is_initial: bool,
    /// Its deletion has been handled.
    pub(crate) is_deletion_handled: bool,
    /// The version that our last write led to.
    pub(crate) written: Option<Version>,
    /// What was handled last, where the API does not keep it.
    pub(crate) unkept: Option<Baseline>,
    /// Values of the handlers'.
    pub(crate) memos: Option<Memos>,
    /// What is going on; nothing for most objects most of the time.
    pub(crate) work: Option<Box<Work>>,
}

/// The state of an object that is being handled.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// The object as it was seen last.
    pub(crate) snapshot: Option<Snapshot>,
    /// How far handling has come.
    pub(crate) cycle: Option<Cycle>,
    /// Changes by event handlers, to be sent with the next patch.
    pub(crate) carried: Change,
    /// Changes that could not be sent.
    pub(crate) unsent: Option<Unsent>,
    /// How often in a row the framework itself has failed.
    pub(crate) failures: u32,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    /// When something comes.
    Idle,
    /// At once: the object is not as it was.
    Now,
    /// At that time, or when something comes.
    At(Timestamp),
}

impl Memory {
    pub(crate) fn new(is_initial: bool) -> Self {
        Self {
            is_initial,
            ..Self::default()
        }
    }

    pub(crate) fn work(&mut self) -> &mut Work {
        self.work.get_or_insert_default()
    }

    pub(crate) fn memos(&mut self) -> Memos {
        self.memos.get_or_insert_default().clone()
    }

    /// An own write has led to this state.
    pub(crate) fn wrote(&mut self, snapshot: Snapshot) {
        self.written = snapshot.version().or(self.written);
        self.work().snapshot = Some(snapshot);
    }
}

/// A place among the objects that are being taken apart; given back before handlers are called.
pub(crate) type Place = Option<OwnedSemaphorePermit>;

/// Works for one object until there is nothing to do.
pub(crate) async fn run(queue: Arc<Queue>, uid: Box<str>, mut memory: Memory, notify: Arc<Notify>) {
    let mut place = None;
    loop {
        if queue.context.stop.drain.is_cancelled() {
            queue.abandon(&uid);
            return;
        }
        if place.is_none() && queue.has_mail(&uid) {
            // Until its turn comes an object stays text, and newer text replaces it.
            place = tokio::select! {
                free = queue.context.places.clone().acquire_owned() => free.ok(),
                () = queue.context.stop.drain.cancelled() => continue,
            };
        }
        let kind = queue.kind();
        // What has woken us so far is in the inbox.
        let _ = notify.notified().now_or_never();
        let inbox = queue.take(&uid);
        let is_gone = inbox.deleted.is_some();
        let looked = AssertUnwindSafe(look((&queue, &uid), &kind, &mut memory, inbox, &mut place))
            .catch_unwind()
            .await;
        let next = looked.unwrap_or_else(|panic| {
            let error = HandlerError::of_panic(&*panic);
            error!("a filter or a transformation {error}");
            process::again(&queue.context, &mut memory)
        });
        if is_gone {
            debug!("gone");
            queue.forget(&uid);
            return;
        }
        let drain = &queue.context.stop.drain;
        match next {
            Next::Now if !drain.is_cancelled() => {}
            Next::At(due) if !drain.is_cancelled() => {
                place = None;
                let sleep = tokio::time::sleep(queue.context.environment.clock.until(due));
                tokio::select! {
                    () = sleep => {}
                    () = notify.notified() => {}
                    () = drain.cancelled() => {}
                }
            }
            Next::Idle | Next::Now | Next::At(_) => {
                place = None;
                match rested(&queue, &uid, memory) {
                    Some(back) => memory = back,
                    None => return,
                }
            }
        }
    }
}

/// Puts the memory to rest without what is only needed while something is going on. That an object
/// does not fit the types of a handler is kept, or it would be tried at each event.
fn rested(queue: &Queue, uid: &str, mut memory: Memory) -> Option<Memory> {
    let is_kept = |cycle: &Cycle| cycle.has_misfits();
    let cycle = memory
        .work
        .take()
        .and_then(|work| work.cycle)
        .filter(is_kept);
    memory.work = cycle.map(|cycle| {
        Box::new(Work {
            cycle: Some(cycle),
            ..Work::default()
        })
    });
    queue.rest(uid, memory)
}

/// Takes the inbox in, and has the object processed as it is now.
async fn look(
    (queue, uid): (&Arc<Queue>, &str),
    kind: &Arc<Kind>,
    memory: &mut Memory,
    inbox: Inbox,
    place: &mut Place,
) -> Next {
    let context = &queue.context;
    if let Some((event_type, text)) = inbox.live
        && !is_known(kind, memory, inbox.version)
        && let Some(snapshot) = parsed(kind, &text)
        && !is_stale(memory, &snapshot)
    {
        process::event(context, kind, memory, (event_type, &snapshot), place).await;
        // The echo of an own write tells nothing that its answer has not told.
        let is_echo = memory.written.is_some() && memory.written == snapshot.version();
        if !is_echo || memory.work().snapshot.is_none() {
            memory.work().snapshot = Some(snapshot);
        }
    }
    if let Some(text) = inbox.deleted {
        if let Some(snapshot) = parsed(kind, &text) {
            process::event(
                context,
                kind,
                memory,
                (EventType::Deleted, &snapshot),
                place,
            )
            .await;
        }
        return Next::Idle;
    }
    let is_gone = || queue.has_deletion(uid);
    process::look(context, kind, memory, (place, &is_gone)).await
}

/// Whether a body tells nothing that the answer to our own last write has not told: it need not even
/// be read. Handlers of raw events want to see the echo, too.
fn is_known(kind: &Kind, memory: &Memory, version: Option<Version>) -> bool {
    match (memory.written, version) {
        (Some(written), Some(version)) if kind.handlers.watching.is_empty() => version <= written,
        (Some(written), Some(version)) => version < written,
        _ => false,
    }
}

/// What is older than our own last write is the past.
fn is_stale(memory: &Memory, snapshot: &Snapshot) -> bool {
    matches!((memory.written, snapshot.version()), (Some(written), Some(version)) if version < written)
}

fn parsed(kind: &Kind, text: &str) -> Option<Snapshot> {
    match serde_json::from_str(text) {
        Ok(object) => Some(Snapshot::new(kind, object)),
        Err(error) => {
            error!("the object cannot be read and is skipped: {error}");
            None
        }
    }
}
