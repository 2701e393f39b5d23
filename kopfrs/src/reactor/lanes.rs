//! Whose turn it is. Objects that have something to do wait in one of two lanes: what happens now goes
//! before what a listing has found, and within each it is first come, first served. Those that have
//! to wait for their time wait in a third place, and enter a lane when it has come.
//!
//! Nobody who waits has a task: of an object in a lane there is its text and a ticket.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::queue::Queue;

/// A place among the objects that are being taken apart; given back before handlers are called.
pub(crate) type Place = Option<OwnedSemaphorePermit>;

/// Where an object waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Something has happened to it, or its time has come.
    Live,
    /// A listing has found it, and it has been indexed.
    Indexed,
    /// A listing has found it.
    Listed,
}

/// Who waits.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    /// It may be gone when the turn comes.
    pub(crate) queue: Weak<Queue>,
    pub(crate) uid: Arc<str>,
}

/// When somebody's time comes; different for any two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    at: Instant,
    number: u64,
}

impl Due {
    pub(crate) fn has_come(self) -> bool {
        self.at <= Instant::now()
    }

    #[cfg(feature = "testing")]
    pub(super) fn remaining(self) -> std::time::Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

/// All who wait.
#[derive(Debug)]
pub(crate) struct Lanes {
    waiting: Mutex<Waiting>,
    /// Somebody has come, or will have to be woken earlier.
    changed: Notify,
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Waiting {
    live: VecDeque<Ticket>,
    indexed: VecDeque<Ticket>,
    listed: VecDeque<Ticket>,
    sleeping: BTreeMap<Due, Ticket>,
    /// Those whose turn comes when no handler has to wait for indices any more.
    held: VecDeque<(Lane, Ticket)>,
    /// Handlers have to wait for indices.
    is_closed: bool,
    /// How many have gone to sleep so far.
    sleepers: u64,
}

impl Lanes {
    /// So many requests may be on their way at once. Twice as many objects may be taken apart, before their
    /// handlers are called: should each request hang, there is still room for others.
    pub(crate) fn new(requests_in_flight: usize) -> Self {
        let places = requests_in_flight
            .max(1)
            .saturating_mul(2)
            .min(Semaphore::MAX_PERMITS);
        Self {
            waiting: Mutex::default(),
            changed: Notify::new(),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// Handlers have to wait: everybody is held until the lanes are opened.
    pub(crate) fn close(&self) {
        self.waiting().is_closed = true;
    }

    /// Whether handlers may be called.
    pub(crate) fn is_open(&self) -> bool {
        !self.waiting().is_closed
    }

    /// Handlers may be called: whoever is held lines up, before those who have come since.
    pub(crate) fn open(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = false;
        let held = std::mem::take(&mut waiting.held);
        for (lane, ticket) in held.into_iter().rev() {
            waiting.lane(lane).push_front(ticket);
        }
        self.changed.notify_one();
    }

    /// Lines up when handlers may be called.
    pub(crate) fn hold(&self, lane: Lane, ticket: Ticket) {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            waiting.held.push_back((lane, ticket));
        } else {
            waiting.lane(lane).push_back(ticket);
            self.changed.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines up at the end of a lane.
    pub(crate) fn enter(&self, lane: Lane, ticket: Ticket) {
        self.waiting().lane(lane).push_back(ticket);
        self.changed.notify_one();
    }

    /// Lines up among those of what happens now when the time has come.
    pub(crate) fn sleep(&self, at: Instant, ticket: Ticket) -> Due {
        let mut waiting = self.waiting();
        let number = waiting.sleepers;
        waiting.sleepers += 1;
        let due = Due { at, number };
        let is_first = waiting
            .sleeping
            .first_key_value()
            .is_none_or(|(first, _)| due < *first);
        waiting.sleeping.insert(due, ticket);
        if is_first {
            self.changed.notify_one();
        }
        due
    }

    /// The time needs not be waited for any more.
    pub(crate) fn wake(&self, due: Due) {
        self.waiting().sleeping.remove(&due);
    }

    /// Gives everybody their turn, as places become free, until it is dropped.
    pub(crate) async fn run(&self) -> Infallible {
        loop {
            let place = self
                .places
                .clone()
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let (lane, ticket) = self.next().await;
            if let Some(queue) = ticket.queue.upgrade() {
                queue.start(&ticket.uid, lane, Some(place));
            }
        }
    }

    /// Whose turn it is next.
    async fn next(&self) -> (Lane, Ticket) {
        loop {
            let first = {
                let mut waiting = self.waiting();
                waiting.rouse(Instant::now());
                if let Some(next) = waiting.pop() {
                    return next;
                }
                waiting.sleeping.first_key_value().map(|(due, _)| due.at)
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = async { sleep_until(first.unwrap_or_else(Instant::now)).await }, if first.is_some() => {}
            }
        }
    }
}

impl Waiting {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Ticket> {
        match lane {
            Lane::Live => &mut self.live,
            Lane::Indexed => &mut self.indexed,
            Lane::Listed => &mut self.listed,
        }
    }

    fn pop(&mut self) -> Option<(Lane, Ticket)> {
        let of = |lane| move |ticket| (lane, ticket);
        let live = self.live.pop_front().map(of(Lane::Live));
        let known = live.or_else(|| self.indexed.pop_front().map(of(Lane::Indexed)));
        known.or_else(|| self.listed.pop_front().map(of(Lane::Listed)))
    }

    /// Lines up those whose time has come.
    fn rouse(&mut self, now: Instant) {
        while let Some(first) = self.sleeping.first_entry() {
            if first.key().at > now {
                return;
            }
            self.live.push_back(first.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn ticket(uid: &str) -> Ticket {
        Ticket {
            queue: Weak::new(),
            uid: uid.into(),
        }
    }

    async fn order(lanes: &Lanes) -> Vec<String> {
        let mut order = Vec::new();
        while let Ok((_, ticket)) = timeout(Duration::from_secs(60), lanes.next()).await {
            order.push(ticket.uid.to_string());
        }
        order
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_now_goes_first_and_each_lane_keeps_its_order() {
        let lanes = Lanes::new(1);
        for (lane, uid) in [
            (Lane::Listed, "l1"),
            (Lane::Live, "n1"),
            (Lane::Listed, "l2"),
            (Lane::Live, "n2"),
        ] {
            lanes.enter(lane, ticket(uid));
        }
        assert_eq!(order(&lanes).await, ["n1", "n2", "l1", "l2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_held_goes_before_those_who_have_come_since() {
        let lanes = Lanes::new(1);
        lanes.close();
        lanes.hold(Lane::Live, ticket("h1"));
        lanes.hold(Lane::Indexed, ticket("i1"));
        lanes.hold(Lane::Live, ticket("h2"));
        lanes.enter(Lane::Live, ticket("n1"));
        lanes.enter(Lane::Listed, ticket("l1"));
        assert!(!lanes.is_open());
        lanes.open();
        lanes.hold(Lane::Live, ticket("late"));
        assert_eq!(order(&lanes).await, ["h1", "h2", "n1", "late", "i1", "l1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn sleepers_are_woken_in_the_order_of_their_times() {
        let lanes = Lanes::new(1);
        let at = |seconds| Instant::now() + Duration::from_secs(seconds);
        lanes.sleep(at(3), ticket("third"));
        let early = lanes.sleep(at(1), ticket("roused"));
        lanes.sleep(at(2), ticket("first"));
        lanes.sleep(at(2), ticket("second"));
        lanes.wake(early);
        assert_eq!(order(&lanes).await, ["first", "second", "third"]);
    }
}
