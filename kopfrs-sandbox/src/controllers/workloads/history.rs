//! The ReplicaSets of a Deployment: one for each template it has had.

use serde_json::{Map, Value, json};

use super::{count, pods, rollout::Limits};
use crate::object::{Fields, child_mut, fields_mut, meta, metadata_mut, text};

const HASH: &str = "pod-template-hash";
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of a Deployment that are not its sets' business.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
];

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    text(object, &["metadata", "annotations", name])
}

fn number(object: &Value, name: &str) -> i64 {
    annotation(object, name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

pub(super) fn revision(set: &Value) -> i64 {
    number(set, REVISION)
}

/// How many Pods the Deployment could have when it was last scaled.
pub(super) fn maximum(set: &Value) -> i64 {
    number(set, MAXIMUM)
}

/// Whether the Deployment wants another number of Pods than when the set was last scaled.
pub(super) fn is_outscaled(set: &Value, replicas: i64) -> bool {
    annotation(set, DESIRED).is_some() && number(set, DESIRED) != replicas
}

/// Splits the sets into the one of the present template, if it is there, and the others, oldest first.
pub(super) fn split(deployment: &Value, mut sets: Vec<Value>) -> (Option<Value>, Vec<Value>) {
    let order = |set: &Value| {
        let created = meta(set, "creationTimestamp").to_owned();
        (created, meta(set, "name").to_owned())
    };
    sets.sort_by_key(order);
    let wanted = &deployment["spec"]["template"];
    let at = sets
        .iter()
        .position(|set| without_hash(&set["spec"]["template"]) == *wanted);
    let new = at.map(|at| sets.remove(at));
    (new, sets)
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(Value::Object(labels)) = template.pointer_mut("/metadata/labels") {
        labels.remove(HASH);
    }
    template
}

/// The revision of a set that comes after the others.
pub(super) fn next_revision(old: &[Value]) -> i64 {
    old.iter().map(revision).max().unwrap_or(0) + 1
}

/// A new set for the present template.
pub(super) fn create(deployment: &Value, replicas: i64, revision: i64) -> Value {
    let template = &deployment["spec"]["template"];
    let hash = hash(template, count(deployment, ["status", "collisionCount"]));
    let mut template = template.clone();
    let labels = child_mut(child(&mut template, "metadata"), "labels");
    labels.insert(HASH.to_owned(), json!(hash));
    let labels = Value::Object(labels.clone());
    let mut selector = deployment["spec"]["selector"].clone();
    child_mut(&mut selector, "matchLabels").insert(HASH.to_owned(), json!(hash));
    let mut annotations = inherited(deployment);
    annotations.insert(REVISION.to_owned(), json!(revision.to_string()));
    annotations.extend(scale(Limits::of(deployment)));
    json!({
        "metadata": {
            "name": format!("{}-{hash}", meta(deployment, "name")),
            "namespace": meta(deployment, "namespace"),
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [pods::reference(deployment, "apps/v1", "Deployment")],
        },
        "spec": {
            "replicas": replicas, "selector": selector, "template": template,
            "minReadySeconds": count(deployment, ["spec", "minReadySeconds"]),
        },
    })
}

fn child<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    fields_mut(value)
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()))
}

fn inherited(deployment: &Value) -> Fields {
    let annotations = deployment["metadata"]["annotations"].as_object();
    let kept = annotations
        .into_iter()
        .flatten()
        .filter(|(name, _)| !OWN.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// What sets remember of the scale of their Deployment.
fn scale(limits: Limits) -> [(String, Value); 2] {
    [
        (DESIRED.to_owned(), json!(limits.replicas.to_string())),
        (MAXIMUM.to_owned(), json!(limits.total().to_string())),
    ]
}

/// Brings the set of the present template up to date with its Deployment.
pub(super) fn refresh(deployment: &Value, set: &mut Value, revision: i64) {
    let present = self::revision(set);
    let annotations = child_mut(child(set, "metadata"), "annotations");
    annotations.extend(inherited(deployment));
    if present < revision {
        annotations.insert(REVISION.to_owned(), json!(revision.to_string()));
        if present > 0 {
            let past = annotations.get(HISTORY).and_then(Value::as_str);
            let past = past.map_or_else(|| present.to_string(), |past| format!("{past},{present}"));
            annotations.insert(HISTORY.to_owned(), json!(past));
        }
    }
    let seconds = count(deployment, ["spec", "minReadySeconds"]);
    if count(set, ["spec", "minReadySeconds"]) != seconds {
        child_mut(set, "spec").insert("minReadySeconds".to_owned(), json!(seconds));
    }
}

/// Gives a set another size.
pub(super) fn resize(set: &mut Value, replicas: i64, limits: Limits) {
    child_mut(set, "spec").insert("replicas".to_owned(), json!(replicas));
    let annotations = metadata_mut(set)
        .entry("annotations")
        .or_insert_with(|| json!({}));
    fields_mut(annotations).extend(scale(limits));
}

/// A short name for a template: the same for the same template, and of letters that make no words.
fn hash(template: &Value, collisions: i64) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut text = template.to_string();
    if collisions > 0 {
        text.push_str(&collisions.to_string());
    }
    let hash = text.bytes().fold(2_166_136_261_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    let digits = hash.to_string();
    let letters = digits
        .bytes()
        .map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()]));
    letters.collect()
}
