//! A scenario as its file says it: steps, and what each is to be answered with.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use super::{Failure, ordered::Ordered};

/// What is sent, and what is expected, in this order.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// `topic/slug`, as the file is called.
    pub(crate) name: String,
    pub(crate) description: String,
    /// Namespaces to make before and to delete after.
    #[serde(default)]
    pub(crate) namespaces: Vec<String>,
    /// Definitions to make before and to delete after.
    #[serde(default)]
    pub(crate) crds: Vec<Value>,
    /// What the server must be able to do: all of it, here. The names are checked.
    #[serde(default, rename = "requires")]
    _requires: Vec<Capability>,
    /// Whether the books of field owners are compared.
    #[serde(default, rename = "managedFields")]
    pub(crate) managed_fields: bool,
    /// What the webhook server answers, by path; without any it is not started.
    pub(crate) webhooks: Option<BTreeMap<String, Handler>>,
    /// What else is to be deleted after.
    #[serde(default)]
    pub(crate) teardown: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// What not every API server does: some of it is done by the controllers beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Capability {
    Gc,
    NamespaceController,
    WorkloadControllers,
    Rbac,
    Webhooks,
}

/// An answer of the webhook server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Handler {
    pub(crate) response: Value,
    pub(crate) json_patch: Option<Value>,
    /// Seconds to wait before.
    pub(crate) delay: f64,
    pub(crate) http_status: Option<u16>,
    /// A text instead of an AdmissionReview.
    pub(crate) raw: Option<String>,
}

/// One step: exactly one of `request`, `watch`, `read`, `stop` and `webhook_calls` says which kind it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Step {
    note: String,
    #[serde(deserialize_with = "given")]
    request: Option<Ordered>,
    watch: Option<Value>,
    read: Option<String>,
    stop: Option<String>,
    webhook_calls: Option<WebhookCalls>,
    pub(crate) expect: Expectation,
    pub(crate) expect_events: Vec<Value>,
    pub(crate) poll: Option<Value>,
    pub(crate) until: Option<Value>,
    /// Whether bookmarks are events like others.
    pub(crate) bookmarks: bool,
    /// Whether events may come in any order.
    pub(crate) unordered: bool,
    /// Only these parts of the answer are compared.
    pub(crate) pick: Vec<String>,
    /// These parts of the answer are not compared.
    pub(crate) drop: Vec<String>,
    pub(crate) absent: Vec<String>,
    pub(crate) present: Vec<String>,
    pub(crate) equal: BTreeMap<String, Value>,
    /// Numbers in the answer that must be larger than these.
    pub(crate) newer: BTreeMap<String, Value>,
    /// Variables to keep parts of the answer in.
    pub(crate) save: BTreeMap<String, String>,
    // What a recorder also writes down; a replay compares what it finds in `expect`.
    #[serde(rename = "headers")]
    _recorded_headers: Vec<String>,
    #[serde(rename = "keep_text")]
    _recorded_text: bool,
}

/// What an answer is compared with.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expectation {
    pub(crate) status: Option<u16>,
    pub(crate) headers: BTreeMap<String, Value>,
    pub(crate) body: Option<Value>,
    pub(crate) text: Option<String>,
}

/// Whether the calls are compared or forgotten.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebhookCalls {
    pub(crate) discard: bool,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Action<'a> {
    Request(&'a Ordered),
    Watch(&'a Value),
    Read(&'a str),
    Stop(&'a str),
    WebhookCalls(WebhookCalls),
}

fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Ordered>, D::Error> {
    Ordered::deserialize(deserializer).map(Some)
}

impl Step {
    pub(crate) fn action(&self) -> Result<Action<'_>, Failure> {
        let actions = [
            self.request.as_ref().map(Action::Request),
            self.watch.as_ref().map(Action::Watch),
            self.read.as_deref().map(Action::Read),
            self.stop.as_deref().map(Action::Stop),
            self.webhook_calls.map(Action::WebhookCalls),
        ];
        let mut actions = actions.into_iter().flatten();
        match (actions.next(), actions.next()) {
            (Some(action), None) => Ok(action),
            (None, _) => Err("the step does not say what to do".into()),
            (Some(_), Some(_)) => Err("the step says two things to do".into()),
        }
    }

    /// How reports call the step.
    pub(crate) fn label(&self) -> String {
        let request = self.request.as_ref().map(Ordered::to_value);
        let request = request.or_else(|| self.watch.clone());
        let text = |name: &str| request.as_ref().and_then(|request| request[name].as_str());
        match (self.note.as_str(), &request) {
            ("", Some(_)) => format!(
                " ({} {})",
                text("method").unwrap_or("watch"),
                text("path").unwrap_or_default()
            ),
            ("", None) => String::new(),
            (note, _) => format!(" ({note})"),
        }
    }
}

impl Scenario {
    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read(file).map_err(|error| named(&error))?;
        let scenario: Self = serde_json::from_slice(&text).map_err(|error| named(&error))?;
        let place = file.with_extension("");
        if !place.ends_with(&scenario.name) {
            return Err(named(&format!("calls itself {}", scenario.name)).into());
        }
        Ok(scenario)
    }
}

/// The files of all scenarios below a folder, in the order of their names.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
