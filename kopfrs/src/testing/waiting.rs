//! Waiting for something, for so long, and telling why it has not come.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::cluster::Cluster;
use super::diagnosis::{About, diagnose};

/// The pause after the first look, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// Looks whether it has come.
type Look<'a, T> = Box<dyn FnMut() -> LocalBoxFuture<'a, Option<T>> + 'a>;

/// Something that a test waits for, by `.await`. Where it does not come in time, or an operator of the test ends by
/// itself meanwhile, the test fails, and tells what was waited for and how things are.
///
/// The limit is two minutes, and an hour where time passes at once; [`within`](Waiting::within) sets another.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use kopfrs::testing::Cluster;
///
/// #[kopfrs::test]
/// async fn something_comes(cluster: Cluster) {
///     let mut looks = 0;
///     cluster
///         .until("the third look", async || {
///             looks += 1;
///             looks == 3
///         })
///         .within(Duration::from_secs(10))
///         .await;
/// }
/// # something_comes();
/// ```
#[must_use = "it does nothing unless awaited"]
pub struct Waiting<'a, T> {
    cluster: Cluster,
    what: String,
    limit: Duration,
    about: About,
    look: Look<'a, T>,
}

impl<'a, T> Waiting<'a, T> {
    pub(super) fn new(
        cluster: &Cluster,
        what: impl Into<String>,
        look: impl FnMut() -> LocalBoxFuture<'a, Option<T>> + 'a,
    ) -> Self {
        Self {
            limit: cluster.patience(),
            cluster: cluster.clone(),
            what: what.into(),
            about: About::default(),
            look: Box::new(look),
        }
    }

    /// What the diagnosis shows besides.
    pub(super) fn about(mut self, about: About) -> Self {
        self.about = about;
        self
    }

    /// Sets how long it may take.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn wait(mut self) -> T {
        let end = Instant::now() + self.limit;
        let (mut pause, longest) = PAUSES;
        let why = loop {
            if let Some(found) = (self.look)().await {
                return found;
            }
            if let Some(ended) = self.cluster.unexpected_end() {
                break ended;
            }
            let now = Instant::now();
            if now >= end {
                break format!("it has not come within {:?}", self.limit);
            }
            sleep(pause.min(end - now)).await;
            pause = (pause * 2).min(longest);
        };
        let diagnosis = diagnose(&self.cluster, &self.about).await;
        self.cluster.has_told();
        panic!("the test waits for {}, but {why}\n\n{diagnosis}", self.what);
    }
}

impl<'a, T: 'a> IntoFuture for Waiting<'a, T> {
    type Output = T;
    type IntoFuture = LocalBoxFuture<'a, T>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.wait())
    }
}

impl<T> fmt::Debug for Waiting<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("what", &self.what)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
