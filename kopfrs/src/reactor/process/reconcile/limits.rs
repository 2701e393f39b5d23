//! How many calls of a handler may be made at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::cause::ChangingCause;
use crate::handler::Handler;

/// The places of each handler that is limited, by its address: handlers live as long as the operator.
#[derive(Debug, Default)]
pub(super) struct Limits(Mutex<HashMap<usize, Arc<Semaphore>>>);

impl Limits {
    /// The places of a handler; who waits for one gets it in turn.
    pub(super) fn of(
        &self,
        handler: &Arc<Handler<ChangingCause>>,
        concurrency: usize,
    ) -> Arc<Semaphore> {
        let places = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = limits.entry(Arc::as_ptr(handler).addr());
        limit
            .or_insert_with(|| Arc::new(Semaphore::new(places)))
            .clone()
    }
}
