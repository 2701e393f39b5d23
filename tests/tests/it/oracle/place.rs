//! Where operators keep their state, read here independently of the framework.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};

/// The storage that a scenario is played with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Auto,
    Kopf,
    Annotations,
    Status,
}

/// How one operator marks objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) prefix: String,
    pub(crate) finalizer: String,
}

/// What an operator remembers of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// The essence that was handled last.
    pub(crate) last_handled: Option<Value>,
    /// Only its digest is kept.
    pub(crate) is_digest: bool,
    pub(crate) is_in_progress: bool,
}

const BASELINE: &str = "last-handled-configuration";
/// Beside Kopf's annotations, of what is too large for them.
const DIGEST: &str = "last-handled-digest";
/// Beside Kopf's annotations, while a creation is in progress.
const BEGUN: &str = "begun-configuration";

impl Storage {
    /// What `ORACLE_STORAGE` asks for.
    pub(crate) fn from_environment() -> Self {
        match std::env::var("ORACLE_STORAGE").as_deref() {
            Err(_) | Ok("" | "auto") => Self::Auto,
            Ok("kopf") => Self::Kopf,
            Ok("annotations") => Self::Annotations,
            Ok("status") => Self::Status,
            Ok(other) => panic!("unknown ORACLE_STORAGE {other:?}"),
        }
    }

    /// As it is called in the environment.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kopf => "kopf",
            Self::Annotations => "annotations",
            Self::Status => "status",
        }
    }

    /// How the operator marks objects whose fixture says nothing of it.
    pub(crate) fn marks(self) -> Marks {
        let (prefix, finalizer) = match self {
            Self::Kopf => ("kopf.zalando.org", "kopf.zalando.org/KopfFinalizerMarker"),
            Self::Auto | Self::Annotations | Self::Status => ("kopfrs.dev", "kopfrs.dev/finalizer"),
        };
        Marks {
            prefix: prefix.to_owned(),
            finalizer: finalizer.to_owned(),
        }
    }
}

impl Marks {
    /// Whether an annotation is the operator's own.
    pub(crate) fn owns(&self, annotation: &str) -> bool {
        self.name_of(annotation).is_some()
    }

    /// Whether the operator has started something with an object, and not ended it.
    pub(crate) fn state(&self, object: &Value) -> State {
        let annotations = object["metadata"]["annotations"].as_object();
        let own = annotations
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((self.name_of(key)?, value.as_str()?)));
        let handling = &object["status"]["handling"][&self.prefix];
        let mut state = State::default();
        for (name, text) in own {
            match name {
                BASELINE => state.remember(text),
                DIGEST => state.remember(&format!("digest:{text}")),
                "kopf-managed" | "tracked-fields" => {}
                // One annotation for all handlers, or, as Kopf has it, one each.
                _ => state.is_in_progress = true,
            }
        }
        for (name, text) in handling.as_object().into_iter().flatten() {
            match (name.as_str(), text.as_str()) {
                ("lastHandledConfiguration", Some(text)) => state.remember(text),
                ("trackedFields" | "uid", _) => {}
                _ => state.is_in_progress = true,
            }
        }
        state
    }

    /// What Kopf could not read of the state on an object.
    pub(crate) fn faults_for_kopf(&self, object: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        if !object["status"]["handling"][&self.prefix].is_null() {
            faults.push("there is state in the status".to_owned());
        }
        let annotations = object["metadata"]["annotations"].as_object();
        for (key, text) in annotations.into_iter().flatten() {
            let text = text.as_str().unwrap_or_default();
            let is_readable = match self.name_of(key) {
                None | Some("kopf-managed" | DIGEST | BEGUN) => true,
                Some(BASELINE) => text.ends_with('\n') && json_of(text).is_object(),
                Some(_) => is_record(&json_of(text)),
            };
            if !is_readable {
                faults.push(format!("{key} is {text:?}"));
            }
        }
        faults
    }

    fn name_of<'a>(&self, annotation: &'a str) -> Option<&'a str> {
        annotation.strip_prefix(&self.prefix)?.strip_prefix('/')
    }
}

impl State {
    fn remember(&mut self, text: &str) {
        let json = match text.strip_prefix("gzip:") {
            Some(packed) => unpack(packed),
            None => Some(text.to_owned()),
        };
        self.is_digest = text.starts_with("digest:");
        let essence = json.and_then(|json| serde_json::from_str(&json).ok());
        // What cannot be read is shown as it is, so that it does not pass for nothing.
        self.last_handled = Some(essence.unwrap_or_else(|| json!(text)));
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Whether this is the progress of one handler as Kopf writes it.
fn is_record(record: &Value) -> bool {
    let is_flag = |key: &str| record[key].is_boolean();
    record["started"].is_string()
        && record["purpose"].is_string()
        && record["retries"].is_u64()
        && is_flag("success")
        && is_flag("failure")
}

fn unpack(packed: &str) -> Option<String> {
    let bytes = STANDARD.decode(packed).ok()?;
    let mut json = String::new();
    GzDecoder::new(&*bytes).read_to_string(&mut json).ok()?;
    Some(json)
}

/// The status without what operators keep there; `None` if nothing is left.
pub(crate) fn status_of(object: &Value) -> Option<Map<String, Value>> {
    let mut status = object["status"].as_object().cloned()?;
    status.remove("handling");
    Some(status).filter(|status| !status.is_empty())
}
