//! Who does operations.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::Call;
use crate::handler::Result;
use crate::lifecycle::Report;

/// Does an operation, and tells what came of it.
///
/// # Examples
/// ```
/// use kopfrs::exec::{Call, Runner};
/// use kopfrs::lifecycle::{Applied, Deleted, Operation, Report, Verified};
///
/// /// Does nothing, and is done at once.
/// struct Nothing;
///
/// impl Runner for Nothing {
///     async fn run(&self, call: &Call) -> kopfrs::Result<Report> {
///         Ok(match call.operation() {
///             Operation::Create | Operation::Update => Report::from(Applied::Succeeded).erase(),
///             Operation::Verify => Report::from(Verified::Ready).erase(),
///             Operation::Delete => Report::from(Deleted::Done).erase(),
///         })
///     }
/// }
/// ```
pub trait Runner: Send + Sync {
    /// Does what the call says.
    ///
    /// # Errors
    /// If it was not done; what the program says of it is the message.
    fn run(&self, call: &Call) -> impl Future<Output = Result<Report>> + Send;
}

/// Any runner, where the type must not depend on which.
///
/// # Examples
/// ```
/// use kopfrs::exec::{BoxRunner, Pod};
///
/// let runner = match std::env::var("MANAGER_IMAGE") {
///     Ok(image) => BoxRunner::new(Pod::new(image)),
/// #   #[cfg(unix)]
///     Err(_) => BoxRunner::new(kopfrs::exec::Process::new("./manager")),
/// #   #[cfg(not(unix))]
/// #   Err(_) => BoxRunner::new(Pod::new("manager")),
/// };
/// # let _ = runner;
/// ```
#[derive(Clone)]
pub struct BoxRunner(Arc<dyn Erased>);

trait Erased: Send + Sync {
    fn run_boxed<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Report>>;
}

impl<R: Runner> Erased for R {
    fn run_boxed<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Report>> {
        Box::pin(self.run(call))
    }
}

impl BoxRunner {
    /// Forgets the type of a runner.
    pub fn new(runner: impl Runner + 'static) -> Self {
        Self(Arc::new(runner))
    }
}

impl Runner for BoxRunner {
    async fn run(&self, call: &Call) -> Result<Report> {
        self.0.run_boxed(call).await
    }
}

impl<R: Runner> Runner for Arc<R> {
    async fn run(&self, call: &Call) -> Result<Report> {
        R::run(self, call).await
    }
}

impl fmt::Debug for BoxRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxRunner").finish_non_exhaustive()
    }
}
