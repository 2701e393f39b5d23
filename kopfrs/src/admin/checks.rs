//! What is well and what is not. Pure: from what the parts have told to verdicts.

use std::fmt;

use tokio::time::{Duration, Instant};

use crate::health::State;
use crate::settings::HealthSettings;

/// What is told of the parts of the operator at a moment.
#[derive(Debug)]
pub(super) struct Now {
    pub(super) state: State,
    /// Why the operator is paused, if it is.
    pub(super) pauses: Vec<String>,
    /// The startup handlers have succeeded, and credentials were found.
    pub(super) is_started: bool,
    /// No handler has to wait for indices.
    pub(super) are_indices_complete: bool,
    /// How long objects have waited without any of them getting its turn.
    pub(super) waiting: Option<Duration>,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    /// What to know though all is well.
    pub(super) note: Option<String>,
    pub(super) trouble: Option<String>,
}

impl Check {
    fn new(name: impl Into<String>, trouble: Option<String>) -> Self {
        Self {
            name: name.into(),
            note: None,
            trouble,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.trouble, &self.note) {
            (Some(trouble), _) => write!(f, "[-]{} failed: {trouble}", self.name),
            (None, Some(note)) => write!(f, "[+]{} ok: {note}", self.name),
            (None, None) => write!(f, "[+]{} ok", self.name),
        }
    }
}

/// Whether the operator can get on by itself. One that stands by is alive; so is one that has waited
/// for the API for less than its budget.
pub(super) fn live(now: &Now, settings: &HealthSettings) -> Vec<Check> {
    let mut checks = vec![Check::new("ping", None)];
    for watch in now.state.watches.values() {
        let trouble = watch.trouble.as_ref();
        let trouble = trouble.map(|(since, why)| (since.elapsed(), why));
        let is_over = |elapsed: Duration| elapsed > settings.watch_budget;
        let mut check = Check::new(format!("watch of {}", watch.name), None);
        match trouble {
            Some((elapsed, why)) if is_over(elapsed) => {
                let seconds = elapsed.as_secs();
                check.trouble = Some(format!("it has not worked for {seconds} s: {why}"));
            }
            Some((elapsed, why)) => {
                let seconds = elapsed.as_secs();
                check.note = Some(format!("it has not worked for {seconds} s: {why}"));
            }
            None => {}
        }
        checks.push(check);
    }
    let waiting = now.waiting.filter(|for_| *for_ > settings.queue_budget);
    let waiting = waiting.map(|for_| {
        let seconds = for_.as_secs();
        format!("objects wait, and none has got its turn for {seconds} s")
    });
    checks.push(Check::new("queue", waiting));
    if let Some(lease) = &now.state.lease {
        let silent = Instant::now().saturating_duration_since(lease.heard);
        let trouble = (silent > settings.lease_budget).then(|| {
            let (seconds, why) = (silent.as_secs(), lease.trouble.as_deref());
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            format!("it could not be read, or not be written, for {seconds} s{why}")
        });
        let role = if lease.is_leader {
            "held"
        } else {
            "standing by"
        };
        checks.push(Check {
            note: Some(role.to_owned()),
            ..Check::new(format!("lease {}", lease.name), trouble)
        });
    }
    checks
}

/// Whether the operator does what it is there for: works, or stands by for another one.
pub(super) fn ready(now: &Now) -> Vec<Check> {
    let startup = (!now.is_started).then(|| "the operator has not started yet".to_owned());
    let mut checks = vec![Check::new("startup", startup)];
    for (gate, is_open) in now.state.gates.values() {
        let trouble = (!is_open).then(|| "not yet".to_owned());
        checks.push(Check::new(*gate, trouble));
    }
    if let Some(lease) = &now.state.lease {
        // One that can never lead does not stand by for anybody.
        let name = format!("lease {}", lease.name);
        checks.push(Check::new(name, lease.trouble.clone()));
    }
    if !now.pauses.is_empty() {
        checks.push(Check {
            note: Some(format!("standing by: {}", now.pauses.join("; "))),
            ..Check::new("duty", None)
        });
        return checks;
    }
    let looked = (!now.state.is_begun).then(|| "the kinds are still being looked for".to_owned());
    checks.push(Check::new("discovery", looked));
    let indices = (!now.are_indices_complete).then(|| "they are being filled".to_owned());
    checks.push(Check::new("indices", indices));
    for watch in now.state.watches.values() {
        let trouble = (!watch.is_listed).then(|| match &watch.trouble {
            Some((_, why)) => format!("its objects have not been listed yet: {why}"),
            None => "its objects have not been listed yet".to_owned(),
        });
        checks.push(Check::new(format!("watch of {}", watch.name), trouble));
    }
    checks
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::health::{Health, LeaseState};

    fn now(health: &Health) -> Now {
        Now {
            state: health.state(),
            pauses: Vec::new(),
            is_started: true,
            are_indices_complete: true,
            waiting: None,
        }
    }

    fn troubles(checks: &[Check]) -> Vec<String> {
        let checks = checks.iter().filter(|check| check.trouble.is_some());
        checks.map(ToString::to_string).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_stays_dead_is_told_by_its_name() {
        let (health, settings) = (Health::default(), HealthSettings::default());
        let watch = health.watch("demos.example.com".into());
        watch.failed(&"no route to host");
        sleep(settings.watch_budget).await;
        assert!(troubles(&live(&now(&health), &settings)).is_empty());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(
            troubles(&live(&now(&health), &settings)),
            ["[-]watch of demos.example.com failed: it has not worked for 301 s: no route to host"]
        );
        watch.works();
        assert!(troubles(&live(&now(&health), &settings)).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_nobody_answers_for_is_told() {
        let (health, settings) = (Health::default(), HealthSettings::default());
        health.elect(LeaseState {
            name: "default/demo".into(),
            is_leader: false,
            heard: Instant::now(),
            trouble: None,
        });
        let standing_by = live(&now(&health), &settings);
        assert!(
            standing_by
                .iter()
                .any(|c| c.to_string() == "[+]lease default/demo ok: standing by")
        );
        sleep(settings.lease_budget + Duration::from_secs(1)).await;
        assert_eq!(troubles(&live(&now(&health), &settings)).len(), 1);
    }

    #[test]
    fn objects_that_wait_in_vain_are_told() {
        let (health, settings) = (Health::default(), HealthSettings::default());
        let stuck = Now {
            waiting: Some(settings.queue_budget * 2),
            ..now(&health)
        };
        assert_eq!(
            troubles(&live(&stuck, &settings)),
            ["[-]queue failed: objects wait, and none has got its turn for 1200 s"]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_operator_is_ready_when_everything_is_listed_or_it_stands_by() {
        let health = Health::default();
        let starting = Now {
            is_started: false,
            ..now(&health)
        };
        assert_eq!(troubles(&ready(&starting)).len(), 2);
        health.begun();
        let watch = health.watch("demos".into());
        let gate = health.gate("webhooks");
        assert_eq!(troubles(&ready(&now(&health))).len(), 2);
        gate.open();
        let paused = Now {
            pauses: vec!["the lease is held by b".into()],
            ..now(&health)
        };
        assert!(troubles(&ready(&paused)).is_empty());
        watch.listed();
        assert!(troubles(&ready(&now(&health))).is_empty());
    }
}
