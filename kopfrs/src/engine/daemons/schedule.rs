//! When a timer is called again after a call that has succeeded. Pure.

use std::time::Duration;

use crate::handler::Schedule;

/// What comes after a call of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// The next call after that time.
    For(Duration),
    /// The next call after the next change of the object.
    UntilChange,
    /// No further call.
    Forever,
}

/// What comes after a call that took so long.
pub(super) fn pause(schedule: Schedule, took: Duration) -> Pause {
    match schedule.interval {
        Some(interval) if schedule.sharp => Pause::For(until_next(interval, took)),
        Some(interval) => Pause::For(interval),
        None if schedule.idle.is_some() => Pause::UntilChange,
        None => Pause::Forever,
    }
}

/// How long it is to the next point of a grid that began so long ago.
fn until_next(interval: Duration, elapsed: Duration) -> Duration {
    let nanos = interval.as_nanos();
    let rest = nanos - elapsed.as_nanos() % nanos.max(1);
    Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_depends_on_the_schedule_and_if_sharp_on_how_long_the_call_took() {
        let (s, ms) = (Duration::from_secs, Duration::from_millis);
        let interval = |interval| Schedule {
            interval: Some(interval),
            ..Schedule::default()
        };
        let sharp = Schedule {
            sharp: true,
            ..interval(s(2))
        };
        let idle = Schedule {
            idle: Some(s(5)),
            ..Schedule::default()
        };
        let both = Schedule {
            idle: Some(s(5)),
            ..interval(s(2))
        };
        for (schedule, took, expected) in [
            (interval(s(2)), s(0), Pause::For(s(2))),
            (interval(s(2)), s(7), Pause::For(s(2))),
            (sharp, s(0), Pause::For(s(2))),
            (sharp, ms(500), Pause::For(ms(1500))),
            (sharp, s(2), Pause::For(s(2))),
            (sharp, ms(4700), Pause::For(ms(1300))),
            (both, s(1), Pause::For(s(2))),
            (idle, s(1), Pause::UntilChange),
            (Schedule::default(), s(1), Pause::Forever),
        ] {
            assert_eq!(pause(schedule, took), expected, "{schedule:?} {took:?}");
        }
    }
}
