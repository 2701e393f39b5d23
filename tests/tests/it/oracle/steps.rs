//! The steps of scenarios.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::operator::Start;
use super::player::Stage;
use super::running::Running;
use super::scenario::{Change, Step, read};
use super::value::expanded;
use super::webhooks::PLURALS;

/// How long anything that is awaited may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often the log is read while something is awaited.
const PACE: Duration = Duration::from_millis(50);
/// How often objects are read while silence is awaited.
const QUIET_PACE: Duration = Duration::from_millis(250);

type Done = Result<(), String>;

impl Stage<'_> {
    /// Does a step.
    pub(crate) async fn step(&mut self, step: &Step) -> Done {
        match step {
            Step::Start {
                operator,
                fixture,
                storage,
            } => {
                let fixture = fixture.as_deref().unwrap_or(self.scenario.fixture());
                let usual = self.scenario.storage().name();
                self.start(operator, fixture, storage.as_deref().unwrap_or(usual))
                    .await
            }
            Step::Stop { operator } => {
                let said = self.take(operator)?.stop().await;
                self.messages.push(said);
                Ok(())
            }
            Step::Kill { operator } => {
                let said = self.take(operator)?.kill().await;
                self.messages.push(said);
                Ok(())
            }
            Step::Create {
                kind,
                object,
                status_code,
            } => self.create(kind, object, *status_code).await,
            Step::Merge(change) => self.change(change, true).await,
            Step::Json(change) => self.change(change, false).await,
            Step::Delete {
                target,
                wait,
                grace,
                status_code,
            } => match status_code {
                Some(code) => self.delete_in_vain(target, *grace, *code).await,
                None => self.delete(target, *wait, *grace).await,
            },
            Step::Await {
                handler,
                phase,
                object,
                count,
            } => {
                let is_there = |stage: &mut Self| {
                    stage.journal.read();
                    stage.journal.count(handler, phase, object.as_deref()) >= *count
                };
                self.until(is_there).await
            }
            Step::AwaitGone { target } => self.until_gone(target).await,
            Step::AwaitWebhooks { name } => self.until_webhooks(name).await,
            Step::WebhookConfigs { name, snapshot } => {
                let configurations = self.configurations(name).await?;
                self.snapshots
                    .insert(snapshot.clone(), Some(configurations));
                Ok(())
            }
            Step::Sleep { seconds } => {
                sleep(Duration::from_secs_f64(*seconds)).await;
                Ok(())
            }
            Step::Quiet { seconds } => self.quiet(Duration::from_secs_f64(*seconds)).await,
            Step::Snapshot { target, name } => {
                let object = self.get(target).await?;
                self.snapshots.insert(name.clone(), object);
                Ok(())
            }
        }
    }

    async fn start(&mut self, operator: &str, fixture: &str, storage: &str) -> Done {
        let start = Start {
            fixture,
            operator,
            storage,
            is_clusterwide: self.is_clusterwide(fixture, operator),
        };
        self.started += 1;
        let log = (&self.journal.written, self.started);
        let running = Running::start(&start, log, &self.cluster).await?;
        self.running.push(running);
        Ok(())
    }

    /// Whether the operator handles a kind that has no namespaces.
    fn is_clusterwide(&self, fixture: &str, operator: &str) -> bool {
        let handlers =
            read("fixtures.json")["fixtures"][fixture]["operators"][operator]["handlers"].take();
        let mut kinds = handlers
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|handler| handler["kind"].as_str());
        kinds.any(|alias| !self.kinds[alias].namespaced)
    }

    fn take(&mut self, operator: &str) -> Result<Running, String> {
        let found = self.running.iter().position(|p| p.operator == operator);
        found
            .map(|index| self.running.remove(index))
            .ok_or_else(|| format!("operator {operator} does not run"))
    }

    async fn create(&mut self, alias: &str, object: &Value, refusal: Option<u16>) -> Done {
        let kind = &self.kinds[alias];
        let mut object = expanded(object);
        object["apiVersion"] = json!(kind.api_version());
        object["kind"] = json!(kind.kind);
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        self.targets.insert(format!("{alias}/{name}"));
        let created = self.rest.post(&kind.path(&self.namespace), &object).await;
        self.answered(created.map(drop), refusal)
    }

    /// Whether a request was refused as it should be, if it should be.
    fn answered(&mut self, answer: Result<(), kube::Error>, refusal: Option<u16>) -> Done {
        match (answer, refusal) {
            (Ok(()), None) => Ok(()),
            (Err(kube::Error::Api(status)), Some(code)) if status.code == code => {
                let refused = json!({"step": self.index, "code": code, "message": status.message});
                self.responses.push(refused);
                Ok(())
            }
            (Ok(()), Some(code)) => Err(format!("it should have been refused with {code}")),
            (Err(error), _) => Err(error.to_string()),
        }
    }

    async fn delete_in_vain(&mut self, target: &str, grace: Option<u32>, code: u16) -> Done {
        let deleted = self.rest.delete(&self.path(target), grace).await;
        self.answered(deleted.map(drop), Some(code))
    }

    /// Waits until the API server is told to ask.
    async fn until_webhooks(&mut self, name: &str) -> Done {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let configurations = self.configurations(name).await?;
            let mut all = PLURALS.iter().map(|plural| &configurations[*plural]);
            if all.all(|webhooks| webhooks.as_array().is_some_and(|all| !all.is_empty())) {
                return Ok(());
            }
            sleep(PACE).await;
        }
        Err(format!("no webhooks within {PATIENCE:?}"))
    }

    async fn change(&mut self, change: &Change, is_merge: bool) -> Done {
        self.targets.insert(change.target.clone());
        let mut path = self.path(&change.target);
        if let Some(subresource) = &change.subresource {
            path = format!("{path}/{subresource}");
        }
        let patch = expanded(&change.patch);
        let changed = if is_merge {
            self.rest.merge(&path, &patch).await
        } else {
            self.rest.json(&path, &patch).await
        };
        self.answered(changed.map(drop), change.status_code)
    }

    async fn delete(&mut self, target: &str, wait: bool, grace: Option<u32>) -> Done {
        self.targets.insert(target.to_owned());
        let deleted = self.rest.delete(&self.path(target), grace).await;
        deleted.map_err(|error| error.to_string())?;
        if wait {
            self.until_gone(target).await?;
        }
        Ok(())
    }

    async fn until(&mut self, is_there: impl Fn(&mut Self) -> bool) -> Done {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if is_there(self) {
                return Ok(());
            }
            sleep(PACE).await;
        }
        Err(format!("not within {PATIENCE:?}"))
    }

    async fn until_gone(&mut self, target: &str) -> Done {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if self.get(target).await?.is_none() {
                return Ok(());
            }
            sleep(PACE).await;
        }
        Err(format!("not gone within {PATIENCE:?}"))
    }

    /// Waits until nothing has happened for a while, and nothing is going on.
    async fn quiet(&mut self, wanted: Duration) -> Done {
        for running in &self.running {
            running.until_settled().await;
        }
        let begin = Instant::now();
        let mut versions = BTreeMap::new();
        let mut silent_since = begin;
        let mut why = String::new();
        while begin.elapsed() < PATIENCE {
            let disturbance = self.disturbance(&mut versions).await?;
            match disturbance {
                Some(disturbance) => {
                    silent_since = Instant::now();
                    why = disturbance;
                }
                None if silent_since.elapsed() >= wanted => return Ok(()),
                None => {}
            }
            sleep(QUIET_PACE).await;
        }
        Err(format!("no silence within {PATIENCE:?}: {why}"))
    }

    /// What has happened since the last look, or is going on.
    async fn disturbance(
        &mut self,
        versions: &mut BTreeMap<String, Value>,
    ) -> Result<Option<String>, String> {
        let mut found = None;
        if self.journal.read() > 0 {
            found = Some("there are lines in the log".to_owned());
        }
        let running = self.running.iter().map(|r| self.journal.running(r.number));
        if running.sum::<usize>() > 0 {
            found = Some("an attempt is running".to_owned());
        }
        let marks = self.marks();
        for target in &self.targets {
            let object = self.get(target).await?.unwrap_or_default();
            let version = object["metadata"]["resourceVersion"].clone();
            if versions.insert(target.clone(), version.clone()) != Some(version) {
                found = Some(format!("{target} has changed"));
            }
            if marks
                .values()
                .any(|marks| marks.state(&object).is_in_progress)
            {
                found = Some(format!("{target} is in progress"));
            }
        }
        Ok(found)
    }
}
