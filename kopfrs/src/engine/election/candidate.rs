//! One that wants to work: looks at the lease, takes it when it is free, renews it, and gives it back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::Ballot;
use super::record::{Observed, Record, Step, released, step, written};
use crate::api::{ApiError, Failure, Target};
use crate::chance;
use crate::clock::Moment;
use crate::duty::Hold;
use crate::health::LeaseState;
use crate::resource::Resource;
use crate::settings::LeaderElectionSettings;

/// How many attempts to write are remembered: more of them do not fit into a renew deadline that makes sense.
const TRIED: usize = 16;

/// See the module.
pub(super) struct Candidate {
    ballot: Ballot,
    settings: LeaderElectionSettings,
    resource: Arc<Resource>,
    namespace: String,
    name: String,
    identity: String,
    observed: Option<Observed>,
    /// The lease as we have written it last.
    own: Option<Record>,
    /// The lease as we have tried to write it since, the last time at the end: who knows which of it was done.
    tried: VecDeque<Record>,
    /// When the request was sent by which we hold the lease.
    renewed: Option<Moment>,
    /// Keeps the operator from its work while we do not.
    hold: Option<Hold>,
    leads: watch::Sender<bool>,
    failures: u32,
    /// When the lease could last be read or written, and why it cannot be had.
    heard: Instant,
    trouble: Option<String>,
}

impl Candidate {
    pub(super) fn new(ballot: Ballot, settings: LeaderElectionSettings) -> Self {
        let namespace = settings.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| ballot.namespace.clone());
        let name = settings.lease_name.clone();
        let name = name.unwrap_or_else(|| plain(&ballot.program));
        let identity = settings.identity.clone().unwrap_or_else(identity);
        ballot.fence.shut("the lease is not held");
        let hold = ballot
            .duty
            .hold_at_once(format!("the lease {namespace}/{name} is not held yet"));
        info!("standing for election by the lease {namespace}/{name} as {identity}");
        let candidate = Self {
            ballot,
            settings,
            resource: Arc::new(leases()),
            namespace,
            name,
            identity,
            observed: None,
            own: None,
            tried: VecDeque::new(),
            renewed: None,
            hold: Some(hold),
            leads: watch::Sender::new(false),
            failures: 0,
            heard: Instant::now(),
            trouble: None,
        };
        candidate.tell();
        candidate
    }

    /// The lease: `default/demo`.
    pub(super) fn lease(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether the lease is held.
    pub(super) fn leads(&self) -> watch::Receiver<bool> {
        self.leads.subscribe()
    }

    /// Stands for election until the lease is to be given back.
    pub(super) async fn run(mut self, mut release: oneshot::Receiver<()>) {
        loop {
            let pause = tokio::select! {
                biased;
                _ = &mut release => break,
                pause = self.round() => pause,
            };
            tokio::select! {
                biased;
                _ = &mut release => break,
                () = sleep(pause) => {}
            }
        }
        self.give_back().await;
    }

    /// Does what is to be done now; gives the pause until the next time.
    async fn round(&mut self) -> Duration {
        let deadline = self.settings.renew_deadline;
        // The time is over while nobody answers, too.
        let left = self.renewed.map(|at| deadline.saturating_sub(at.age()));
        let attempt = match left {
            Some(left) => timeout(left, self.attempt()).await,
            None => Ok(self.attempt().await),
        };
        let retry = self.settings.retry_period;
        match attempt {
            Ok(Ok(())) => self.works(),
            Ok(Err(error)) => self.failed(&error),
            Err(_) => {}
        }
        let wait = match step(self.observed.as_ref(), self.is_ours()) {
            Step::Wait(left) => {
                let holder = &self.holder();
                self.lose(&format!("is held by {holder}"));
                // A renewal that is seen late is waited for longer; and some time apart from others, who have
                // seen the lease at the same time.
                left.min((retry / 2).mul_f64(1.0 - chance::fraction() / 10.0))
            }
            Step::Create | Step::Take | Step::Renew => retry,
        };
        let Some(renewed) = self.renewed else {
            return wait;
        };
        let left = deadline.saturating_sub(renewed.age());
        if left.is_zero() {
            self.lose(&format!("could not be renewed for {deadline:?}"));
        }
        wait.min(left)
    }

    /// Whether the lease is as we have written it.
    fn is_ours(&self) -> bool {
        let Some(observed) = &self.observed else {
            return false;
        };
        let mut written = self.own.iter().chain(&self.tried);
        written.any(|written| *written == observed.record)
    }

    fn holder(&self) -> String {
        let observed = self.observed.as_ref();
        observed.map_or_else(String::new, |observed| observed.record.holder.clone())
    }

    /// Reads the lease if need be, and creates, takes or renews it if it may be.
    async fn attempt(&mut self) -> Result<(), ApiError> {
        if self.renewed.is_none() {
            self.look().await?;
        }
        match self.advance().await {
            // Somebody else was faster, or an answer of ours was lost.
            Err(error) if matches!(error.failure(), Failure::Conflict | Failure::Missing) => {
                self.look().await?;
                self.advance().await
            }
            advanced => advanced,
        }
    }

    /// Creates, takes or renews the lease, if it may be.
    async fn advance(&mut self) -> Result<(), ApiError> {
        match step(self.observed.as_ref(), self.is_ours()) {
            Step::Wait(_) => Ok(()),
            step => self.write(&step).await,
        }
    }

    async fn look(&mut self) -> Result<(), ApiError> {
        let found = self.ballot.connection.get(self.target()).await;
        let before = self.observed.take();
        self.observed = match found {
            Ok(lease) => Some(Observed::see(before, lease)),
            Err(error) if error.failure() == Failure::Missing => before.and_then(Observed::gone),
            Err(error) => {
                self.observed = before;
                return Err(error);
            }
        };
        Ok(())
    }

    async fn write(&mut self, step: &Step) -> Result<(), ApiError> {
        let times = (self.settings.lease_duration, self.ballot.clock.now());
        let mut lease = written(self.observed.as_ref(), (step, &self.identity), times);
        let sent = Moment::now();
        if self.tried.len() == TRIED {
            self.tried.pop_front();
        }
        self.tried.push_back(Record::of(&lease));
        let stored = if *step == Step::Create {
            lease["metadata"] = json!({"name": self.name, "namespace": self.namespace});
            let path = self.resource.path(Some(&self.namespace), None);
            self.ballot.connection.create(&path, &lease).await?
        } else {
            let connection = self.ballot.connection.clone();
            connection.replace(self.target(), &lease).await?
        };
        self.holds(stored, sent);
        Ok(())
    }

    /// The lease is ours since that moment.
    fn holds(&mut self, stored: Value, sent: Moment) {
        self.own = Some(Record::of(&stored));
        self.tried.clear();
        self.observed = Some(Observed::see(self.observed.take(), stored));
        let deadline = self.settings.renew_deadline;
        if sent.age() >= deadline {
            // The answer has come too late to be of use.
            return;
        }
        self.ballot.fence.open(sent, deadline);
        self.renewed = Some(sent);
        self.leads.send_replace(true);
        if self.hold.take().is_some() {
            info!("the lease {} is held: working", self.lease());
        }
    }

    /// The lease is not ours any more, or may soon be somebody else's.
    fn lose(&mut self, why: &str) {
        let text = format!("the lease {} {why}", self.lease());
        self.ballot.fence.shut(&text);
        match &self.hold {
            Some(hold) => hold.say(text),
            None => {
                warn!("{text}: standing by");
                self.hold = Some(self.ballot.duty.hold_at_once(text));
            }
        }
        self.renewed = None;
        self.leads.send_replace(false);
        self.tell();
    }

    /// The lease could be read, and written if need be.
    fn works(&mut self) {
        self.failures = 0;
        self.heard = Instant::now();
        self.trouble = None;
        self.tell();
    }

    fn failed(&mut self, error: &ApiError) {
        self.failures = self.failures.saturating_add(1);
        if error.failure() != Failure::Transient {
            self.trouble = Some(error.to_string());
            self.tell();
        }
        let name = self.lease();
        // Once, not at each attempt; and not at all if the next one works.
        let is_news = match error.failure() {
            Failure::Transient => self.failures == 2,
            _ => self.failures == 1,
        };
        if !is_news {
            debug!("the lease {name} cannot be had: {error}");
            return;
        }
        let advice = match error.failure() {
            Failure::Forbidden => {
                "; grant get, create and update on leases.coordination.k8s.io in that namespace"
            }
            _ => "",
        };
        warn!("the lease {name} cannot be had, and is tried again: {error}{advice}");
    }

    /// Tells how it is, for whoever asks.
    fn tell(&self) {
        self.ballot.health.elect(LeaseState {
            name: self.lease(),
            is_leader: self.renewed.is_some(),
            heard: self.heard,
            trouble: self.trouble.clone(),
        });
    }

    fn target(&self) -> Target<'_> {
        Target {
            resource: &self.resource,
            namespace: Some(&self.namespace),
            name: &self.name,
        }
    }

    /// Whoever waits for the lease need not wait for its end.
    async fn give_back(mut self) {
        if self.renewed.is_none() {
            return;
        }
        self.ballot.fence.shut("the operator ends");
        let mut given = self.release().await;
        if matches!(&given, Err(error) if error.failure() == Failure::Conflict) {
            // It was renewed just now, and the answer was not waited for.
            given = match self.look().await {
                Ok(()) if self.is_ours() => self.release().await,
                looked => looked,
            };
        }
        match given {
            Ok(()) => info!("the lease {} is given back", self.lease()),
            Err(error) => debug!("the lease could not be given back: {error}"),
        }
    }

    async fn release(&self) -> Result<(), ApiError> {
        let Some(observed) = &self.observed else {
            return Ok(());
        };
        let lease = released(observed, self.ballot.clock.now());
        let replaced = self.ballot.connection.replace(self.target(), &lease).await;
        replaced.map(drop)
    }
}

fn leases() -> Resource {
    Resource {
        group: "coordination.k8s.io".into(),
        version: "v1".into(),
        plural: "leases".into(),
        kind: "Lease".into(),
        namespaced: true,
        ..Resource::default()
    }
}

/// The name of a Lease after a program.
fn plain(program: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = program.chars().take(60).map(plain).collect();
    let name = name.to_ascii_lowercase();
    match name.trim_matches('-') {
        "" => "kopfrs".to_owned(),
        name => name.to_owned(),
    }
}

/// A name that no other replica has, though people can tell which one it is.
fn identity() -> String {
    let pod = std::env::var("POD_NAME")
        .ok()
        .filter(|name| !name.is_empty());
    let name = pod.unwrap_or_else(chance::host);
    format!("{name}_{}", chance::letters(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_programs_become_names_of_leases() {
        for (program, name) in [
            ("demo", "demo"),
            ("My_Operator", "my-operator"),
            ("--", "kopfrs"),
        ] {
            assert_eq!(plain(program), name);
        }
    }

    #[test]
    fn replicas_of_one_host_have_different_names() {
        assert_ne!(identity(), identity());
    }
}
