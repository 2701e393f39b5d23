//! Running a test: where, with what time, and what is left to be said in the end.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures::FutureExt as _;
use kopfrs_sandbox::Sandbox;
use tokio::runtime::{Builder, Runtime};

use super::backend::{Backend, Ground, Wire};
use super::cluster::Cluster;
use super::diagnosis;
use super::log::Capture;

/// How long functions that block may go on after the end of a test.
const PATIENCE: Duration = Duration::from_secs(5);

/// A test of operators, for those who cannot use the attribute [`#[kopfrs::test]`](macro@crate::test): it does this and
/// nothing else.
///
/// # Examples
/// ```
/// use kopfrs::testing::Test;
///
/// let name = Test::new("by_hand").run(async |cluster| cluster.namespace().to_owned());
/// assert!(name.starts_with("by-hand-"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is run"]
pub struct Test {
    name: String,
    backend: Option<Backend>,
    is_over_wire: bool,
    is_in_real_time: bool,
    threads: Option<usize>,
}

impl Test {
    /// A test of a name, from which the name of its namespace is made.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            backend: None,
            is_over_wire: false,
            is_in_real_time: false,
            threads: None,
        }
    }

    /// Sets what it runs on, whatever the environment says.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Needs a cluster that other programs can reach: the sandbox is served over TLS.
    pub fn wire(mut self) -> Self {
        self.is_over_wire = true;
        self
    }

    /// Lets time pass as it does, on the sandbox, too.
    pub fn real_time(mut self) -> Self {
        self.is_in_real_time = true;
        self
    }

    /// Runs on so many threads, in real time.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Runs the test.
    ///
    /// # Panics
    /// If there is no cluster, if the test panics, and if an operator has ended by itself without the test asking.
    pub fn run<T>(self, test: impl AsyncFnOnce(Cluster) -> T) -> T {
        let backend = self.chosen();
        let is_paused = self.is_paused(backend);
        let capture = Capture::new();
        let guard = capture.enter();
        // Clusters have a runtime of their own, and are to be had from outside of any other.
        let wire = (backend != Backend::InProcess).then(|| Wire::get(backend));
        let runtime = self.runtime(is_paused, &capture);
        let result = runtime.block_on(async {
            let ground = match wire {
                Some(wire) => Ground::Wire(wire),
                // As in a cluster, only some may do everything.
                None => Ground::InProcess(Sandbox::builder().rbac(true).build()),
            };
            conduct(&self.name, ground, (is_paused, capture), test).await
        });
        runtime.shutdown_timeout(PATIENCE);
        drop(guard);
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn chosen(&self) -> Backend {
        let asked = self.backend.map_or_else(Backend::of_environment, Ok);
        match asked.unwrap_or_else(|error| panic!("{error}")) {
            Backend::InProcess if self.is_over_wire => Backend::Sandbox,
            backend => backend,
        }
    }

    fn is_paused(&self, backend: Backend) -> bool {
        backend == Backend::InProcess && !self.is_in_real_time && self.threads.is_none()
    }

    fn runtime(&self, is_paused: bool, capture: &Capture) -> Runtime {
        let mut builder = match self.threads {
            Some(threads) => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(threads);
                builder
            }
            None => Builder::new_current_thread(),
        };
        let capture = capture.clone();
        let runtime = builder
            .enable_all()
            .start_paused(is_paused)
            .on_thread_start(move || capture.enter_thread())
            .on_thread_stop(Capture::leave_thread)
            .build();
        runtime.unwrap_or_else(|error| panic!("the runtime of the test cannot be started: {error}"))
    }
}

/// Runs a test on a cluster, and cleans up, whatever comes of it.
async fn conduct<T>(
    name: &str,
    ground: Ground,
    how: (bool, Capture),
    test: impl AsyncFnOnce(Cluster) -> T,
) -> std::thread::Result<T> {
    let cluster = Cluster::open(name, ground, how).await;
    let result = AssertUnwindSafe(test(cluster.clone())).catch_unwind().await;
    let ended = cluster.unexpected_end();
    if result.is_err() && !cluster.is_told() {
        // Shown by whoever runs the tests, as those of failed ones are.
        eprintln!("{}", diagnosis::log(&cluster));
    }
    let problems = cluster.close().await;
    let value = result?;
    let complaint = ended
        .into_iter()
        .chain(problems)
        .collect::<Vec<_>>()
        .join("\n");
    if complaint.is_empty() {
        return Ok(value);
    }
    let message = format!(
        "the test is over, but {complaint}\n\n{}",
        diagnosis::log(&cluster)
    );
    // It is passed on without the hook that shows panics.
    eprintln!("{message}");
    Err(Box::new(message))
}
