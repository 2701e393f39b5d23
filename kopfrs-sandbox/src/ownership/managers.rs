//! The books: who owns which fields, kept in `metadata.managedFields`.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    fields::{FieldSet, shown},
    last_applied,
    shape::Shape,
    versions::{Comparison, Difference, Halt, Place, Versions, Wanted},
    walk,
};
use crate::{error::ApiError, object::metadata_mut, registry::Kind};

/// Who owned everything before anybody applied.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
    pub(crate) now: &'a str,
}

/// An apply request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Apply<'a> {
    /// The configuration without `apiVersion` and `kind`, reduced to what this path may write.
    pub(crate) config: &'a Value,
    pub(crate) force: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    manager: String,
    operation: String,
    subresource: String,
    api_version: String,
    time: String,
    fields: FieldSet,
}

impl Entry {
    fn new(kind: &Kind, writer: Writer<'_>, operation: &str, fields: FieldSet) -> Self {
        Self {
            manager: writer.manager.to_owned(),
            operation: operation.to_owned(),
            subresource: writer.subresource.to_owned(),
            api_version: kind.api_version.clone(),
            time: writer.now.to_owned(),
            fields,
        }
    }

    fn parse(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let operation = text("operation");
        (!operation.is_empty()).then(|| Self {
            manager: text("manager"),
            operation,
            subresource: text("subresource"),
            api_version: text("apiVersion"),
            time: text("time"),
            fields: FieldSet::parse(&value["fieldsV1"]),
        })
    }

    fn to_value(&self) -> Value {
        let mut value = json!({
            "manager": self.manager, "operation": self.operation, "apiVersion": self.api_version,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_value(),
        });
        // Who applied what was there already has not changed anything at any time.
        if !self.time.is_empty() {
            value["time"] = json!(self.time);
        }
        if !self.subresource.is_empty() {
            value["subresource"] = json!(self.subresource);
        }
        value
    }

    fn is(&self, kind: &Kind, writer: Writer<'_>, operation: &str) -> bool {
        self.manager == writer.manager
            && self.operation == operation
            && self.subresource == writer.subresource
            && (operation == "Apply" || self.api_version == kind.api_version)
    }

    /// How conflicts name it.
    fn shown(&self) -> String {
        let subresource = match self.subresource.as_str() {
            "" => String::new(),
            subresource => format!(" with subresource {subresource:?}"),
        };
        let version = match self.operation.as_str() {
            "Update" => format!(" using {}", self.api_version),
            _ => String::new(),
        };
        format!("{:?}{subresource}{version}", self.manager)
    }
}

fn entries(value: &Value) -> Vec<Entry> {
    value["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Entry::parse)
        .collect()
}

fn write(value: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields.is_empty());
    // Apply before Update, then by time, then by manager: a real server's order.
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| {
            (
                entry.operation.clone(),
                entry.time.clone(),
                entry.manager.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    let list: Vec<Value> = entries.iter().map(Entry::to_value).collect();
    if list.is_empty() {
        metadata_mut(value).remove("managedFields");
    } else {
        metadata_mut(value).insert("managedFields".to_owned(), Value::Array(list));
    }
}

/// Nobody owns the maps that every object has.
fn without_roots(mut set: FieldSet) -> FieldSet {
    set.0
        .retain(|path| path.len() > 1 || path[0] != "f:metadata");
    set
}

/// Notes who created an object.
pub(crate) fn created(
    kind: &Kind,
    value: &mut Value,
    writer: Writer<'_>,
    apply: Option<Apply<'_>>,
) {
    let shape = Shape::of(kind);
    let (operation, fields) = match apply {
        Some(apply) => ("Apply", walk::fields(apply.config, shape)),
        None => ("Update", walk::compare(&json!({}), value, shape).added),
    };
    let entry = Entry::new(kind, writer, operation, without_roots(fields));
    write(value, vec![entry]);
    if let Some(apply) = apply {
        last_applied::note(kind, value, writer, apply.config);
    }
}

/// Notes what an update changed. A client may rewrite or (with `[{}]`) reset the books; nothing is noted in books that
/// are empty.
pub(crate) fn updated(
    kind: &Kind,
    (new, old): (&mut Value, &Value),
    writer: Writer<'_>,
    versions: &Versions,
) -> Result<(), Wanted> {
    let given = new["metadata"]["managedFields"].as_array();
    if given.is_some_and(|list| {
        list.len() == 1 && list[0].as_object().is_some_and(serde_json::Map::is_empty)
    }) {
        metadata_mut(new).remove("managedFields");
        return Ok(());
    }
    let before = if given.is_some_and(|list| !list.is_empty()) {
        entries(new)
    } else {
        entries(old)
    };
    if before.is_empty() {
        metadata_mut(new).remove("managedFields");
        return Ok(());
    }
    let compared = Comparison::new(kind, (old, new), versions);
    let Difference { changes, written } = &compared.here;
    if written.is_empty() && changes.removed.is_empty() {
        write(new, before);
        return Ok(());
    }
    let mut entries = Vec::with_capacity(before.len() + 1);
    for mut entry in before {
        let Some(there) = compared.seen_in(&entry.api_version)? else {
            continue;
        };
        let own = entry.is(kind, writer, "Update");
        let fields = entry.fields.minus(&there.changes.removed);
        let fields = if own {
            fields.union(&without_roots(there.written.clone()))
        } else {
            fields.minus(&there.written)
        };
        if own && fields != entry.fields {
            writer.now.clone_into(&mut entry.time);
        }
        entry.fields = fields;
        entries.push(entry);
    }
    if !entries.iter().any(|entry| entry.is(kind, writer, "Update")) {
        let fields = without_roots(written.clone());
        entries.push(Entry::new(kind, writer, "Update", fields));
    }
    write(new, entries);
    Ok(())
}

/// Applies a configuration to a live object (without `apiVersion` and `kind`): the new state, its books included.
pub(crate) fn applied(
    kind: &Kind,
    live: &Value,
    (writer, apply): (Writer<'_>, Apply<'_>),
    versions: &Versions,
) -> Result<Value, Halt> {
    let shape = Shape::of(kind);
    let config = apply.config;
    check(kind, config).map_err(|why| typed_error(kind, apply.config, &why))?;
    let mut entries = books(kind, live, writer);
    let fields = walk::fields(config, shape);
    let position = entries
        .iter()
        .position(|entry| entry.is(kind, writer, "Apply"));
    let last = position.map(|at| entries.remove(at));

    let mut new = live.clone();
    walk::merge(&mut new, config, shape);
    if let Some(last) = &last {
        match Place::of(kind, &last.api_version) {
            Place::Here => {
                let dropped = last.fields.minus(&fields);
                prune(&mut new, shape, &dropped, &fields, &entries);
            }
            // What was applied in another version is taken away there, and what is applied now is put back here.
            Place::There(version, shape_there) => {
                let mut there = versions.convert(&new, &kind.version, version)?;
                let is_there = |entry: &&Entry| entry.api_version == last.api_version;
                let others: Vec<Entry> = entries.iter().filter(is_there).cloned().collect();
                let nothing = FieldSet::default();
                prune(&mut there, shape_there, &last.fields, &nothing, &others);
                new = versions.convert(&there, version, &kind.version)?;
                walk::merge(&mut new, config, shape);
            }
            Place::Nowhere => {}
        }
    }
    let compared = Comparison::new(kind, (live, &new), versions);
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(there) = compared.seen_in(&entry.api_version)? {
            kept.push((entry, there));
        }
    }
    if !apply.force {
        refuse_conflicts(&kept, &last_applied::own(live, writer, shape))?;
    }
    let kept = kept.into_iter().map(|(mut entry, there)| {
        let fields = entry.fields.minus(&there.written);
        entry.fields = fields.minus(&there.changes.removed);
        entry
    });
    let mut entries: Vec<Entry> = kept.collect();
    let mut own = Entry::new(kind, writer, "Apply", fields);
    let Difference { changes, written } = &compared.here;
    if written.is_empty() && changes.removed.is_empty() {
        own.time = last.map(|last| last.time).unwrap_or_default();
    }
    entries.push(own);
    write(&mut new, entries);
    last_applied::note(kind, &mut new, writer, config);
    Ok(new)
}

/// The books of a live object; opened if there were none, so that nothing is taken from anybody unnoticed.
fn books(kind: &Kind, live: &Value, writer: Writer<'_>) -> Vec<Entry> {
    let entries = entries(live);
    if !entries.is_empty() {
        return entries;
    }
    let before = Writer {
        manager: BEFORE_FIRST_APPLY,
        subresource: "",
        ..writer
    };
    let fields = walk::compare(&json!({}), live, Shape::of(kind)).added;
    vec![Entry::new(kind, before, "Update", without_roots(fields))]
}

/// Takes away what the manager does not apply any more and nobody else owns.
fn prune(
    new: &mut Value,
    shape: Shape<'_>,
    dropped: &FieldSet,
    applied: &FieldSet,
    others: &[Entry],
) {
    let keeps = |path: &[String]| {
        applied.reaches(path) || others.iter().any(|other| other.fields.reaches(path))
    };
    // What holds others goes first, and takes along what nobody owns.
    for path in &dropped.0 {
        if !keeps(path) {
            walk::remove(new, shape, path, &keeps);
        }
    }
}

/// Refuses to take fields from others, unless all of them are the manager's own under another name.
fn refuse_conflicts(
    entries: &[(Entry, Cow<'_, Difference>)],
    own: &FieldSet,
) -> Result<(), ApiError> {
    let taken = |(entry, there): &(Entry, Cow<'_, Difference>)| {
        let common = entry.fields.common(&there.written);
        common.minus(own).is_empty()
    };
    if entries.iter().all(taken) {
        return Ok(());
    }
    let mut causes = Vec::new();
    let mut groups = Vec::new();
    for (entry, there) in entries {
        let common = entry.fields.common(&there.written);
        let paths: Vec<String> = common
            .in_order()
            .into_iter()
            .map(|path| shown(path))
            .collect();
        let message = format!("conflict with {}", entry.shown());
        causes.extend(paths.iter().map(
            |path| json!({"reason": "FieldManagerConflict", "message": message, "field": path}),
        ));
        if !paths.is_empty() {
            groups.push((entry.shown(), paths));
        }
    }
    let text = match groups.as_slice() {
        [] => return Ok(()),
        [(who, paths)] if paths.len() == 1 => {
            format!("1 conflict: conflict with {who}: {}", paths[0])
        }
        groups => {
            let list = |(who, paths): &(String, Vec<String>)| {
                format!("conflicts with {who}:\n- {}", paths.join("\n- "))
            };
            let lists: Vec<String> = groups.iter().map(list).collect();
            format!("{} conflicts: {}", causes.len(), lists.join("\n"))
        }
    };
    let message = format!("Apply failed with {text}");
    Err(ApiError::new(
        409,
        "Conflict",
        message,
        Some(json!({"causes": causes})),
    ))
}

/// Says why a configuration cannot be merged into an object of a kind.
pub(crate) fn check(kind: &Kind, config: &Value) -> Result<(), String> {
    walk::check(config, Shape::of(kind), &mut Vec::new())
}

/// What a real server's typed decoder says about a configuration.
pub(crate) fn typed_error(kind: &Kind, config: &Value, why: &str) -> ApiError {
    let metadata = &config["metadata"];
    let text = |name: &str| metadata[name].as_str().unwrap_or_default();
    let (group, version) = (&kind.group, &kind.version);
    let subject = format!(
        "{}/{}; {group}/{version}, Kind={}",
        text("namespace"),
        text("name"),
        kind.kind
    );
    ApiError::internal(format!(
        "failed to create typed patch object ({subject}): {why}"
    ))
}
