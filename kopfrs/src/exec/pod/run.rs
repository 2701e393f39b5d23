//! One run on the cluster: begun or found again, followed to its end, and removed.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod as PodObject, Secret};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, Preconditions, PropagationPolicy};
use serde_json::json;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

use super::container::Options;
use super::follow::Follow;
use super::name::{READ, UID};
use super::plan::{Found, Step, plan};
use super::site::Site;
use super::state::{End, State};
use super::workload::Workload;
use crate::api::{ActionError, ActionResultExt as _};
use crate::exec::output::Ended;
use crate::handler::{ErrorKind, HandlerError, Result};
use crate::lifecycle::Report;

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
struct Run<'a, K> {
    options: &'a Options,
    site: &'a Site<'a>,
    runs: Follow<K>,
    pods: Option<Follow<PodObject>>,
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
    };
    let mut current = run.begin().await?;
    let state = run.follow(&mut current).await?;
    run.remove(&current.name, &current.uid).await;
    run.conclude(&current, state)
}

impl<K: Workload> Run<'_, K> {
    /// Finds the run that does what is wanted, or begins it when nothing else is at work for the object.
    async fn begin(&mut self) -> Result<Current> {
        let until = Instant::now() + self.options.deadline + LATE;
        self.news().await?;
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
            return Err(self.failure(format!(
                "{} {}/{name} of an earlier operation is still there after {:?}: delete it to go on",
                K::KIND, site.namespace, self.options.deadline + LATE
            )));
        }
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
            object.ok_or_else(|| self.failure(format!("{} {} is gone", K::KIND, found.name)))?;
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

    /// Creates the Secret with the input of a run. It is created after the run, so that it can go with it; the program does
    /// not start before it is there.
    async fn give_input(&self, object: &K) -> Result<()> {
        let site = self.site;
        let reference = object.reference();
        let mut secret = site.secret(reference.clone());
        let Err(error) = site.actions.create(&mut secret).await else {
            return Ok(());
        };
        if !matches!(error, ActionError::AlreadyExists { .. }) {
            return Err(error.into());
        }
        if let Some(existing) = site.actions.find(&secret).await? {
            if existing
                .owner_references()
                .iter()
                .any(|owner| owner.uid == reference.uid)
            {
                return Ok(());
            }
            if !self.is_ours(&existing.metadata) {
                return Err(self.foreign("Secret", &existing.metadata));
            }
            site.actions.delete(&existing).await.ignore_not_found()?;
        }
        // What was left of a run before this one is gone now.
        site.actions.create(&mut site.secret(reference)).await?;
        Ok(())
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
            State::Ended(End { exit, reason, text }) => {
                let ended = Ended {
                    program: &format!("{} in {what}", self.options.image),
                    operation: self.site.call.operation(),
                    exit,
                    reason: reason.as_deref(),
                    results: &text,
                    complaints: &text,
                };
                ended.conclude(&self.options.secrets.mask(self.site.call.object().spec()))
            }
            State::Lost(reason) => Err(self.failure(format!("nothing came of {what}: {reason}"))),
            State::Waiting(_) | State::Trouble(_) | State::Running => {
                Err(self.failure(format!("{what} has not ended")))
            }
        }
    }

    fn failure(&self, message: String) -> HandlerError {
        let mask = self.options.secrets.mask(self.site.call.object().spec());
        HandlerError::new(ErrorKind::Arbitrary, mask.apply(&message))
    }

    fn is_ours(&self, meta: &kube::core::ObjectMeta) -> bool {
        let uid = meta.labels.as_ref().and_then(|labels| labels.get(UID));
        uid.is_some_and(|uid| uid == self.site.call.object().uid())
    }

    fn foreign(&self, kind: &str, meta: &kube::core::ObjectMeta) -> HandlerError {
        let mut owners = meta.owner_references.iter().flatten();
        let owner = owners
            .next()
            .map(|owner| format!(" (it is of {} {})", owner.kind, owner.name));
        self.failure(format!(
            "{kind} {}/{} is there already and is none of {}{}: delete or rename it",
            self.site.namespace,
            self.site.name,
            self.site.call,
            owner.unwrap_or_default()
        ))
    }

    /// Removes a run whose end is known, or marks it. What came of it counts whether that works or not.
    async fn remove(&self, name: &str, uid: &str) {
        let removed = if self.options.is_kept {
            self.mark(name).await
        } else {
            self.delete(name, uid).await
        };
        if let Err(error) = removed {
            warn!(
                "{}: {} {name} stays behind: {error}",
                self.site.call,
                K::KIND
            );
        }
    }

    async fn delete(&self, name: &str, uid: &str) -> Result<(), ActionError> {
        let object: K = self.named(name);
        let this_one = Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        };
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let deleted = self
            .site
            .actions
            .delete_with(&object, &params.preconditions(this_one))
            .await;
        match deleted.ignore_not_found() {
            // Another one of that name: this one is gone.
            Ok(_) | Err(ActionError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        let secret: Secret = self.named(name);
        self.site.actions.delete(&secret).await.ignore_not_found()?;
        Ok(())
    }

    async fn mark(&self, name: &str) -> Result<(), ActionError> {
        let patch = json!({"metadata": {"annotations": BTreeMap::from([(READ, "true")])}});
        let mut object: K = self.named(name);
        let patched = self
            .site
            .actions
            .patch(&mut object, &Patch::Merge(patch))
            .await;
        patched.ignore_not_found().map(drop)
    }

    fn named<T: kube::Resource + Default>(&self, name: &str) -> T {
        let mut object = T::default();
        object.meta_mut().name = Some(name.to_owned());
        object.meta_mut().namespace = Some(self.site.namespace.clone());
        object
    }
}
