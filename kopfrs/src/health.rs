//! How the operator is: what its parts have told last. Whoever asks decides what is still well.
//!
//! Parts report changes, not events: a watch that works costs nothing here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// How the operator is. Clones are about the same operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health(Arc<Mutex<State>>);

/// What the parts have told last.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// The kinds that handlers ask for have been looked for.
    pub(crate) is_begun: bool,
    pub(crate) watches: BTreeMap<u64, WatchState>,
    /// What else must be there first, and whether it is.
    pub(crate) gates: BTreeMap<u64, (&'static str, bool)>,
    pub(crate) lease: Option<LeaseState>,
    last: u64,
}

/// How a watch is.
#[derive(Clone, Debug)]
pub(crate) struct WatchState {
    /// `demos.example.com in namespace a`
    pub(crate) name: String,
    /// All that was there at first has been listed.
    pub(crate) is_listed: bool,
    /// Since when it does not work, and why.
    pub(crate) trouble: Option<(Instant, String)>,
}

/// How leader election is.
#[derive(Clone, Debug)]
pub(crate) struct LeaseState {
    /// `default/demo`
    pub(crate) name: String,
    pub(crate) is_leader: bool,
    /// When the lease could last be read or written.
    pub(crate) heard: Instant,
    /// Why it cannot be had as things are.
    pub(crate) trouble: Option<String>,
}

/// Where a watch tells how it is; it is forgotten with this.
#[derive(Debug)]
pub(crate) struct WatchReport {
    health: Health,
    number: u64,
}

/// Keeps the operator from being ready until it is opened.
#[derive(Debug)]
pub(crate) struct Gate {
    health: Health,
    number: u64,
}

impl Health {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What all parts have told last.
    #[cfg(feature = "admin")]
    pub(crate) fn state(&self) -> State {
        self.lock().clone()
    }

    /// The kinds that handlers ask for have been looked for; those that are there are being watched.
    pub(crate) fn begun(&self) {
        self.lock().is_begun = true;
    }

    /// A watch begins.
    pub(crate) fn watch(&self, name: String) -> WatchReport {
        let mut state = self.lock();
        state.last += 1;
        let number = state.last;
        let watch = WatchState {
            name,
            is_listed: false,
            trouble: None,
        };
        state.watches.insert(number, watch);
        WatchReport {
            health: self.clone(),
            number,
        }
    }

    /// Something must be there before the operator is ready: `indices`, `webhooks`.
    #[allow(dead_code, reason = "for what is to be filled or served first")]
    pub(crate) fn gate(&self, name: &'static str) -> Gate {
        let mut state = self.lock();
        state.last += 1;
        let number = state.last;
        state.gates.insert(number, (name, false));
        Gate {
            health: self.clone(),
            number,
        }
    }

    /// How leader election is now.
    pub(crate) fn elect(&self, lease: LeaseState) {
        self.lock().lease = Some(lease);
    }
}

impl WatchReport {
    fn tell(&self, change: impl FnOnce(&mut WatchState)) {
        if let Some(watch) = self.health.lock().watches.get_mut(&self.number) {
            change(watch);
        }
    }

    /// All that was there has been listed.
    pub(crate) fn listed(&self) {
        self.tell(|watch| watch.is_listed = true);
    }

    /// It works, as far as can be told.
    pub(crate) fn works(&self) {
        self.tell(|watch| watch.trouble = None);
    }

    /// It does not work.
    pub(crate) fn failed(&self, why: &impl ToString) {
        self.tell(|watch| {
            let since = watch.trouble.take().map(|(since, _)| since);
            watch.trouble = Some((since.unwrap_or_else(Instant::now), why.to_string()));
        });
    }
}

impl Drop for WatchReport {
    fn drop(&mut self) {
        self.health.lock().watches.remove(&self.number);
    }
}

#[allow(dead_code, reason = "for what is to be filled or served first")]
impl Gate {
    /// It is there.
    pub(crate) fn open(&self) {
        if let Some((_, is_open)) = self.health.lock().gates.get_mut(&self.number) {
            *is_open = true;
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.health.lock().gates.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn trouble_counts_from_its_beginning_and_ends_with_the_watch() {
        let health = Health::default();
        let watch = health.watch("demos".into());
        let begun = Instant::now();
        watch.failed(&"first");
        sleep(Duration::from_secs(60)).await;
        watch.failed(&"second");
        let trouble = |health: &Health| {
            let state = health.lock();
            state
                .watches
                .values()
                .find_map(|watch| watch.trouble.clone())
        };
        assert_eq!(trouble(&health), Some((begun, "second".into())));
        watch.works();
        assert_eq!(trouble(&health), None);
        drop(watch);
        assert!(health.lock().watches.is_empty());
    }

    #[test]
    fn a_gate_is_closed_until_it_is_opened() {
        let health = Health::default();
        let gate = health.gate("indices");
        let is_open = |health: &Health| health.lock().gates.values().all(|(_, is_open)| *is_open);
        assert!(!is_open(&health));
        gate.open();
        assert!(is_open(&health));
        drop(gate);
        assert!(health.lock().gates.is_empty());
    }
}
