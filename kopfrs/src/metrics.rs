//! What is measured while the operator works. Parts add to it; the admin server writes it down.
//!
//! A small registry of our own: what is measured is known in advance and counted by atomic numbers that
//! their owners hold, where the common crates look labels up at each event. Labels name kinds, handlers
//! and verbs, never objects.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often something took how long.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what took longer.
    counts: Box<[AtomicU64]>,
    nanos: AtomicU64,
}

/// From ten nanoseconds to a quarter of an hour, as queues of work are measured.
pub(crate) const QUEUE: &[f64] = &[
    1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0,
];

/// From five milliseconds to a minute, as reconciliations are measured.
pub(crate) const WORK: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0,
    25.0, 30.0, 40.0, 50.0, 60.0,
];

/// From five milliseconds to a minute, as requests are measured.
pub(crate) const REQUEST: &[f64] = &[
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0,
];

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            nanos: AtomicU64::new(0),
        }
    }

    pub(crate) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = self.bounds.partition_point(|bound| *bound < seconds);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// The bounds, each with how often it took no longer than that; the last one is infinite.
    #[cfg(feature = "admin")]
    pub(crate) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let mut total = 0;
        let counts = self.counts.iter().map(|count| {
            total += count.load(Ordering::Relaxed);
            total
        });
        bounds.zip(counts).collect()
    }

    /// How long it took all in all, in seconds.
    #[cfg(feature = "admin")]
    pub(crate) fn sum(&self) -> f64 {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64()
    }
}

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(feature = "admin")]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is measured of the handling of one kind.
#[derive(Debug)]
pub(crate) struct KindMetrics {
    /// How often an object has lined up.
    pub(crate) adds: Counter,
    /// How often one did so as the framework had failed with it.
    pub(crate) retries: Counter,
    /// How long objects waited for their turn.
    pub(crate) waited: Histogram,
    /// How long their turns took.
    pub(crate) worked: Histogram,
    /// The looks at objects, by what came of them.
    pub(crate) succeeded: Counter,
    pub(crate) requeued: Counter,
    pub(crate) failed: Counter,
    /// How long looks took.
    pub(crate) looked: Histogram,
}

impl Default for KindMetrics {
    fn default() -> Self {
        Self {
            adds: Counter::default(),
            retries: Counter::default(),
            waited: Histogram::new(QUEUE),
            worked: Histogram::new(QUEUE),
            succeeded: Counter::default(),
            requeued: Counter::default(),
            failed: Counter::default(),
            looked: Histogram::new(WORK),
        }
    }
}

/// What is measured of one handler.
#[derive(Debug)]
pub(crate) struct HandlerMetrics {
    pub(crate) succeeded: Counter,
    /// It is tried again.
    pub(crate) retried: Counter,
    /// It has failed for good.
    pub(crate) failed: Counter,
    pub(crate) took: Histogram,
}

impl Default for HandlerMetrics {
    fn default() -> Self {
        Self {
            succeeded: Counter::default(),
            retried: Counter::default(),
            failed: Counter::default(),
            took: Histogram::new(WORK),
        }
    }
}

/// All that is measured of one operator; clones are about the same one. Nothing is unless somebody
/// wants to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Arc<Inner>);

type Handlers = BTreeMap<(String, &'static str), Arc<HandlerMetrics>>;

#[derive(Debug, Default)]
struct Inner {
    is_on: AtomicBool,
    kinds: Mutex<BTreeMap<String, Arc<KindMetrics>>>,
    handlers: Mutex<Handlers>,
}

impl Metrics {
    /// Somebody wants to know.
    #[cfg(feature = "admin")]
    pub(crate) fn switch_on(&self) {
        self.0.is_on.store(true, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Relaxed)
    }

    /// Where to measure the handling of a kind; `None` if nobody wants to know.
    pub(crate) fn kind(&self, name: &str) -> Option<Arc<KindMetrics>> {
        self.is_on().then(|| {
            let mut kinds = self.0.kinds.lock().unwrap_or_else(PoisonError::into_inner);
            kinds.entry(name.to_owned()).or_default().clone()
        })
    }

    /// Where to measure a handler, by its id and what the log calls it; `None` if nobody wants to know.
    pub(crate) fn handler(&self, id: &str, role: &'static str) -> Option<Arc<HandlerMetrics>> {
        self.is_on().then(|| {
            let handlers = self.0.handlers.lock();
            let mut handlers = handlers.unwrap_or_else(PoisonError::into_inner);
            handlers.entry((id.to_owned(), role)).or_default().clone()
        })
    }

    /// All kinds that were handled.
    #[cfg(feature = "admin")]
    pub(crate) fn kinds(&self) -> BTreeMap<String, Arc<KindMetrics>> {
        let kinds = self.0.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.clone()
    }

    /// All handlers that were called.
    #[cfg(feature = "admin")]
    pub(crate) fn handlers(&self) -> Handlers {
        let handlers = self.0.handlers.lock();
        handlers.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(all(test, feature = "admin"))]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_took_no_longer_than_each_bound() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for millis in [50, 100, 500, 5000] {
            histogram.observe(Duration::from_millis(millis));
        }
        assert_eq!(
            histogram.buckets(),
            [(0.1, 2), (1.0, 3), (f64::INFINITY, 4)]
        );
        assert!((histogram.sum() - 5.65).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_measured_unless_somebody_wants_to_know() {
        let metrics = Metrics::default();
        assert!(metrics.kind("demos").is_none() && metrics.handler("a", "create").is_none());
        metrics.switch_on();
        metrics.kind("demos").unwrap().adds.add();
        assert_eq!(metrics.kind("demos").unwrap().adds.get(), 1);
    }
}
