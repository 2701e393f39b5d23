//! State as Kopf keeps it by default: one annotation for the essence, one for each handler.
//!
//! Unlike our own annotations these stay in the body, as they do under Kopf.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::digest::consts::U4;
use blake2::{Blake2b, Digest};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Progress, Record, Storage, Stored, encoding};
use crate::cause::Baseline;
use crate::object::{FieldPath, essence};

const BASELINE: &str = "last-handled-configuration";
/// These are ours: Kopf keeps nothing of the kind, and ignores what else stands under its prefix.
const DIGEST: &str = "last-handled-digest";
const BEGUN: &str = "begun-configuration";
const NAME_LIMIT: usize = 63;

/// Reads the state.
pub(super) fn read(storage: &Storage, object: &Value) -> Stored {
    let annotations = FieldPath::new(["metadata", "annotations"]).get(object);
    let get = |key: &String| annotations?.get(key)?.as_str();
    let whole = keys(storage, BASELINE).iter().find_map(get);
    let whole = whole
        .and_then(|text| serde_json::from_str(text).ok())
        .map(|essence| Baseline::Essence(Arc::new(essence)));
    let digest = || {
        Some(Baseline::Digest(
            keys(storage, DIGEST).iter().find_map(get)?.to_owned(),
        ))
    };
    let record = |id: &String| {
        let text = keys(storage, id).iter().find_map(get)?;
        Some((id.clone(), serde_json::from_str::<Record>(text).ok()?))
    };
    let mut progress: Progress = storage.ids.iter().filter_map(record).collect();
    // The ids of sub-handlers are only known to those that have them, all of them to the topmost.
    let below: Vec<String> = progress
        .values()
        .flat_map(|record| record.subrefs.clone())
        .collect();
    progress.extend(below.iter().filter_map(record));
    Stored {
        owner: String::new(),
        baseline: whole.or_else(digest),
        begun: keys(storage, BEGUN)
            .iter()
            .find_map(get)
            .and_then(encoding::decode),
        tracked: storage.tracked.clone(),
        progress,
    }
}

/// The merge patch from one state to another; null if they are the same.
pub(super) fn patch(storage: &Storage, present: &Stored, wanted: &Stored) -> Value {
    let mut annotations = Map::new();
    let mut put = |name: &str, value: Value| {
        for key in keys(storage, name) {
            annotations.insert(key, value.clone());
        }
    };
    if present.baseline != wanted.baseline {
        let (whole, digest) = baseline_texts(wanted.baseline.as_ref());
        let (_, present_digest) = baseline_texts(present.baseline.as_ref());
        put(BASELINE, whole);
        if present_digest != digest {
            put(DIGEST, digest);
        }
    }
    if present.begun != wanted.begun {
        put(BEGUN, json!(wanted.begun.as_ref().map(encoding::encode)));
    }
    let ids = present.progress.keys().chain(wanted.progress.keys());
    // As texts: they keep less of times than the records do.
    let text = |stored: &Stored, id: &String| stored.progress.get(id).map(record_text);
    for id in ids.filter(|id| text(present, id) != text(wanted, id)) {
        put(id, json!(text(wanted, id)));
    }
    if annotations.is_empty() {
        return Value::Null;
    }
    if !storage.prefix.starts_with("kopf.") && *wanted != Stored::default() {
        annotations.insert(
            format!("{}/{}", storage.prefix, essence::MARKER),
            json!("yes"),
        );
    }
    json!({"metadata": {"annotations": annotations}})
}

/// The texts of the annotations for a whole essence and for a digest; null for what is not kept.
fn baseline_texts(baseline: Option<&Baseline>) -> (Value, Value) {
    match baseline {
        Some(Baseline::Essence(essence)) => (json!(format!("{essence}\n")), Value::Null),
        Some(Baseline::Digest(digest)) => (Value::Null, json!(digest)),
        None => (Value::Null, Value::Null),
    }
}

/// Whether an essence fits into an annotation: Kopf does not compress.
pub(super) fn fits(essence: &Value) -> bool {
    essence.to_string().len() < encoding::LIMIT
}

/// A record as Kopf writes it: times with microseconds and an offset.
fn record_text(record: &Record) -> String {
    let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            map.insert(key.to_owned(), value);
        }
    };
    put("started", json!(time(record.started)));
    put("stopped", json!(record.stopped.map(time)));
    put("delayed", json!(record.delayed.map(time)));
    put("purpose", json!(record.purpose));
    put("retries", json!(record.retries));
    put("success", json!(record.success));
    put("failure", json!(record.failure));
    put("message", json!(record.message));
    put(
        "subrefs",
        json!(Some(&record.subrefs).filter(|ids| !ids.is_empty())),
    );
    // Unknown to Kopf, which leaves them alone.
    put("seen", json!(record.seen));
    put(
        "rounds",
        json!(Some(record.rounds).filter(|count| *count > 0)),
    );
    Value::Object(map).to_string()
}

/// The annotation keys of a name: the present form, and the older one where it differs.
fn keys(storage: &Storage, name: &str) -> Vec<String> {
    let suffix = if storage.owner_suffix { "-ofDRS" } else { "" };
    let safe = format!("{name}{suffix}")
        .replace('/', ".")
        .replace(['<', '>'], "_");
    let prefix = &storage.prefix;
    let present = format!("{prefix}/{}", shortened(&safe, &safe, NAME_LIMIT));
    let older_limit = NAME_LIMIT.saturating_sub(prefix.len() + 1);
    let older = format!("{prefix}/{}", shortened(&safe, &safe, older_limit));
    if present == older {
        vec![present]
    } else {
        vec![present, older]
    }
}

/// A name cut to a length, made unique by a digest of the whole.
fn shortened(name: &str, whole: &str, limit: usize) -> String {
    if name.chars().count() <= limit {
        return name.to_owned();
    }
    let digest = Blake2b::<U4>::digest(whole.as_bytes());
    let tail = STANDARD.encode(digest).replace('+', "-").replace('/', ".");
    let tail = tail.trim_end_matches(['=', '-', '.']);
    let cut: String = name
        .chars()
        .take(limit.saturating_sub(tail.len() + 1))
        .collect();
    format!("{cut}-{tail}")
}

/// Whether a kind of object gets keys of its own because its owner's annotations are copied to it:
/// Deployments copy theirs to their ReplicaSets.
pub(crate) fn needs_owner_suffix(kind: &str) -> bool {
    kind == "ReplicaSet"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(prefix: &str) -> Storage {
        Storage {
            prefix: prefix.into(),
            place: super::super::Place::Kopf,
            keep: super::super::Keep::Essence,
            tracked: Vec::new(),
            ids: vec!["c1".into()],
            owner_suffix: false,
        }
    }

    #[test]
    fn keys_are_formed_as_kopf_forms_them() {
        let storage = storage("my-operator.example.com");
        let key = |name: &str, i: usize| {
            keys(&storage, name)[i]
                .split_once('/')
                .unwrap()
                .1
                .to_owned()
        };
        assert_eq!(
            key(&"x".repeat(64), 0),
            format!("{}xx-SItAqA", "x".repeat(54))
        );
        assert_eq!(
            key(&"y".repeat(64), 0),
            format!("{}yy-0d251g", "y".repeat(54))
        );
        assert_eq!(
            key(&"fn".repeat(323), 0),
            format!("{}fn-Az-r.g", "fn".repeat(27))
        );
        assert_eq!(
            key(&"x".repeat(40), 1),
            format!("{}xx-tEokcg", "x".repeat(30))
        );
        assert_eq!(
            keys(&storage, "a_b.c-d/e"),
            ["my-operator.example.com/a_b.c-d.e"]
        );
    }

    #[test]
    fn state_is_written_as_kopf_reads_it() {
        let storage = storage("kopf.zalando.org");
        let mut record = Record::new(
            crate::cause::Reason::Create,
            "2020-01-02T03:04:05.5Z".parse().unwrap(),
        );
        record.retries = 1;
        let wanted = Stored {
            owner: String::new(),
            baseline: Some(Baseline::Essence(Arc::new(json!({"spec": {"a": 1}})))),
            begun: None,
            tracked: Vec::new(),
            progress: Progress::from([("c1".to_owned(), record.clone())]),
        };
        let patch = patch(&storage, &Stored::default(), &wanted);
        let annotations = &patch["metadata"]["annotations"];
        assert_eq!(
            annotations["kopf.zalando.org/last-handled-configuration"],
            "{\"spec\":{\"a\":1}}\n"
        );
        assert_eq!(
            annotations["kopf.zalando.org/c1"],
            r#"{"failure":false,"purpose":"create","retries":1,"started":"2020-01-02T03:04:05.500000+00:00","success":false}"#
        );
        let found = read(&storage, &patch);
        assert_eq!(found, wanted);
        assert_eq!(super::patch(&storage, &found, &found), Value::Null);
        let digested = Stored {
            baseline: Some(Baseline::Digest("d".into())),
            ..found.clone()
        };
        let mut object = patch;
        crate::object::merge::apply(&mut object, &super::patch(&storage, &found, &digested));
        assert_eq!(read(&storage, &object), digested);
        crate::object::merge::apply(&mut object, &super::patch(&storage, &digested, &found));
        assert_eq!(read(&storage, &object), found);
    }
}
