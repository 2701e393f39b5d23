//! When to look at what the API serves: several times after a change, and again as long as something is
//! missing.

use std::time::Duration;

use tokio::time::Instant;

use super::metadata::until;

/// Servers tell of a new kind some time before they serve it: when to look after a change.
const LOOKS: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// The longest pause until it is asked again for what is not told, while that may come back soon.
const SOON: Duration = Duration::from_secs(30);
/// The same, later on.
pub(super) const LATE: Duration = Duration::from_secs(60);

/// The next time of a series of looks, and how many of them there were.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series {
    at: Instant,
    count: usize,
    /// It has found something. It goes on, as what it began with may have been of several kinds, served
    /// one after another; but whatever is told from then on begins a series of its own.
    pub(super) gives_way: bool,
}

impl Series {
    pub(super) fn begin() -> Option<Self> {
        Self::after(0, false)
    }

    fn after(count: usize, gives_way: bool) -> Option<Self> {
        LOOKS.get(count).map(|pause| Self {
            at: Instant::now() + *pause,
            count,
            gives_way,
        })
    }

    pub(super) fn next(self, is_changed: bool) -> Option<Self> {
        Self::after(self.count + 1, self.gives_way || is_changed)
    }
}

/// Waits for the next look of a series, for ever if there is none.
pub(super) async fn reached(series: Option<Series>) -> Option<Series> {
    until(series.map(|series| series.at)).await;
    series
}

/// The pause after this one.
pub(super) fn longer(pause: Duration) -> Duration {
    if pause < SOON {
        (pause * 2).min(SOON)
    } else {
        LATE
    }
}
