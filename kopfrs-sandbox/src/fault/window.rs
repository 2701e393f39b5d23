//! When a rule is in force.

use std::time::Duration;

use tokio::time::Instant;

/// From when until when, as it was asked for: some of it is known only when the rule is injected.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    pub(super) start: Start,
    pub(super) end: End,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Start {
    #[default]
    AtOnce,
    At(Instant),
    In(Duration),
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) enum End {
    #[default]
    Never,
    At(Instant),
    /// So long after the start.
    After(Duration),
}

/// What stands for times that no clock reaches.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);

impl Window {
    /// Start and end of a rule that is injected now.
    pub(super) fn resolve(self, now: Instant) -> (Instant, Option<Instant>) {
        let start = match self.start {
            Start::AtOnce => now,
            Start::At(start) => start,
            Start::In(delay) => now + delay.min(FOREVER),
        };
        let end = match self.end {
            End::Never => None,
            End::At(end) => Some(end),
            End::After(length) => Some(start + length.min(FOREVER)),
        };
        (start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_from_the_start_and_no_time_is_too_long() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let check = |start, end, expected| {
            assert_eq!(Window { start, end }.resolve(now), expected);
        };
        check(Start::AtOnce, End::Never, (now, None));
        check(
            Start::In(second),
            End::After(second),
            (now + second, Some(now + 2 * second)),
        );
        check(
            Start::At(now - second),
            End::At(now),
            (now - second, Some(now)),
        );
        let (start, end) = Window {
            start: Start::In(Duration::MAX),
            end: End::After(Duration::MAX),
        }
        .resolve(now);
        assert!(start > now && end > Some(start));
    }
}
