//! `on::daemon`, `on::timer`: functions that go along with objects.

use super::{COMMON, ERRORS, FILTERS, Family, Kind};

pub(super) const KINDS: &[Kind] = &[
    spawning("daemon", &[COMMON, ERRORS, FILTERS, SPAWNING, CANCELLATION]),
    spawning("timer", &[COMMON, ERRORS, FILTERS, SPAWNING, SCHEDULE]),
];

/// When it begins, and who waits for its end.
const SPAWNING: &[&str] = &["initial_delay", "finalizer"];
/// How a daemon is ended that does not end by itself.
const CANCELLATION: &[&str] = &[
    "cancellation_backoff",
    "cancellation_timeout",
    "cancellation_polling",
];
/// When a timer is called again.
const SCHEDULE: &[&str] = &["interval", "sharp", "idle"];

const fn spawning(name: &'static str, options: &'static [&'static [&'static str]]) -> Kind {
    Kind {
        name,
        family: Family::Spawning,
        returns: "Stored",
        has_selector: true,
        options,
        required: None,
    }
}
