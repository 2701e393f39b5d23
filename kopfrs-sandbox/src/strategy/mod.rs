//! The rules by which objects change: what a server fills in, carries over, counts and refuses.
//!
//! `verbs` calls the steps in order; each is a pure function of the new state, the old one and the kind. Nothing here
//! reads the store or the request.

pub(crate) mod builtin;
mod extensions;
pub(crate) mod field;
pub(crate) mod metadata;
pub(crate) mod names;
mod owners;
mod structural;
pub(crate) mod view;

use serde_json::{Value, json};

use self::names::NameRule;
pub(crate) use self::owners::warn_of_duplicates;
use crate::{
    error::FieldError,
    object::{Fields, fields_mut, is_deleting, meta, meta_list, metadata_mut},
    registry::{Kind, Origin, types},
    schema,
};

/// Which part of an object a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The object without what belongs to its status subresource.
    Main,
    Status,
    /// A namespace's `spec.finalizers`.
    Finalize,
}

fn metadata_rules(kind: &Kind) -> metadata::Rules {
    match &kind.origin {
        Origin::BuiltIn(rules) => metadata::Rules {
            name: rules.name,
            qualified_finalizers: rules.qualified_finalizers,
            checks_anew: rules.checks_metadata_anew,
        },
        Origin::Custom(_) => metadata::Rules {
            name: NameRule::Subdomain,
            qualified_finalizers: false,
            checks_anew: false,
        },
    }
}

/// Brings a written object into stored shape: prunes, defaults, leaves out what is empty.
pub(crate) fn normalise(kind: &Kind, value: &mut Value) {
    metadata::clean(metadata_mut(value));
    match &kind.origin {
        Origin::BuiltIn(rules) => {
            drop_nulls(value);
            let Some(fields) = view::stored_fields(kind) else {
                return;
            };
            types::canonicalise(value, fields);
            (rules.defaults)(value);
            types::complete(value, fields);
        }
        Origin::Custom(custom) => {
            schema::prune(value, &custom.schema);
            schema::apply_defaults(value, &custom.schema);
        }
    }
}

/// Go drops nulls of typed fields. Those that a kind shows as null are put back by its defaults.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, child| !child.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Prepares a new object: what the server owns is set, whatever the client said.
pub(crate) fn prepare_create(kind: &Kind, value: &mut Value, namespace: &str, now: &str) {
    let has_status = kind.has_status();
    let fields = fields_mut(value);
    if has_status {
        fields.remove("status");
    }
    let metadata = metadata_mut(value);
    metadata.insert("uid".to_owned(), json!(uuid::Uuid::new_v4().to_string()));
    metadata.insert("creationTimestamp".to_owned(), json!(now));
    for name in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ] {
        metadata.remove(name);
    }
    if namespace.is_empty() {
        metadata.remove("namespace");
    } else {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    let counts = match &kind.origin {
        Origin::BuiltIn(rules) => rules.counts_generation,
        Origin::Custom(_) => true,
    };
    if counts {
        metadata.insert("generation".to_owned(), json!(1));
    }
    if let Origin::BuiltIn(rules) = &kind.origin {
        (rules.prepare)(value);
    }
}

/// A new object as it is before the server fills in what is its own, with all defaults.
pub(crate) fn draft(kind: &Kind, value: &mut Value, namespace: &str) {
    let metadata = metadata_mut(value);
    for name in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ] {
        metadata.remove(name);
    }
    if !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    view::inward(kind, value);
    normalise(kind, value);
}

/// Completes `generateName` with five random characters.
pub(crate) fn generate_name(value: &mut Value) {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    // 63 less the suffix: the longest base a real server keeps.
    const LONGEST_BASE: usize = 58;
    let base = meta(value, "generateName").to_owned();
    if base.is_empty() || !meta(value, "name").is_empty() {
        return;
    }
    let random = uuid::Uuid::new_v4().into_bytes();
    let suffix = random
        .iter()
        .take(5)
        .map(|&byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let name: String = base.chars().take(LONGEST_BASE).chain(suffix).collect();
    metadata_mut(value).insert("name".to_owned(), json!(name));
}

/// Everything wrong with a new object.
pub(crate) fn validate_create(kind: &Kind, value: &Value) -> Vec<FieldError> {
    let mut errors = metadata::validate(value, metadata_rules(kind));
    match &kind.origin {
        Origin::BuiltIn(rules) => {
            errors.extend((rules.validate)(value));
            errors.extend((rules.validate_create)(value));
        }
        Origin::Custom(custom) => {
            let mut found = schema::validate(value, &custom.schema, "");
            check_rules(kind, (value, None), &mut found);
            errors.extend(found);
        }
    }
    errors
}

/// What is allowed and ill-advised about an object that is written; `old` is what was there before.
pub(crate) fn warnings(kind: &Kind, new: &Value, old: Option<&Value>) -> Vec<String> {
    match &kind.origin {
        Origin::BuiltIn(rules) => (rules.warnings)(new),
        Origin::Custom(_) => {
            let before: Vec<&str> = old
                .into_iter()
                .flat_map(|old| meta_list(old, "finalizers"))
                .collect();
            meta_list(new, "finalizers")
                .filter(|finalizer| !before.contains(finalizer) && !metadata::is_qualified(finalizer))
                .map(|finalizer| {
                    format!(
                        "metadata.finalizers: {finalizer:?}: prefer a domain-qualified finalizer name to avoid \
                         accidental conflicts with other finalizer writers"
                    )
                })
                .collect()
        }
    }
}

/// Asks CEL rules, unless values are so wrong that rules would trip over them.
fn check_rules(kind: &Kind, (value, old): (&Value, Option<&Value>), errors: &mut Vec<FieldError>) {
    let Some(custom) = kind.custom().filter(|custom| custom.schema.has_rules()) else {
        return;
    };
    if errors.iter().any(FieldError::blocks_rules) {
        let why = "some validation rules were not checked because the object was invalid; correct the existing \
                   errors to complete validation";
        errors.push(FieldError::invalid("<nil>", &Value::Null, why));
        return;
    }
    let old = old.map(|old| kind.typed(old));
    errors.extend(schema::check_rules(
        &kind.typed(value),
        old.as_ref(),
        &custom.schema,
    ));
}

/// Everything wrong with a changed object.
pub(crate) fn validate_update(
    kind: &Kind,
    new: &Value,
    old: &Value,
    part: Part,
) -> Vec<FieldError> {
    let mut errors = metadata::validate_update(
        new,
        old,
        metadata::Rules {
            checks_anew: part == Part::Main && metadata_rules(kind).checks_anew,
            ..metadata_rules(kind)
        },
    );
    match &kind.origin {
        Origin::BuiltIn(rules) if part == Part::Main => {
            errors.extend((rules.validate)(new));
            errors.extend((rules.validate_update)(new, old));
        }
        Origin::BuiltIn(_) => {}
        Origin::Custom(custom) => {
            let path = if part == Part::Status { "status" } else { "" };
            let mut found = schema::validate(new, &custom.schema, path);
            check_rules(kind, (new, Some(old)), &mut found);
            // Ratcheting: what was wrong before and is unchanged passes.
            if !found.is_empty() {
                let mut before = schema::validate(old, &custom.schema, path);
                check_rules(kind, (old, None), &mut before);
                found.retain(|error| !before.contains(error));
            }
            errors.extend(found);
        }
    }
    errors
}

/// Carries over what a write to this part cannot change, and counts the generation.
pub(crate) fn prepare_update(kind: &Kind, new: &mut Value, old: &Value, part: Part) {
    let books = new["metadata"].get("managedFields").cloned();
    match part {
        Part::Main => {
            if kind.has_status() {
                carry(new, old, "status");
            }
        }
        Part::Status if kind.custom().is_some() => only(new, old, &["status"]),
        Part::Status => only(new, old, &["status", "metadata"]),
        Part::Finalize => only(new, old, &["spec"]),
    }
    let metadata = metadata_mut(new);
    // Whatever else a subresource may not write: its managers have their entries.
    metadata.extend(books.map(|books| ("managedFields".to_owned(), books)));
    let before = &old["metadata"];
    for name in [
        "uid",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "namespace",
    ] {
        if let (None, Some(kept)) = (metadata.get(name), before.get(name)) {
            metadata.insert(name.to_owned(), kept.clone());
        }
    }
    for name in ["creationTimestamp", "generation", "resourceVersion"] {
        match before.get(name) {
            Some(kept) => metadata.insert(name.to_owned(), kept.clone()),
            None => metadata.remove(name),
        };
    }
    if let (Origin::BuiltIn(rules), Part::Main) = (&kind.origin, part) {
        (rules.carry_over)(new, old);
    }
}

/// Counts up the generation when what it counts has changed. After normalising, so that nothing is counted for nothing.
pub(crate) fn count_generation(kind: &Kind, new: &mut Value, old: &Value) {
    let ignored: &[&str] = match &kind.origin {
        Origin::BuiltIn(rules) if !rules.counts_generation => return,
        Origin::BuiltIn(_) => &["metadata", "status"],
        Origin::Custom(_) if kind.has_status() => &["metadata", "status"],
        Origin::Custom(_) => &["metadata"],
    };
    let empty = Fields::new();
    let relevant = |value: &'_ Value| {
        value
            .as_object()
            .unwrap_or(&empty)
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let names = relevant(new).into_iter().chain(relevant(old));
    let changed = names
        .filter(|name| !ignored.contains(&name.as_str()))
        .any(|name| new.get(&name) != old.get(&name));
    if changed {
        bump_generation(new);
    }
}

pub(crate) fn bump_generation(value: &mut Value) {
    let metadata = metadata_mut(value);
    if let Some(generation) = metadata
        .get("generation")
        .and_then(Value::as_i64)
        .filter(|generation| *generation > 0)
    {
        metadata.insert("generation".to_owned(), json!(generation + 1));
    }
}

fn carry(new: &mut Value, old: &Value, name: &str) {
    match old.get(name) {
        Some(kept) => fields_mut(new).insert(name.to_owned(), kept.clone()),
        None => fields_mut(new).remove(name),
    };
}

/// Keeps only these members of `new`; the rest is as it was. The resource version stays the client's: it is compared.
fn only(new: &mut Value, old: &Value, names: &[&str]) {
    let mut result = old.clone();
    for name in names {
        carry(&mut result, new, name);
    }
    *new = result;
}

/// Whether nothing holds a deleting object any more.
pub(crate) fn may_go(value: &Value) -> bool {
    let held = meta_list(value, "finalizers").next().is_some();
    let namespace_held = value["spec"]["finalizers"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    let graceful = value["metadata"]["deletionGracePeriodSeconds"]
        .as_i64()
        .is_some_and(|grace| grace > 0);
    let held = held || (namespace_held && value["status"]["phase"] == "Terminating");
    is_deleting(value) && !held && !graceful
}
