//! Deployments: a ReplicaSet for each template, and the way from one to the next.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    DEPLOYMENTS, PODS, REPLICA_SETS, condition, controlled, count, history, pods,
    progress::Progress,
    rollout::{self, Limits, Size},
    write::Controller,
};
use crate::{
    cluster::Cluster,
    controllers::{Outcome, RETRY},
    error::ApiError,
    object::{fields_mut, is_deleting, meta, metadata_mut},
    strategy::Part,
};

pub(super) const CONTROLLER: Controller = Controller("deployment-controller");

pub(super) async fn sync(cluster: &Cluster, key: &str) -> Option<Instant> {
    let stored = cluster.store.get(DEPLOYMENTS, key)?;
    let deployment = &stored.value;
    let sets = controlled(cluster, REPLICA_SETS, deployment);
    let (new, old) = history::split(deployment, sets);
    let mut rollout = Rollout {
        cluster,
        deployment,
        limits: Limits::of(deployment),
        conditions: condition::of(deployment),
        revision: None,
        new,
        old,
    };
    let moved = if is_deleting(deployment) {
        Ok(())
    } else {
        rollout.advance().await
    };
    let written = rollout.report().await;
    match (moved, written) {
        (Ok(()), Ok(again)) => again,
        (Err(error), _) | (_, Err(error)) => {
            tracing::debug!(deployment = key, %error, "a rollout has to wait");
            Some(Instant::now() + RETRY)
        }
    }
}

/// One look at a Deployment.
struct Rollout<'a> {
    cluster: &'a Cluster,
    deployment: &'a Value,
    limits: Limits,
    conditions: Vec<Value>,
    revision: Option<i64>,
    new: Option<Value>,
    /// Oldest first.
    old: Vec<Value>,
}

fn wanted(set: &Value) -> i64 {
    count(set, ["spec", "replicas"])
}

fn size(set: &Value) -> Size {
    Size {
        wanted: wanted(set),
        available: count(set, ["status", "availableReplicas"]),
    }
}

impl Rollout<'_> {
    fn sets(&self) -> impl Iterator<Item = &Value> {
        self.old.iter().chain(&self.new)
    }

    fn is_paused(&self) -> bool {
        self.deployment["spec"]["paused"] == true
    }

    async fn advance(&mut self) -> Result<(), ApiError> {
        self.note_pause();
        let replicas = self.limits.replicas;
        let outscaled = self
            .sets()
            .any(|set| wanted(set) > 0 && history::is_outscaled(set, replicas));
        if self.is_paused() || outscaled {
            self.refresh().await?;
            return self.scale().await;
        }
        if self.limits.is_rolling {
            self.ensure_new().await?;
            self.roll().await
        } else {
            self.recreate().await
        }
    }

    /// A pause stops the clock of the progress.
    fn note_pause(&mut self) {
        let present = condition::find(&self.conditions, "Progressing");
        let reason = present.map_or("", |one| one["reason"].as_str().unwrap_or_default());
        let (reason, message) = match (self.is_paused(), reason) {
            (_, "ProgressDeadlineExceeded") | (true, "DeploymentPaused") => return,
            (true, _) => ("DeploymentPaused", "Deployment is paused"),
            (false, "DeploymentPaused") => ("DeploymentResumed", "Deployment is resumed"),
            (false, _) => return,
        };
        let what = ["Progressing", "Unknown", reason];
        condition::set(self.cluster, &mut self.conditions, what, message);
    }

    /// Brings the new set up to date with annotations and the revision.
    async fn refresh(&mut self) -> Result<(), ApiError> {
        let Some(set) = &mut self.new else {
            return Ok(());
        };
        let before = set.clone();
        history::refresh(self.deployment, set, history::next_revision(&self.old));
        self.revision = Some(history::revision(set));
        if *set == before {
            return Ok(());
        }
        let made = set.clone();
        let place = (REPLICA_SETS, Part::Main);
        CONTROLLER
            .change(self.cluster, place, &before, |value| {
                for member in ["metadata", "spec"] {
                    let fields = made[member].as_object().into_iter().flatten();
                    let target = fields_mut(&mut value[member]);
                    target.extend(
                        fields
                            .filter(|(name, _)| {
                                matches!(name.as_str(), "annotations" | "minReadySeconds")
                            })
                            .map(|(name, value)| (name.clone(), value.clone())),
                    );
                }
            })
            .await
    }

    async fn ensure_new(&mut self) -> Result<(), ApiError> {
        let (kind, status) = ("Progressing", "True");
        if let Some(set) = &self.new {
            if condition::find(&self.conditions, kind).is_none() {
                let message = format!("Found new replica set {:?}", meta(set, "name"));
                let what = [kind, status, "FoundNewReplicaSet"];
                condition::set(self.cluster, &mut self.conditions, what, &message);
            }
            return self.refresh().await;
        }
        let total = self.old.iter().map(wanted).sum();
        let revision = history::next_revision(&self.old);
        let set = history::create(self.deployment, self.limits.grown(0, total), revision);
        let name = meta(&set, "name").to_owned();
        match CONTROLLER.create(self.cluster, REPLICA_SETS, set).await {
            Ok(made) => {
                let message = format!("Created new replica set {name:?}");
                let what = [kind, status, "NewReplicaSetCreated"];
                condition::set(self.cluster, &mut self.conditions, what, &message);
                self.new = Some(made.value.clone());
                self.revision = Some(revision);
                Ok(())
            }
            Err(error) => {
                let message = format!("Failed to create new replica set {name:?}: {error}");
                let what = [kind, "False", "ReplicaSetCreateError"];
                condition::set(self.cluster, &mut self.conditions, what, &message);
                Err(error)
            }
        }
    }

    /// One step: up with the new set, else down with the old ones.
    async fn roll(&mut self) -> Result<(), ApiError> {
        let Some(new) = self.new.clone() else {
            return Ok(());
        };
        let total: i64 = self.sets().map(wanted).sum();
        let grown = if wanted(&new) > self.limits.replicas {
            self.limits.replicas
        } else {
            self.limits.grown(wanted(&new), total)
        };
        if grown != wanted(&new) {
            return self.resize(&new, grown).await;
        }
        let sizes: Vec<Size> = self.old.iter().map(size).collect();
        let shrunk = rollout::shrunk(self.limits, size(&new), &sizes);
        let mut is_moving = false;
        for (set, replicas) in self.old.clone().iter().zip(shrunk) {
            if wanted(set) != replicas {
                is_moving = true;
                self.resize(set, replicas).await?;
            }
        }
        if !is_moving && self.progress().is_complete() {
            self.forget().await;
        }
        Ok(())
    }

    /// All old Pods go before the first new one comes.
    async fn recreate(&mut self) -> Result<(), ApiError> {
        for set in self.old.clone().iter().filter(|set| wanted(set) > 0) {
            self.resize(set, 0).await?;
        }
        let is_left = self.old.iter().any(|set| {
            let left = controlled(self.cluster, PODS, set);
            wanted(set) > 0 || left.iter().any(|pod| !pods::is_finished(pod))
        });
        if is_left {
            return Ok(());
        }
        self.ensure_new().await?;
        if let Some(new) = self.new.clone()
            && wanted(&new) != self.limits.replicas
        {
            return self.resize(&new, self.limits.replicas).await;
        }
        if self.progress().is_complete() {
            self.forget().await;
        }
        Ok(())
    }

    /// Another number of replicas is shared by all sets that have Pods.
    async fn scale(&mut self) -> Result<(), ApiError> {
        let mut active: Vec<Value> = self.sets().filter(|set| wanted(set) > 0).cloned().collect();
        if active.len() < 2 {
            let latest = active.pop().or_else(|| self.new.clone());
            let Some(set) = latest.or_else(|| self.old.last().cloned()) else {
                return Ok(());
            };
            if wanted(&set) == self.limits.replicas {
                return Ok(());
            }
            return self.resize(&set, self.limits.replicas).await;
        }
        // The largest first; of equal ones the newest.
        active.reverse();
        active.sort_by_key(|set| std::cmp::Reverse(wanted(set)));
        let sizes: Vec<(i64, i64)> = active
            .iter()
            .map(|set| (wanted(set), history::maximum(set)))
            .collect();
        for (set, replicas) in active.iter().zip(rollout::shared(self.limits, &sizes)) {
            self.resize(set, replicas).await?;
        }
        Ok(())
    }

    async fn resize(&self, set: &Value, replicas: i64) -> Result<(), ApiError> {
        let place = (REPLICA_SETS, Part::Main);
        let limits = self.limits;
        CONTROLLER
            .change(self.cluster, place, set, |value| {
                history::resize(value, replicas, limits);
            })
            .await
    }

    /// Old sets are kept for as many revisions as the Deployment says.
    async fn forget(&self) {
        let Some(limit) = self.deployment["spec"]["revisionHistoryLimit"].as_u64() else {
            return;
        };
        let mut old: Vec<&Value> = self.old.iter().filter(|set| !is_deleting(set)).collect();
        old.sort_by_key(|set| history::revision(set));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        for set in old.iter().take(old.len().saturating_sub(limit)) {
            if wanted(set) > 0 || count(set, ["status", "replicas"]) > 0 {
                continue;
            }
            let gone = CONTROLLER.delete(self.cluster, REPLICA_SETS, set).await;
            if gone == Outcome::Refused {
                return;
            }
        }
    }

    fn progress(&self) -> Progress<'_> {
        Progress {
            cluster: self.cluster,
            deployment: self.deployment,
            limits: self.limits,
            new: self.new.as_ref(),
            old: &self.old,
        }
    }

    /// Writes the status; gives when the progress is due to be looked at.
    async fn report(&self) -> Result<Option<Instant>, ApiError> {
        let (status, again) = self.progress().status(self.conditions.clone());
        let revision = self.revision.map(|revision| revision.to_string());
        let annotation = |value: &Value| {
            value["metadata"]["annotations"][history::REVISION]
                .as_str()
                .map(str::to_owned)
        };
        let is_new = revision.is_some() && revision != annotation(self.deployment);
        if is_new || self.deployment["status"] != status {
            let place = (DEPLOYMENTS, Part::Status);
            CONTROLLER
                .change(self.cluster, place, self.deployment, |value| {
                    fields_mut(value).insert("status".to_owned(), status.clone());
                    if let Some(revision) = &revision {
                        let annotations = metadata_mut(value)
                            .entry("annotations")
                            .or_insert_with(|| json!({}));
                        fields_mut(annotations)
                            .insert(history::REVISION.to_owned(), json!(revision));
                    }
                })
                .await?;
        }
        Ok(again.map(|seconds| Instant::now() + Duration::from_secs(seconds)))
    }
}
