//! What is said during a test: kept for each test apart, though many run side by side.
//!
//! All threads of a test's runtime have the same subscriber, and no others have it: nothing is set for the whole process,
//! so that a program with a subscriber of its own may have it.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use tracing::Dispatch;
use tracing::dispatcher::{DefaultGuard, set_default};
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use crate::logging::{Line, Lines};

/// What is kept unless `RUST_LOG` says otherwise.
const USUAL: &str = "info,kopfrs=debug,kube_client=warn";

/// Keeps what is said on the threads of one test.
#[derive(Clone)]
pub(super) struct Capture {
    lines: Arc<Mutex<Vec<Line>>>,
    dispatch: Dispatch,
}

/// As long as a process has one subscriber only, tracing takes that of the thread that is the first to say something for
/// it: whatever a thread without one has said first, nobody would hear. So there are always some more.
static OTHERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::default())));

thread_local! {
    static GUARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

impl Capture {
    /// Nothing has been said yet. With `RUST_LOG`, all of it is also printed at once.
    pub(super) fn new() -> Self {
        LazyLock::force(&OTHERS);
        let wanted = std::env::var("RUST_LOG")
            .ok()
            .filter(|wanted| !wanted.is_empty());
        let is_shown = wanted.is_some();
        let filter = EnvFilter::new(wanted.as_deref().unwrap_or(USUAL));
        let lines = Arc::<Mutex<Vec<Line>>>::default();
        let kept = lines.clone();
        let layer = Lines::to(move |line| {
            if is_shown {
                // Known to the test harness, which shows it if the test fails.
                eprintln!("{line}");
            }
            locked(&kept).push(line.clone());
        });
        let subscriber = tracing_subscriber::registry()
            .with(layer.with_filter(filter))
            .with(crate::events::layer());
        Self {
            lines,
            dispatch: Dispatch::new(subscriber),
        }
    }

    /// What is said on this thread is kept, until the guard is dropped.
    pub(super) fn enter(&self) -> DefaultGuard {
        set_default(&self.dispatch)
    }

    /// What is said on this thread is kept, until [`Capture::leave_thread`].
    pub(super) fn enter_thread(&self) {
        let guard = self.enter();
        GUARD.with(|slot| slot.replace(Some(guard)));
    }

    pub(super) fn leave_thread() {
        GUARD.with(|slot| drop(slot.take()));
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        locked(&self.lines).len()
    }

    /// All lines.
    pub(super) fn log(&self) -> Log {
        Log(locked(&self.lines).clone())
    }

    /// The lines of one operator after the first so many lines; also those of which nobody knows whose they are.
    pub(super) fn log_of(&self, operator: u64, after: usize) -> Log {
        let lines = locked(&self.lines);
        let own = lines.iter().skip(after).filter(|line| {
            let said_by = line.place.operator;
            said_by.is_none_or(|by| by == operator)
        });
        Log(own.cloned().collect())
    }
}

fn locked(lines: &Mutex<Vec<Line>>) -> MutexGuard<'_, Vec<Line>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The log up to a moment, one line an event: `INFO  [namespace/name] handler: message field=value`.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::testing::Cluster;
/// use kopfrs::{Registry, on};
///
/// #[kopfrs::test]
/// async fn it_says_so(cluster: Cluster) {
///     let handlers = Registry::new().add(on::create::<ConfigMap>().id("greet").run(async || tracing::info!("hello")));
///     let operator = cluster.operator().handlers(handlers).start().await;
///     cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").await;
///     operator.until_said("hello").await;
///     assert_eq!(operator.log().count("a] greet: hello"), 1);
/// }
/// # it_says_so();
/// ```
#[derive(Clone)]
pub struct Log(Vec<Line>);

impl Log {
    /// All lines.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }

    /// How many lines contain a text.
    pub fn count(&self, text: &str) -> usize {
        self.lines().filter(|line| line.contains(text)).count()
    }

    /// Whether some line contains a text.
    pub fn contains(&self, text: &str) -> bool {
        self.count(text) > 0
    }

    /// The last so many lines.
    pub(super) fn tail(&self, count: usize) -> Self {
        Self(self.0[self.0.len().saturating_sub(count)..].to_vec())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}
