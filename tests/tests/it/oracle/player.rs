//! Plays a scenario: sets the stage, does the steps, takes the final picture, and cleans up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kopfrs_tests::backend::{Cluster, Namespace, Rest};
use serde_json::{Value, json};

use super::expectation::Expectation;
use super::journal::{Journal, target};
use super::place::{Marks, Storage};
use super::process::Process;
use super::scenario::{Kinds, Scenario, kinds, read};

/// Everything that a scenario needs while it is played.
pub(crate) struct Stage<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) scenario: &'a Scenario,
    pub(crate) rest: Rest,
    pub(crate) kinds: Kinds,
    pub(crate) namespace: String,
    pub(crate) folder: PathBuf,
    pub(crate) journal: Journal,
    pub(crate) processes: Vec<Process>,
    /// The files with the messages of all processes so far.
    pub(crate) messages: Vec<PathBuf>,
    /// The objects that the steps have made or changed.
    pub(crate) targets: BTreeSet<String>,
    pub(crate) snapshots: BTreeMap<String, Option<Value>>,
}

/// What has happened.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) expectation: Expectation,
    pub(crate) storage: Storage,
    pub(crate) is_per_operator: bool,
    pub(crate) are_final_finalizers_loose: bool,
    /// The log, as far as it concerns the operators and the objects of the steps.
    pub(crate) lines: Vec<Value>,
    /// How each operator marks objects.
    pub(crate) marks: BTreeMap<String, Marks>,
    pub(crate) snapshots: BTreeMap<String, Option<Value>>,
    pub(crate) finals: BTreeMap<String, Option<Value>>,
    /// Steps that could not be done, processes that did not end well.
    pub(crate) problems: Vec<String>,
    /// What the operators have said, one text a process.
    pub(crate) messages: Vec<String>,
}

/// Plays a scenario.
pub(crate) async fn play(cluster: &Cluster, scenario: &Scenario) -> Played {
    let definitions = read("crds.json")["items"].take();
    cluster
        .install(definitions.as_array().expect("the definitions are a list"))
        .await;
    let namespace = cluster.namespace(&format!("orc-{}", scenario.name())).await;
    let mut stage = Stage::set(cluster, scenario, &namespace);
    let fill = filling(scenario, namespace.name());
    let expectation = scenario.expectation(&fill);
    let mut problems = Vec::new();
    for (index, step) in scenario.steps(&fill).iter().enumerate() {
        if let Err(problem) = stage.step(step).await {
            problems.push(format!("step {index}, {step}: {problem}"));
            break;
        }
    }
    let mut finals = BTreeMap::new();
    for target in expectation.finals.keys() {
        finals.insert(target.clone(), stage.get(target).await.unwrap_or_default());
    }
    for process in std::mem::take(&mut stage.processes) {
        problems.extend(process.stop().await.err());
    }
    stage.journal.read();
    stage.clean(namespace).await;
    let marks = stage.marks();
    let mut lines = std::mem::take(&mut stage.journal.lines);
    lines.retain(|line| line["k"].is_null() || stage.targets.contains(&target(line)));
    Played {
        expectation,
        storage: scenario.storage(),
        is_per_operator: scenario.is_per_operator(),
        are_final_finalizers_loose: scenario.are_final_finalizers_loose(),
        marks,
        messages: stage.messages(),
        lines,
        snapshots: stage.snapshots,
        finals,
        problems,
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
    fn set(cluster: &'a Cluster, scenario: &'a Scenario, namespace: &Namespace) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join("oracle")
            .join(namespace.name());
        std::fs::create_dir_all(&folder).expect("folders can be made here");
        Self {
            cluster,
            scenario,
            rest: cluster.rest(),
            kinds: kinds(),
            namespace: namespace.name().to_owned(),
            journal: Journal::new(folder.join("log.jsonl")),
            folder,
            processes: Vec::new(),
            messages: Vec::new(),
            targets: BTreeSet::new(),
            snapshots: BTreeMap::new(),
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

    fn messages(&self) -> Vec<String> {
        let files = self.messages.iter();
        files
            .map(|file| std::fs::read_to_string(file).unwrap_or_default())
            .collect()
    }

    /// Lets everything go that the steps have made.
    async fn clean(&self, namespace: Namespace) {
        for target in &self.targets {
            let path = self.path(target);
            // What is gone already, or goes meanwhile, is fine.
            let _ = self.rest.delete(&path, Some(0)).await;
            let released = json!({"metadata": {"finalizers": null}});
            let _ = self.rest.merge(&path, &released).await;
        }
        namespace.delete().await;
    }
}
