//! Rules: which requests, which fault, how often.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Fault, On, chance::Chance};
use crate::journal::Request;

/// A fault, the requests it is for, and how often it strikes: always, unless said otherwise.
///
/// # Examples
///
/// ```
/// use kopfrs_sandbox::fault::{Fault, On, Rule};
///
/// // The third and the fourth patch fail.
/// let some = Rule::new(On::verb("patch"), Fault::status(500)).skip(2).times(2);
/// // One request in ten breaks; which ones is the same in every run.
/// let flaky = Rule::new(On::any(), Fault::reset()).probability(0.1, 42);
/// # drop((some, flaky));
/// ```
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) on: On,
    pub(super) fault: Fault,
    skip: usize,
    times: Option<usize>,
    chance: Option<Chance>,
}

impl Rule {
    /// A fault that strikes every request that it is for.
    pub fn new(on: On, fault: Fault) -> Self {
        Self {
            on,
            fault,
            skip: 0,
            times: None,
            chance: None,
        }
    }

    /// The first so many requests pass.
    pub fn skip(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// It strikes so many times and no more.
    pub fn times(mut self, hits: usize) -> Self {
        self.times = Some(hits);
        self
    }

    /// It strikes with a probability between 0 and 1. The seed decides which requests are struck, as far as requests
    /// come in the same order.
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.chance = Some(Chance::new(probability, seed));
        self
    }
}

/// A rule at work: tells how often it has struck, and takes it away again.
///
/// Dropping it changes nothing: the rule stays until it is removed.
#[derive(Clone)]
pub struct Injected {
    pub(super) state: Arc<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    hits: AtomicUsize,
    struck: Notify,
    /// Cancelled when the rule is removed: releases what hangs and stalls.
    pub(super) removed: CancellationToken,
}

impl State {
    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::AcqRel);
        self.struck.notify_waiters();
    }
}

impl Injected {
    /// How often it has struck.
    pub fn hits(&self) -> usize {
        self.state.hits.load(Ordering::Acquire)
    }

    /// Waits until it has struck so many times.
    pub async fn until_hits(&self, hits: usize) {
        loop {
            let struck = self.state.struck.notified();
            tokio::pin!(struck);
            struck.as_mut().enable();
            if self.hits() >= hits {
                return;
            }
            struck.await;
        }
    }

    /// Takes the rule away. Requests that hang because of it go on, and so do streams that it has stalled.
    pub fn remove(&self) {
        self.state.removed.cancel();
    }
}

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injected")
            .field("hits", &self.hits())
            .field("removed", &self.state.removed.is_cancelled())
            .finish_non_exhaustive()
    }
}

/// A rule and how far it is.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) rule: Rule,
    pub(super) state: Arc<State>,
    seen: usize,
    struck: usize,
}

impl Active {
    pub(super) fn new(rule: Rule) -> Self {
        Self {
            rule,
            state: Arc::default(),
            seen: 0,
            struck: 0,
        }
    }

    pub(super) fn is_removed(&self) -> bool {
        self.state.removed.is_cancelled()
    }

    /// Whether it strikes this request; counts it.
    pub(super) fn strikes(&mut self, request: &Request) -> bool {
        let rule = &mut self.rule;
        if rule.times.is_some_and(|times| self.struck >= times) || !rule.on.matches(request) {
            return false;
        }
        self.seen += 1;
        if self.seen <= rule.skip {
            return false;
        }
        if rule.chance.as_mut().is_some_and(|chance| !chance.decide()) {
            return false;
        }
        self.struck += 1;
        true
    }
}
