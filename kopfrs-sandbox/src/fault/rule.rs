//! Rules: which requests, which fault, how often, and when.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Fault,
    chance::Chance,
    handle::State,
    kind::What,
    window::{End, Start, Window},
};
use crate::journal::{On, Request};

/// A fault, the requests it is for, how often it strikes, and when: always, unless said otherwise.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use kopfrs_sandbox::fault::{Fault, On, Rule};
///
/// // The third and the fourth patch fail.
/// let some = Rule::new(On::verb("patch"), Fault::status(500)).skip(2).times(2);
/// // The same, the fault first.
/// let some = Fault::status(500).on(On::verb("patch")).skip(2).times(2);
/// // One request in ten breaks; which ones is the same in every run.
/// let flaky = Fault::reset().on(On::any()).probability(0.1, 42);
/// // In ten seconds from now the server is overloaded, for a minute.
/// let rush = Fault::status(429)
///     .on(On::writes())
///     .starting_in(Duration::from_secs(10))
///     .lasting(Duration::from_secs(60));
/// # drop((some, flaky, rush));
/// ```
#[derive(Debug, Clone)]
pub struct Rule {
    on: On,
    pub(super) fault: Fault,
    skip: usize,
    every: usize,
    times: Option<usize>,
    chance: Option<Chance>,
    window: Window,
}

impl Rule {
    /// A fault that strikes every request that it is for.
    pub fn new(on: On, fault: Fault) -> Self {
        Self {
            on,
            fault,
            skip: 0,
            every: 1,
            times: None,
            chance: None,
            window: Window::default(),
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

    /// It strikes the first so many requests, and no later ones.
    pub fn first(self, requests: usize) -> Self {
        self.skip(0).times(requests)
    }

    /// It strikes one request: the first is 1.
    pub fn nth(self, number: usize) -> Self {
        self.skip(number.saturating_sub(1)).times(1)
    }

    /// Of the requests that are not skipped it strikes one in so many: with 3 the third, the sixth, the ninth.
    ///
    /// # Examples
    ///
    /// ```
    /// use kopfrs_sandbox::fault::{Fault, On};
    ///
    /// // Of all patches the 5th, 7th and 9th meet a conflict.
    /// let rule = Fault::status(409).on(On::verb("patch")).skip(3).every(2).times(3);
    /// # drop(rule);
    /// ```
    pub fn every(mut self, requests: usize) -> Self {
        self.every = requests.max(1);
        self
    }

    /// It strikes with a probability between 0 and 1. The seed decides which requests are struck, as far as requests
    /// come in the same order.
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.chance = Some(Chance::new(probability, seed));
        self
    }

    /// It begins at a moment of tokio's clock, which the sandbox goes by. Requests before do not count.
    pub fn starting_at(mut self, moment: Instant) -> Self {
        self.window.start = Start::At(moment);
        self
    }

    /// It begins so long after it has been injected.
    pub fn starting_in(mut self, delay: Duration) -> Self {
        self.window.start = Start::In(delay);
        self
    }

    /// It ends at a moment, as if it were removed then: what hangs goes on.
    pub fn ending_at(mut self, moment: Instant) -> Self {
        self.window.end = End::At(moment);
        self
    }

    /// It ends so long after its beginning, as if it were removed then.
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.window.end = End::After(duration);
        self
    }
}

/// A rule and how far it is.
#[derive(Debug)]
pub(super) struct Active {
    rule: Rule,
    pub(super) state: Arc<State>,
    start: Instant,
    seen: usize,
    struck: usize,
}

impl Active {
    pub(super) fn new(rule: Rule) -> Self {
        let (start, end) = rule.window.resolve(Instant::now());
        Self {
            rule,
            state: Arc::new(State::ending(end)),
            start,
            seen: 0,
            struck: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.is_over()
    }

    /// The fault, if it strikes this request; counts it.
    pub(super) fn strikes(&mut self, request: &Request) -> Option<Fault> {
        let rule = &mut self.rule;
        let is_done = rule.times.is_some_and(|times| self.struck >= times);
        if is_done || self.start > Instant::now() {
            return None;
        }
        if !rule.fault.is_for(request) || !rule.on.matches(request) {
            return None;
        }
        self.seen += 1;
        let counted = self.seen.checked_sub(rule.skip).filter(|at| *at > 0)?;
        if !counted.is_multiple_of(rule.every) {
            return None;
        }
        if rule.chance.as_mut().is_some_and(|chance| !chance.decide()) {
            return None;
        }
        self.struck += 1;
        Some(self.fault())
    }

    /// The fault for one request: what chance has a say in is decided here.
    fn fault(&mut self) -> Fault {
        let fault = &mut self.rule.fault;
        let what = match &mut fault.what {
            What::Delay(latency) => What::Delay(super::chance::Latency::fixed(latency.next())),
            other => other.clone(),
        };
        Fault {
            what,
            moment: fault.moment,
        }
    }
}
