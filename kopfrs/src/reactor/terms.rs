//! Stretches of work between pauses.
//!
//! While the operator is paused, nothing is watched and nobody is handled; which kinds there are is still
//! followed. A pause ends a term: its watches end, what runs may finish or is cancelled, and what was known
//! of unfinished work is forgotten, as others may go on with it. The next term lists everything anew. What
//! stays is what outlives a restart of nobody but ourselves: values of the users', and who was found.

use std::sync::Arc;

use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::context::{Context, Stop};
use crate::duty::Standing;

/// How long cancelled handlers may take to notice.
const CANCEL_BUDGET: Duration = Duration::from_secs(5);

/// One stretch of work, with the steps of its end.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    /// Tells one from another.
    pub(crate) number: u64,
    /// Begin nothing new.
    pub(crate) drain: CancellationToken,
    /// Cancel what still runs.
    pub(crate) cancel: CancellationToken,
    /// Leave everything as it is.
    pub(crate) abandon: CancellationToken,
}

impl Term {
    /// A term that ends with the operator at the latest.
    pub(super) fn begin(number: u64, stop: &Stop) -> Self {
        Self {
            number,
            drain: stop.drain.child_token(),
            cancel: stop.cancel.child_token(),
            abandon: stop.abandon.child_token(),
        }
    }

    /// A term that has ended: the operator begins with a pause.
    pub(super) fn ended(stop: &Stop) -> Self {
        let term = Self::begin(0, stop);
        term.drain.cancel();
        term
    }

    pub(super) fn has_ended(&self) -> bool {
        self.drain.is_cancelled()
    }
}

/// Ends terms and begins others, until it is dropped.
pub(super) async fn keep(context: Arc<Context>) {
    let mut standing = context.duty.subscribe();
    let mut pauses = 0;
    loop {
        if !context.term().has_ended() {
            let has_come = |s: &Standing| s.is_paused() || s.pauses > pauses;
            // The sender lives as long as the context.
            let is_sudden = match standing.wait_for(has_come).await {
                Ok(standing) => standing.is_sudden(),
                Err(_) => return,
            };
            info!("pausing: {}", context.duty.reasons().join("; "));
            end(&context, is_sudden).await;
            info!("paused");
        }
        match standing.wait_for(|standing| !standing.is_paused()).await {
            Ok(standing) => pauses = standing.pauses,
            Err(_) => return,
        }
        context.daemons.resume();
        context.begin_term();
    }
}

/// Ends the present term, and waits until nobody works for it any more.
async fn end(context: &Context, is_sudden: bool) {
    let term = context.term();
    term.drain.cancel();
    context.workers.close();
    let mut standing = context.duty.subscribe();
    let sudden = async {
        // The sender lives as long as the context.
        let _ = standing.wait_for(Standing::is_sudden).await;
    };
    let budget = context.settings.process.drain_budget;
    let daemons = context.daemons.pause(budget, sudden);
    tokio::join!(end_handling(context, &term, is_sudden), daemons);
    context.workers.reopen();
    for queue in context.queues() {
        queue.pause();
    }
}

/// Waits until no handler is called any more.
async fn end_handling(context: &Context, term: &Term, is_sudden: bool) {
    if !is_sudden {
        let mut standing = context.duty.subscribe();
        tokio::select! {
            biased;
            () = context.workers.wait() => {}
            () = sleep(context.settings.process.drain_budget) => {
                warn!("the drain budget is used up, running handlers are cancelled");
            }
            _ = standing.wait_for(Standing::is_sudden) => {}
        }
    }
    term.cancel.cancel();
    if timeout(CANCEL_BUDGET, context.workers.wait())
        .await
        .is_err()
    {
        let left = context.workers.len();
        warn!("{left} objects are left in the middle of their handling");
        term.abandon.cancel();
        context.workers.wait().await;
    }
}
