//! What is expected of a scenario: as recorded, overlaid with what is better on purpose.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::calls::{Background, Events};
use super::place::Storage;
use super::scenario::{folder, names_in, read};

/// Everything that is compared.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The calls of changing handlers per object, in order.
    pub(crate) calls: Option<BTreeMap<String, Vec<Value>>>,
    /// The calls of single handlers per object, in order; only the given fields are compared. Ours:
    /// where the order between handlers is open.
    #[serde(default)]
    pub(crate) calls_of: BTreeMap<String, BTreeMap<String, Vec<Value>>>,
    #[serde(default)]
    pub(crate) events: Events,
    /// The attempts of daemons and timers per object and handler.
    #[serde(default)]
    pub(crate) background: Background,
    /// How often timers were called, at least and at most.
    #[serde(default)]
    pub(crate) counts: BTreeMap<String, BTreeMap<String, (usize, usize)>>,
    /// How long after the one before each attempt of a timer or daemon begins, at least and at most; the first
    /// one after the first call for its object. Ours.
    #[serde(default)]
    pub(crate) pace: Spans,
    /// How long each attempt of a daemon takes, at least and at most. Ours.
    #[serde(default)]
    pub(crate) lasts: Spans,
    pub(crate) activities: Option<Vec<Vec<String>>>,
    #[serde(default)]
    pub(crate) order: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) timing: Vec<Timing>,
    pub(crate) chain: Option<Chain>,
    #[serde(default)]
    pub(crate) snapshots: BTreeMap<String, Value>,
    #[serde(default, rename = "final")]
    pub(crate) finals: BTreeMap<String, Value>,
    /// What handlers of reviews were asked, by step.
    pub(crate) webhooks: Option<Vec<Value>>,
    /// The requests that were refused, as far as that was expected.
    pub(crate) responses: Option<Vec<Value>>,
    /// Texts in the operator's log, with how often they may be there. Ours.
    #[serde(default)]
    pub(crate) log: Vec<Logged>,
}

/// Seconds by object, handler and attempt, at least and at most.
pub(crate) type Spans = BTreeMap<String, BTreeMap<String, Vec<(f64, f64)>>>;

/// How long it takes from the start of one attempt to that of another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timing {
    pub(crate) object: String,
    pub(crate) handler: String,
    pub(crate) attempts: (u32, u32),
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Where the first call of some handlers begins, and the last one ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chain {
    pub(crate) object: String,
    pub(crate) handlers: Vec<String>,
    pub(crate) first_old: Value,
    pub(crate) last_new: Value,
    pub(crate) calls_per_handler: (usize, usize),
    /// Each call of a handler begins where its previous one has ended. Ours.
    #[serde(default)]
    pub(crate) gapless: bool,
}

/// A text in the operator's log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logged {
    pub(crate) text: String,
    pub(crate) times: (usize, usize),
}

/// The scenarios for which something better than recorded is expected.
pub(crate) fn improved_names() -> Vec<String> {
    names_in(&folder().join("improved"))
}

/// What is better than recorded: `{"why": …, "expect": {…}}`, with the same keys as in recordings.
/// With `storages`, only with these.
pub(crate) fn improved(name: &str) -> Option<Value> {
    let is_there = improved_names().iter().any(|improved| improved == name);
    is_there.then(|| read(&format!("improved/{name}.json")))
}

/// Replaces what one recording has that another one has, object by object.
pub(crate) fn overlay(expected: &mut Value, differing: &Value) {
    let Some(differing) = differing.as_object() else {
        return;
    };
    for (key, objects) in differing {
        for (object, value) in objects.as_object().into_iter().flatten() {
            expected[key][object] = value.clone();
        }
    }
}

/// Replaces whole keys by what is better; a null takes one out.
pub(crate) fn improve(expected: &mut Value, improved: &Value, storage: Storage) {
    let variants = improved["variants"].as_array();
    let matching = variants.into_iter().flatten().find(|variant| {
        let storages = variant["storages"].as_array();
        storages.is_none_or(|storages| storages.iter().any(|name| *name == storage.name()))
    });
    let Some(expected) = expected.as_object_mut() else {
        return;
    };
    let keys = matching.and_then(|variant| variant["expect"].as_object());
    for (key, value) in keys.into_iter().flatten() {
        if value.is_null() {
            expected.remove(key);
        } else {
            expected.insert(key.clone(), value.clone());
        }
    }
}
