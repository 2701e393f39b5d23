//! Plays a scenario: sets the stage, does the steps, takes the final picture, and cleans up.

use std::collections::{BTreeMap, BTreeSet};

use kopfrs::testing::{Backend, Cluster};
use kopfrs_tests::rest::Rest;
use serde_json::{Value, json};

use super::expectation::Expectation;
use super::journal::{Journal, target};
use super::place::{Marks, Storage};
use super::running::Running;
use super::scenario::{Kinds, Scenario, kinds, read};

/// Everything that a scenario needs while it is played.
pub(crate) struct Stage<'a> {
    pub(crate) cluster: Cluster,
    pub(crate) scenario: &'a Scenario,
    pub(crate) rest: Rest,
    pub(crate) kinds: Kinds,
    pub(crate) namespace: String,
    pub(crate) journal: Journal,
    pub(crate) running: Vec<Running>,
    /// How many operators have been started so far.
    pub(crate) started: u32,
    /// What those that have ended have said.
    pub(crate) messages: Vec<String>,
    /// The objects that the steps have made or changed.
    pub(crate) targets: BTreeSet<String>,
    pub(crate) snapshots: BTreeMap<String, Option<Value>>,
    /// The step that is being done.
    pub(crate) index: usize,
    /// The requests that were refused as they should be.
    pub(crate) responses: Vec<Value>,
}

/// What has happened.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) expectation: Expectation,
    pub(crate) storage: Storage,
    pub(crate) is_per_operator: bool,
    pub(crate) are_final_finalizers_loose: bool,
    pub(crate) loose_background: Vec<String>,
    /// The log, as far as it concerns the operators and the objects of the steps.
    pub(crate) lines: Vec<Value>,
    /// How each operator marks objects.
    pub(crate) marks: BTreeMap<String, Marks>,
    pub(crate) snapshots: BTreeMap<String, Option<Value>>,
    pub(crate) finals: BTreeMap<String, Option<Value>>,
    /// The requests that were refused as they should be.
    pub(crate) responses: Vec<Value>,
    /// Steps that could not be done.
    pub(crate) problems: Vec<String>,
    /// What the operators have said, one text each.
    pub(crate) messages: Vec<String>,
    /// Calls may be late, as the machine has other work.
    pub(crate) is_real_time: bool,
}

/// Plays a scenario.
pub(crate) async fn play(cluster: &Cluster, scenario: &Scenario) -> Played {
    cluster.apply(&read("crds.json").to_string()).await;
    let mut stage = Stage::set(cluster, scenario);
    let fill = filling(scenario, cluster.namespace());
    let expectation = scenario.expectation(&fill);
    let mut problems = Vec::new();
    for (index, step) in scenario.steps(&fill).iter().enumerate() {
        stage.index = index;
        let done = stage.step(step).await;
        stage.journal.read();
        for line in &mut stage.journal.lines {
            if line["ph"] == "webhook" && line["step"].is_null() {
                line["step"] = json!(index);
            }
        }
        if let Err(problem) = done {
            problems.push(format!("step {index}, {step}: {problem}"));
            break;
        }
    }
    let mut finals = BTreeMap::new();
    for target in expectation.finals.keys() {
        finals.insert(target.clone(), stage.get(target).await.unwrap_or_default());
    }
    for running in std::mem::take(&mut stage.running) {
        stage.messages.push(running.stop().await);
    }
    stage.journal.read();
    stage.clean().await;
    let marks = stage.marks();
    let mut lines = std::mem::take(&mut stage.journal.lines);
    lines.retain(|line| line["k"].is_null() || stage.targets.contains(&target(line)));
    Played {
        expectation,
        storage: scenario.storage(),
        is_per_operator: scenario.is_per_operator(),
        are_final_finalizers_loose: scenario.are_final_finalizers_loose(),
        loose_background: scenario.loose_background().to_vec(),
        marks,
        messages: stage.messages,
        lines,
        snapshots: stage.snapshots,
        responses: stage.responses,
        finals,
        problems,
        is_real_time: cluster.backend() != Backend::InProcess,
    }
}

/// Fills in what is known only when a scenario is played.
fn filling(scenario: &Scenario, namespace: &str) -> impl Fn(&str) -> String + use<> {
    let marks = scenario.storage().marks();
    let namespace = namespace.to_owned();
    move |text| {
        text.replace("{ns}", &namespace)
            .replace("{finalizer}", &marks.finalizer)
            .replace("{prefix}", &marks.prefix)
    }
}

impl<'a> Stage<'a> {
    fn set(cluster: &Cluster, scenario: &'a Scenario) -> Self {
        Self {
            scenario,
            rest: Rest::new(cluster.client()),
            kinds: kinds(),
            namespace: cluster.namespace().to_owned(),
            cluster: cluster.clone(),
            journal: Journal::default(),
            running: Vec::new(),
            started: 0,
            messages: Vec::new(),
            targets: BTreeSet::new(),
            snapshots: BTreeMap::new(),
            index: 0,
            responses: Vec::new(),
        }
    }

    /// The path of an object.
    pub(crate) fn path(&self, target: &str) -> String {
        let (alias, name) = target.split_once('/').expect("targets are kind/name");
        format!("{}/{name}", self.kinds[alias].path(&self.namespace))
    }

    /// An object as it is now.
    pub(crate) async fn get(&self, target: &str) -> Result<Option<Value>, String> {
        let object = self.rest.get(&self.path(target)).await;
        object.map_err(|error| format!("{target} cannot be read: {error}"))
    }

    /// How the operators that have run mark objects: as they have said themselves.
    pub(crate) fn marks(&self) -> BTreeMap<String, Marks> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut marks = BTreeMap::from([("main".to_owned(), self.scenario.storage().marks())]);
        for line in self
            .journal
            .lines
            .iter()
            .filter(|line| line["ph"] == "ready")
        {
            let own = Marks {
                prefix: text(&line["prefix"]),
                finalizer: text(&line["finalizer"]),
            };
            marks.insert(text(&line["op"]), own);
        }
        marks
    }

    /// Lets everything go that the steps have made.
    async fn clean(&self) {
        for target in &self.targets {
            let path = self.path(target);
            // What is gone already, or goes meanwhile, is fine.
            let _ = self.rest.delete(&path, Some(0)).await;
            let released = json!({"metadata": {"finalizers": null}});
            let _ = self.rest.merge(&path, &released).await;
        }
    }
}
