//! One run on the cluster: begun or found again, followed to its end, and removed.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod as PodObject;
use kube::ResourceExt as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info};

use super::container::Options;
use super::follow::Follow;
use super::name::{OPERATION, READ};
use super::plan::{Found, Step, plan};
use super::site::Site;
use super::state::{End, State};
use super::workload::Workload;
use crate::api::ActionError;
use crate::exec::output::Ended;
use crate::handler::{ErrorKind, HandlerError, Result};
use crate::lifecycle::{Operation, Report};

/// Whoever runs Pods ends them at their deadline and says so; we wait a little longer for them to do it.
const LATE: Duration = Duration::from_secs(30);

/// A run that is being followed.
struct Current {
    name: String,
    uid: String,
    /// How many listings there were when it began: a later one has it, or it is gone.
    listings: usize,
    was_seen: bool,
    until: Instant,
    /// What is in the way, and since when it has been.
    trouble: Option<Instant>,
    /// What is known of why it takes its time.
    note: Option<String>,
}

/// All that is known while a program runs.
pub(super) struct Run<'a, K> {
    pub(super) options: &'a Options,
    pub(super) site: &'a Site<'a>,
    runs: Follow<K>,
    pods: Option<Follow<PodObject>>,
    /// What an earlier operation has left that nobody has heard any more.
    unheard: Option<Value>,
}

/// Does an operation by a program on the cluster.
///
/// When this is dropped the program goes on: it is found again by the next attempt.
pub(super) async fn run<K: Workload>(options: &Options, site: &Site<'_>) -> Result<Report> {
    let mut run = Run::<K> {
        options,
        site,
        runs: Follow::new(site.api(), site.selector()),
        pods: K::HAS_PODS.then(|| Follow::new(site.api(), site.selector())),
        unheard: None,
    };
    let mut current = run.begin().await?;
    let state = run.follow(&mut current).await?;
    let removed = run.remove(&current.name, &current.uid).await;
    let mut report = run.conclude(&current, state)?;
    removed?;
    if site.call.operation() == Operation::Verify {
        report.payload = report.payload.or(run.unheard);
    }
    Ok(report)
}

impl<K: Workload> Run<'_, K> {
    /// Finds the run that does what is wanted, or begins it when nothing else is at work for the object.
    async fn begin(&mut self) -> Result<Current> {
        let until = Instant::now() + self.options.deadline + LATE;
        while !self.is_known() {
            self.news().await?;
        }
        let mut waited = None;
        loop {
            let site = self.site;
            match plan(self.found(), &site.name, &site.input) {
                Step::Start => {
                    if let Some(current) = self.start().await? {
                        return Ok(current);
                    }
                    self.runs.look_again();
                }
                Step::Adopt(found) => return self.adopt(found).await,
                Step::Remove(found) => {
                    for run in found {
                        self.unheard = self.heard(&run.uid).or(self.unheard.take());
                        debug!(
                            "{}: {} {} is removed: it is not wanted any more",
                            site.call,
                            K::KIND,
                            run.name
                        );
                        self.delete(&run.name, &run.uid).await?;
                    }
                }
                Step::Wait(found) => {
                    if waited.as_ref() != Some(&found.name) {
                        info!(
                            "{}: waiting for {} {} to end first",
                            site.call,
                            K::KIND,
                            found.name
                        );
                    }
                    waited = Some(found.name);
                }
            }
            let waiting = tokio::time::timeout_at(until, self.news()).await;
            if let Ok(news) = waiting {
                news?;
                continue;
            }
            let name = waited.unwrap_or_else(|| site.name.clone());
            return Err(self.failure(&format!(
                "{} {}/{name} of an earlier operation is still there after {:?}: delete it to go on",
                K::KIND, site.namespace, self.options.deadline + LATE
            )));
        }
    }

    /// The payload of a creation or update that has succeeded while there was no operator to hear it.
    fn heard(&self, uid: &str) -> Option<Value> {
        let mut runs = self.runs.objects();
        let run = runs.find(|run| run.uid().as_deref() == Some(uid))?;
        let operation = run.labels().get(OPERATION)?;
        let applied = [Operation::Create, Operation::Update];
        let operation = applied
            .into_iter()
            .find(|known| known.name() == operation)?;
        let State::Ended(end) = run.state(&self.pods()) else {
            return None;
        };
        if run.annotations().contains_key(READ) {
            return None;
        }
        self.ended(&end, operation, "").ok()?.payload
    }

    /// All runs for the object.
    fn found(&self) -> Vec<Found> {
        let pods = self.pods();
        let runs = self.runs.objects();
        // The Pods of Jobs are marked as these are; the runs are of one kind, though.
        runs.map(|run| {
            let state = run.state(&pods);
            let is_idle = state.is_over() || matches!(state, State::Trouble(_));
            let is_over = state.is_over();
            let mut found = Found::new(run.meta(), is_idle);
            // One that is wanted may get over its troubles: whoever follows it decides.
            found.is_idle = if found.input.as_deref() == Some(&self.site.input) {
                is_over
            } else {
                is_idle
            };
            found
        })
        .collect()
    }

    fn pods(&self) -> Vec<&PodObject> {
        self.pods.iter().flat_map(Follow::objects).collect()
    }

    /// Creates the run and its input. `None` if there is one of that name that had not been known.
    async fn start(&mut self) -> Result<Option<Current>> {
        let site = self.site;
        let mut object = K::make(self.options, site)?;
        match site.actions.create(&mut object).await {
            Ok(()) => {}
            Err(ActionError::AlreadyExists { .. }) => {
                let existing = site.actions.find(&object).await?;
                return match existing.filter(|existing| !self.is_ours(existing.meta())) {
                    Some(other) => Err(self.foreign(K::KIND, other.meta())),
                    None => Ok(None),
                };
            }
            Err(error) => return Err(error.into()),
        }
        debug!(
            "{}: {} {}/{} is begun",
            site.call,
            K::KIND,
            site.namespace,
            site.name
        );
        self.give_input(&object).await?;
        Ok(Some(self.current(&object)))
    }

    /// Goes on with a run that is there.
    async fn adopt(&mut self, found: Found) -> Result<Current> {
        info!(
            "{}: {} {} is at work on it already and goes on",
            self.site.call,
            K::KIND,
            found.name
        );
        let pods = self.pods();
        let mut runs = self.runs.objects();
        let object = runs
            .find(|run| run.uid().as_ref() == Some(&found.uid))
            .cloned();
        let object =
            object.ok_or_else(|| self.failure(&format!("{} {} is gone", K::KIND, found.name)))?;
        // Whoever began it may not have come to do this. What has started has its input.
        let has_begun = !matches!(object.state(&pods), State::Waiting(_) | State::Trouble(_));
        drop((pods, runs));
        if !has_begun && found.name == self.site.name {
            self.give_input(&object).await?;
        }
        Ok(self.current(&object))
    }

    fn current(&self, object: &K) -> Current {
        Current {
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
            listings: self.runs.listings(),
            was_seen: false,
            until: Instant::now() + self.options.deadline + LATE,
            trouble: None,
            note: None,
        }
    }

    /// Follows a run until nothing more will come of it.
    async fn follow(&mut self, current: &mut Current) -> Result<State> {
        loop {
            let now = Instant::now();
            let state = self.look(current);
            if state.is_over() {
                return Ok(state);
            }
            current.note = match &state {
                State::Trouble(reason) | State::Waiting(Some(reason)) => Some(reason.clone()),
                State::Waiting(None) | State::Running | State::Ended(_) | State::Lost(_) => None,
            };
            let since = match state {
                State::Trouble(_) => Some(*current.trouble.get_or_insert(now)),
                _ => {
                    current.trouble = None;
                    None
                }
            };
            let patience = since.map(|since| since + self.options.patience);
            let until = patience.map_or(current.until, |patience| patience.min(current.until));
            match timeout_at(until, self.news()).await {
                Ok(news) => news?,
                Err(_) => return Ok(State::Lost(self.overdue(current))),
            }
        }
    }

    /// Whether it is known what there is.
    fn is_known(&self) -> bool {
        let are_pods_known = self.pods.as_ref().is_none_or(|pods| pods.listings() > 0);
        self.runs.listings() > 0 && are_pods_known
    }

    /// How the run is.
    fn look(&self, current: &mut Current) -> State {
        let mut runs = self.runs.objects();
        if let Some(run) = runs.find(|run| run.uid().as_ref() == Some(&current.uid)) {
            current.was_seen = true;
            return run.state(&self.pods());
        }
        if current.was_seen || self.runs.listings() > current.listings {
            return State::Lost("it was deleted before it had ended".to_owned());
        }
        State::Waiting(None)
    }

    /// Why a run is not waited for any longer.
    fn overdue(&self, current: &Current) -> String {
        let note = current.note.as_deref();
        match (note, current.trouble) {
            (Some(note), Some(_)) => format!("it does not start: {note}"),
            (Some(note), None) => {
                format!("it took longer than {:?}: {note}", self.options.deadline)
            }
            (None, _) => format!("it took longer than {:?}", self.options.deadline),
        }
    }

    /// Waits until something has changed.
    async fn news(&mut self) -> Result<()> {
        let told = match &mut self.pods {
            None => self.runs.changed().await,
            Some(pods) => tokio::select! {
                told = self.runs.changed() => told,
                told = pods.changed() => told,
            },
        };
        told.map_err(|error| {
            let what = format!("{}s of {} cannot be watched", K::KIND, self.site.namespace);
            HandlerError::new(
                ErrorKind::Arbitrary,
                format!("{}: {what}: {error}", self.site.call),
            )
            .with_source(Box::new(error))
        })
    }

    /// What came of it.
    fn conclude(&self, current: &Current, state: State) -> Result<Report> {
        let what = format!("{} {}/{}", K::KIND, self.site.namespace, current.name);
        match state {
            State::Ended(end) => self.ended(&end, self.site.call.operation(), &what),
            State::Lost(reason) => Err(self.failure(&format!("nothing came of {what}: {reason}"))),
            State::Waiting(_) | State::Trouble(_) | State::Running => {
                Err(self.failure(&format!("{what} has not ended")))
            }
        }
    }

    /// What the end of a program says of an operation.
    fn ended(&self, end: &End, operation: Operation, what: &str) -> Result<Report> {
        let ended = Ended {
            program: &format!("{} in {what}", self.options.image),
            operation,
            exit: end.exit,
            reason: end.reason.as_deref(),
            results: &end.text,
            complaints: &end.text,
        };
        ended.conclude(&self.options.secrets.mask(self.site.call.object().spec()))
    }

    pub(super) fn failure(&self, message: &str) -> HandlerError {
        let mask = self.options.secrets.mask(self.site.call.object().spec());
        HandlerError::new(ErrorKind::Arbitrary, mask.apply(message))
    }
}
