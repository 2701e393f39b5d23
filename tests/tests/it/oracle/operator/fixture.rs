//! The fixture operators as data.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Failure, admission};

/// All of them, and the kinds they handle by alias.
#[derive(Debug, Deserialize)]
pub(crate) struct Fixtures {
    pub(crate) kinds: BTreeMap<String, Kind>,
    fixtures: BTreeMap<String, Fixture>,
}

/// A kind of objects.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
}

#[derive(Debug, Deserialize)]
struct Fixture {
    operators: BTreeMap<String, Declared>,
}

/// One operator.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Declared {
    pub(crate) settings: Map<String, Value>,
    pub(crate) handlers: Vec<Row>,
}

/// One handler.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    on: OneOrMany,
    #[serde(default)]
    pub(crate) kind: String,
    /// What it does by attempt, unless the object has a script for it.
    #[serde(default)]
    pub(crate) default: Vec<Value>,
    #[serde(flatten)]
    pub(crate) filters: Filters,
    #[serde(flatten)]
    pub(crate) options: Options,
    #[serde(flatten)]
    pub(crate) background: super::background::Options,
    #[serde(flatten)]
    pub(crate) admission: admission::Options,
    /// What this program knows nothing of.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Which objects and changes a handler is for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Filters {
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, Value>,
    pub(crate) field: Option<String>,
    pub(crate) value: Option<Value>,
    pub(crate) old: Option<Value>,
    pub(crate) new: Option<Value>,
    pub(crate) when: Option<String>,
}

/// How a handler is called.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Options {
    #[serde(default)]
    pub(crate) optional: bool,
    #[serde(default)]
    pub(crate) deleted: bool,
    pub(crate) errors: Option<String>,
    pub(crate) retries: Option<u32>,
    pub(crate) timeout: Option<f64>,
    pub(crate) backoff: Option<f64>,
    /// Of an index: the label that is the key of an object's `data.value`.
    pub(crate) key_label: Option<String>,
    /// The field whose items have a sub-handler each.
    pub(crate) subs_from: Option<String>,
    /// The field with the items of these, which have one each below them.
    pub(crate) nested_from: Option<String>,
    /// How many attempts sub-handlers have. Ours.
    pub(crate) sub_retries: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Fixtures {
    /// Those that the program was built with: the recorded ones, and ours.
    pub(crate) fn embedded() -> Result<Self, Failure> {
        let recorded = include_str!("../../../../oracle/fixtures.json");
        let ours = include_str!("../../../../oracle/fixtures-of-ours.json");
        let mut all: Self = serde_json::from_str(recorded)?;
        let ours: BTreeMap<String, Fixture> = serde_json::from_str(ours)?;
        all.fixtures.extend(ours);
        Ok(all)
    }

    /// One operator of one fixture.
    pub(crate) fn operator(&self, fixture: &str, operator: &str) -> Result<Declared, Failure> {
        let found = self
            .fixtures
            .get(fixture)
            .ok_or_else(|| format!("there is no fixture {fixture:?}"))?;
        let declared = found.operators.get(operator).cloned();
        declared.ok_or_else(|| format!("fixture {fixture} has no operator {operator:?}").into())
    }
}

impl Row {
    /// What it is called on.
    pub(crate) fn events(&self) -> &[String] {
        match &self.on {
            OneOrMany::One(event) => std::slice::from_ref(event),
            OneOrMany::Many(events) => events,
        }
    }

    /// The same in one text, as the log has it.
    pub(crate) fn on(&self) -> String {
        self.events().join("+")
    }

    /// The row of a sub-handler of this one.
    pub(crate) fn below(&self, item: &str) -> Self {
        Self {
            id: format!("{}/{item}", self.id),
            on: OneOrMany::One("subhandler".to_owned()),
            kind: self.kind.clone(),
            default: Vec::new(),
            filters: Filters::default(),
            options: Options::default(),
            background: super::background::Options::default(),
            admission: admission::Options::default(),
            rest: Map::new(),
        }
    }

    /// An option that this program knows nothing of.
    pub(crate) fn unknown(&self) -> Option<&String> {
        self.rest.keys().next()
    }
}
