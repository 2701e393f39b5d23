//! Scenarios as they were recorded: steps, and what came of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kopfrs_tests::rest::Kind;
use serde::Deserialize;
use serde_json::Value;

use super::expectation;
use super::place::Storage;

/// A scenario, with its texts still to be filled in.
#[derive(Debug)]
pub(crate) struct Scenario {
    recorded: Recorded,
    improved: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct Recorded {
    name: String,
    description: String,
    fixture: String,
    steps: Value,
    expect: Value,
    #[serde(default)]
    expect_all_at_once: Value,
    kopf_defect: bool,
    #[serde(default)]
    requires: Vec<String>,
    /// The storages that it is played with; all if empty. Ours.
    #[serde(default)]
    storages: Vec<String>,
    #[serde(default)]
    per_operator: bool,
    #[serde(default)]
    loose_final_finalizers: bool,
    /// The objects of which daemons were recorded only sometimes.
    #[serde(default)]
    loose_background: Vec<String>,
}

/// What is done one after another.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Step {
    Start {
        #[serde(default = "main_operator")]
        operator: String,
        fixture: Option<String>,
        /// Another storage than before. Ours.
        storage: Option<String>,
    },
    Stop {
        #[serde(default = "main_operator")]
        operator: String,
    },
    Kill {
        #[serde(default = "main_operator")]
        operator: String,
    },
    Create {
        kind: String,
        object: Value,
        status_code: Option<u16>,
    },
    Merge(Change),
    Json(Change),
    Delete {
        target: String,
        #[serde(default)]
        wait: bool,
        grace: Option<u32>,
        status_code: Option<u16>,
    },
    Await {
        handler: String,
        #[serde(default = "start_phase")]
        phase: String,
        object: Option<String>,
        #[serde(default = "once")]
        count: usize,
    },
    AwaitGone {
        target: String,
    },
    AwaitWebhooks {
        name: String,
    },
    WebhookConfigs {
        name: String,
        #[serde(rename = "as")]
        snapshot: String,
    },
    Sleep {
        seconds: f64,
    },
    Quiet {
        #[serde(default = "three")]
        seconds: f64,
    },
    Snapshot {
        target: String,
        #[serde(rename = "as")]
        name: String,
    },
}

/// A change by the outside user.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) target: String,
    pub(crate) patch: Value,
    pub(crate) subresource: Option<String>,
    /// The refusal that is expected.
    pub(crate) status_code: Option<u16>,
}

fn main_operator() -> String {
    "main".to_owned()
}

fn start_phase() -> String {
    "start".to_owned()
}

fn once() -> usize {
    1
}

fn three() -> f64 {
    3.0
}

/// The kinds of the scenarios, by alias.
pub(crate) type Kinds = BTreeMap<String, Kind>;

/// The folder of everything that was recorded.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("oracle")
}

/// Reads a file of that folder.
pub(crate) fn read(file: &str) -> Value {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The kinds of the scenarios.
pub(crate) fn kinds() -> Kinds {
    serde_json::from_value(read("fixtures.json")["kinds"].take()).expect("the kinds are as known")
}

/// The names of the files in a folder, without their extension, sorted.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

impl Scenario {
    /// The names of all scenarios.
    pub(crate) fn names() -> Vec<String> {
        names_in(&folder().join("scenarios"))
    }

    /// The names of all scenarios of our own: what is promised and was never recorded.
    pub(crate) fn promised() -> Vec<String> {
        names_in(&folder().join("promised"))
    }

    /// Reads a scenario, with what is to be better than recorded.
    pub(crate) fn load(name: &str) -> Self {
        let is_promised = Self::promised().iter().any(|promised| promised == name);
        let folder = if is_promised { "promised" } else { "scenarios" };
        let recorded = read(&format!("{folder}/{name}.json"));
        let recorded: Recorded = serde_json::from_value(recorded)
            .unwrap_or_else(|error| panic!("scenario {name} is not as known: {error}"));
        Self {
            recorded,
            improved: expectation::improved(name),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.recorded.name
    }

    pub(crate) fn description(&self) -> &str {
        &self.recorded.description
    }

    pub(crate) fn fixture(&self) -> &str {
        &self.recorded.fixture
    }

    pub(crate) fn shows_defect(&self) -> bool {
        self.recorded.kopf_defect
    }

    pub(crate) fn is_improved(&self) -> bool {
        self.improved.is_some()
    }

    /// Whether calls are told apart by operator: the order between operators means nothing.
    pub(crate) fn is_per_operator(&self) -> bool {
        self.recorded.per_operator
    }

    pub(crate) fn are_final_finalizers_loose(&self) -> bool {
        self.recorded.loose_final_finalizers && !self.is_improved()
    }

    pub(crate) fn loose_background(&self) -> &[String] {
        &self.recorded.loose_background
    }

    /// Whether it says anything about the storage that is asked for.
    pub(crate) fn is_of_interest(&self) -> bool {
        let (storages, name) = (&self.recorded.storages, self.storage().name());
        storages.is_empty() || storages.iter().any(|storage| storage == name)
    }

    /// The storage that the operators of the scenario run with.
    pub(crate) fn storage(&self) -> Storage {
        if self
            .recorded
            .requires
            .iter()
            .any(|r| r == "kopf-annotations")
        {
            Storage::Kopf
        } else {
            Storage::from_environment()
        }
    }

    /// The steps, with `{ns}`, `{finalizer}` and `{prefix}` filled in.
    pub(crate) fn steps(&self, fill: impl Fn(&str) -> String) -> Vec<Step> {
        let steps = fill(&self.recorded.steps.to_string());
        serde_json::from_str(&steps).unwrap_or_else(|error| {
            let name = self.name();
            panic!("the steps of {name} are not as known: {error}")
        })
    }

    /// What is expected, with the same filled in. All ready handlers run in one cycle here, so what was
    /// recorded of that counts; then what is better than recorded.
    pub(crate) fn expectation(&self, fill: impl Fn(&str) -> String) -> expectation::Expectation {
        let mut expected = self.recorded.expect.clone();
        expectation::overlay(&mut expected, &self.recorded.expect_all_at_once);
        if let Some(improved) = &self.improved {
            expectation::improve(&mut expected, improved, self.storage());
        }
        let expected = fill(&expected.to_string());
        serde_json::from_str(&expected).unwrap_or_else(|error| {
            let name = self.name();
            panic!("the expectations of {name} are not as known: {error}")
        })
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{self:?}");
        write!(f, "{}", text.chars().take(200).collect::<String>())
    }
}
