//! State in the status, under `status.handling.<prefix>`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Storage, Stored, encoding, fields_of, fields_text};

/// The framework's memory inside of a status: put `handling: Option<kopfrs::Handling>` into the
/// status type of a kind, and the operator needs no annotations for it.
///
/// Handlers never see its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handling(BTreeMap<String, BTreeMap<String, String>>);

impl schemars::JsonSchema for Handling {
    fn schema_name() -> Cow<'static, str> {
        "Handling".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "What operators remember of the handling of this object.",
            "nullable": true,
            "x-kubernetes-preserve-unknown-fields": true,
        })
    }
}

const OWNER: &str = "uid";
const BASELINE: &str = "lastHandledConfiguration";
const PROGRESS: &str = "progress";
const BEGUN: &str = "begunConfiguration";
const TRACKED: &str = "trackedFields";

/// Reads the state, and takes that of all operators out of the object; gives also that of the others.
pub(super) fn take(storage: &Storage, object: &mut Value) -> (Stored, Value) {
    let Some(mut state) = taken(object) else {
        return (Stored::default(), Value::Null);
    };
    let own = state
        .as_object_mut()
        .and_then(|operators| operators.remove(&*storage.prefix))
        .unwrap_or_default();
    let text = |key: &str| own[key].as_str();
    let stored = Stored {
        owner: text(OWNER).unwrap_or_default().to_owned(),
        baseline: text(BASELINE).and_then(encoding::decode),
        begun: text(BEGUN).and_then(encoding::decode),
        tracked: text(TRACKED).map(fields_of).unwrap_or_default(),
        progress: text(PROGRESS)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default(),
    };
    (stored, state)
}

/// Takes `status.handling` out of an object, if it is the state of operators; and the status with it, if it holds
/// nothing else.
fn taken(object: &mut Value) -> Option<Value> {
    let object = object.as_object_mut()?;
    let status = object.get_mut("status")?.as_object_mut()?;
    if !is_state(status.get("handling")?) {
        return None;
    }
    let state = status.remove("handling");
    if status.is_empty() {
        object.remove("status");
    }
    state
}

/// The part of a body that holds the state of other operators.
pub(super) fn restore(others: &Value) -> Value {
    if others.is_null() {
        json!({})
    } else {
        json!({"status": {"handling": others}})
    }
}

/// Whether a value was written by this module, and is not some field of a user's own.
fn is_state(value: &Value) -> bool {
    value.as_object().is_some_and(|operators| {
        operators.values().all(|own| {
            own.as_object().is_some_and(|own| {
                own.iter().all(|(key, value)| {
                    matches!(&**key, OWNER | BASELINE | BEGUN | PROGRESS | TRACKED)
                        && value.is_string()
                })
            })
        })
    })
}

/// The merge patch from one state to another; null if they are the same.
pub(super) fn patch(storage: &Storage, present: &Stored, wanted: &Stored) -> Value {
    if present == wanted {
        return Value::Null;
    }
    if *wanted == Stored::default() {
        return json!({"status": {"handling": {&storage.prefix: null}}});
    }
    let mut own = Map::new();
    if present.owner != wanted.owner {
        own.insert(
            OWNER.to_owned(),
            json!(Some(&wanted.owner).filter(|owner| !owner.is_empty())),
        );
    }
    if present.baseline != wanted.baseline {
        own.insert(
            BASELINE.to_owned(),
            json!(wanted.baseline.as_ref().map(encoding::encode)),
        );
    }
    if present.begun != wanted.begun {
        own.insert(
            BEGUN.to_owned(),
            json!(wanted.begun.as_ref().map(encoding::encode)),
        );
    }
    if present.tracked != wanted.tracked {
        own.insert(TRACKED.to_owned(), json!(fields_text(&wanted.tracked)));
    }
    if present.progress != wanted.progress {
        let text = (!wanted.progress.is_empty()).then(|| json!(wanted.progress).to_string());
        own.insert(PROGRESS.to_owned(), json!(text));
    }
    json!({"status": {"handling": {&storage.prefix: own}}})
}
