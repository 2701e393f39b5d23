//! Whether the operator works, or is paused: by whoever has a reason, for as long as one of them has.
//!
//! Leader election and peering hold the operator; the reactor obeys, and whoever tells of the operator's
//! health asks. Knows neither why there are pauses nor what a pause leads to.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether the operator works. Clones are about the same operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Duty(Arc<watch::Sender<Standing>>);

/// What keeps the operator from its work at a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    reasons: Vec<(u64, Reason)>,
    /// How often it was paused so far: one that has ended already is not to be missed.
    pub(crate) pauses: u64,
    last: u64,
}

/// Why the operator is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// For people: `the lease default/demo is held by b`.
    pub(crate) text: String,
    /// Somebody else may be at work already: whatever runs is to be cancelled at once, not to be finished.
    pub(crate) is_sudden: bool,
}

/// Keeps an operator paused until it is dropped.
#[derive(Debug)]
#[must_use = "the pause ends when this is dropped"]
pub(crate) struct Hold {
    duty: Duty,
    number: u64,
}

impl Duty {
    /// Pauses the operator. What runs may finish.
    pub(crate) fn hold(&self, text: impl Into<String>) -> Hold {
        self.hold_for(Reason {
            text: text.into(),
            is_sudden: false,
        })
    }

    /// Pauses the operator, and has cancelled what runs.
    pub(crate) fn hold_at_once(&self, text: impl Into<String>) -> Hold {
        self.hold_for(Reason {
            text: text.into(),
            is_sudden: true,
        })
    }

    fn hold_for(&self, reason: Reason) -> Hold {
        let mut number = 0;
        self.0.send_modify(|standing| {
            standing.last += 1;
            number = standing.last;
            standing.pauses += u64::from(standing.reasons.is_empty());
            standing.reasons.push((number, reason));
        });
        Hold {
            duty: self.clone(),
            number,
        }
    }

    /// Whether the operator is paused.
    pub(crate) fn is_paused(&self) -> bool {
        self.0.borrow().is_paused()
    }

    /// Why it is paused; nothing if it works.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let standing = self.0.borrow();
        let reasons = standing.reasons.iter();
        reasons.map(|(_, reason)| reason.text.clone()).collect()
    }

    /// Tells of all changes from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }
}

impl Standing {
    /// Whether anybody has a reason.
    pub(crate) fn is_paused(&self) -> bool {
        !self.reasons.is_empty()
    }

    /// Whether what runs is to be cancelled at once.
    pub(crate) fn is_sudden(&self) -> bool {
        self.reasons.iter().any(|(_, reason)| reason.is_sudden)
    }
}

impl Hold {
    /// Says another reason for the same pause.
    pub(crate) fn say(&self, text: impl Into<String>) {
        let text = text.into();
        self.duty.0.send_if_modified(|standing| {
            let own = |(number, _): &&mut (u64, Reason)| *number == self.number;
            match standing.reasons.iter_mut().find(own) {
                Some((_, reason)) if reason.text != text => {
                    reason.text = text;
                    true
                }
                _ => false,
            }
        });
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.duty.0.send_modify(|standing| {
            standing
                .reasons
                .retain(|(number, _)| *number != self.number);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_lasts_as_long_as_anybody_has_a_reason() {
        let duty = Duty::default();
        assert!(!duty.is_paused());
        let first = duty.hold("first");
        let second = duty.hold_at_once("second");
        assert_eq!(duty.reasons(), ["first", "second"]);
        assert!(duty.0.borrow().is_sudden());
        drop(second);
        first.say("still first");
        assert_eq!(duty.reasons(), ["still first"]);
        assert!(!duty.0.borrow().is_sudden());
        drop(first);
        assert!(!duty.is_paused());
        assert_eq!(duty.0.borrow().pauses, 1);
    }
}
