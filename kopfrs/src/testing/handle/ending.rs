//! How operators of tests end, and start again.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{End, OperatorHandle};
use crate::operator::OperatorError;
use crate::testing::Waiting;

impl OperatorHandle {
    /// Stops it as SIGTERM does, and waits for its end.
    ///
    /// # Panics
    /// If it has ended by itself, does not stop, or stops with an error.
    pub async fn stop(&self) {
        if let Some(ended) = self.state.unexpected_end() {
            panic!(
                "the test stops the operator, but {ended}\n\n{}",
                self.log().tail(20)
            );
        }
        self.expect_end();
        drop(
            self.stop
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        self.until_ended().await;
        let is_well = matches!(
            &*self.state.end(),
            Some(End::Returned(Ok(())) | End::Killed | End::Told)
        );
        assert!(
            is_well,
            "operator {} {}",
            self.state.number,
            self.state.doing()
        );
    }

    /// Ends it as SIGKILL does: nothing is finished, nothing is written down. Functions that block their thread, and
    /// tasks that handlers have spawned, go on: in a process they would be gone.
    pub async fn kill(&self) {
        self.expect_end();
        self.abort.abort();
        // It was aborted: there is nothing else to learn from it.
        let _ = (&mut *self.task.lock().await).await;
        self.state.has_ended(End::Killed);
    }

    /// Starts another operator that is set up as this one was, which has to have ended.
    ///
    /// # Panics
    /// If this one is still running.
    pub async fn start_again(&self) -> Self {
        assert!(
            !self.is_running(),
            "an operator that runs cannot be started again: stop or kill it"
        );
        self.setup.clone().start().await
    }

    /// Waits until it ends by itself, and tells how.
    ///
    /// # Errors
    /// What it has ended with.
    ///
    /// # Panics
    /// If it has panicked or was killed.
    pub async fn ended(&self) -> Result<(), OperatorError> {
        self.expect_end();
        self.until_ended().await;
        let end = self.state.end().replace(End::Told);
        match end {
            Some(End::Returned(result)) => result,
            other => panic!("operator {} has no result: {other:?}", self.state.number),
        }
    }

    fn until_ended(&self) -> Waiting<'static, ()> {
        let what = format!("the end of operator {}", self.state.number);
        self.until_state(what, |state| state.end().is_some().then_some(()))
    }

    /// What it serves now will have to be cleaned up, and its end is no surprise.
    pub(super) fn expect_end(&self) {
        for resource in self.state.observer.served() {
            self.cluster().leftovers().kind(&resource);
        }
        self.state.is_end_expected.store(true, Ordering::Release);
    }
}
