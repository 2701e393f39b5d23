//! What to do about the runs of an object that there are already. Pure.
//!
//! One program at a time is at work for an object. One that does the same as is wanted is adopted; any other is left to
//! end, and removed then.

use super::name::{INPUT, READ};

/// A run as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) uid: String,
    /// What it is to do; `None` if it does not say.
    pub(super) input: Option<String>,
    /// Its outcome is known, or it was not wanted any more.
    pub(super) is_read: bool,
    pub(super) is_deleting: bool,
    /// Nothing will come of it any more, or nothing has begun and will not.
    pub(super) is_idle: bool,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nobody is at work: begin.
    Start,
    /// This one does what is wanted.
    Adopt(Found),
    /// These stand in the way, and can go.
    Remove(Vec<Found>),
    /// This one stands in the way, and has to be waited for.
    Wait(Found),
}

impl Found {
    /// Reads a run's own metadata.
    pub(super) fn new(meta: &kube::core::ObjectMeta, is_idle: bool) -> Self {
        let annotation = |key| meta.annotations.as_ref().and_then(|all| all.get(key));
        Self {
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            input: annotation(INPUT).cloned(),
            is_read: annotation(READ).is_some(),
            is_deleting: meta.deletion_timestamp.is_some(),
            is_idle,
        }
    }

    /// Whether its outcome is that of what is wanted. One of another attempt is not, if it has ended: that attempt has failed.
    fn serves(&self, name: &str, input: &str) -> bool {
        let is_same = self.input.as_deref() == Some(input);
        is_same && !self.is_read && !self.is_deleting && (self.name == name || !self.is_idle)
    }
}

/// Decides by all runs of an object.
pub(super) fn plan(found: Vec<Found>, name: &str, input: &str) -> Step {
    let (mut ours, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|run| run.serves(name, input));
    // The one of this very attempt comes first.
    ours.sort_by_key(|run| run.name != name);
    let removable = |run: &&Found| !run.is_deleting && (run.is_idle || run.is_read);
    let idle: Vec<Found> = others.iter().filter(removable).cloned().collect();
    if !idle.is_empty() {
        return Step::Remove(idle);
    }
    match (others.into_iter().next(), ours.into_iter().next()) {
        (Some(other), _) => Step::Wait(other),
        (None, Some(ours)) => Step::Adopt(ours),
        (None, None) => Step::Start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name input flags`: `d`eleting, `r`ead, `i`dle.
    fn found(text: &str) -> Found {
        let mut words = text.split(' ');
        let name = words.next().unwrap().to_owned();
        let input = words.next().map(str::to_owned);
        let flags = words.next().unwrap_or_default();
        Found {
            uid: name.clone(),
            name,
            input,
            is_read: flags.contains('r'),
            is_deleting: flags.contains('d'),
            is_idle: flags.contains('i'),
        }
    }

    fn check(runs: &[&str], expected: &str) {
        let runs = runs.iter().copied().map(found).collect();
        let step = match plan(runs, "create-1", "in") {
            Step::Start => "start".to_owned(),
            Step::Adopt(run) => format!("adopt {}", run.name),
            Step::Wait(run) => format!("wait {}", run.name),
            Step::Remove(runs) => {
                let names: Vec<String> = runs.into_iter().map(|run| run.name).collect();
                format!("remove {}", names.join(" "))
            }
        };
        assert_eq!(step, expected);
    }

    #[test]
    fn one_program_at_a_time_is_at_work() {
        check(&[], "start");
        check(&["create-1 in"], "adopt create-1");
        check(&["create-1 in i"], "adopt create-1");
        check(&["create-0 in"], "adopt create-0");
        check(&["create-0 in i"], "remove create-0");
        check(&["create-0 in", "create-1 in"], "adopt create-1");
        check(&["create-1 in r"], "remove create-1");
        check(&["create-1 in d"], "wait create-1");
        check(&["create-1 other"], "wait create-1");
        check(&["create-1 other i"], "remove create-1");
        check(&["create-1"], "wait create-1");
        check(&["update-0 other", "update-1 other i"], "remove update-1");
        check(&["update-0 other", "create-1 in"], "wait update-0");
        check(&["update-0 other di", "create-1 in"], "wait update-0");
    }
}
