//! What the recorder keeps, and what it answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::object::merge;

/// Objects by their paths.
#[derive(Default)]
pub(super) struct Store {
    objects: BTreeMap<String, Value>,
    version: u64,
}

/// A request.
pub(super) struct Asked<'a> {
    pub(super) verb: &'static str,
    pub(super) subresource: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) content_type: &'a str,
    pub(super) body: &'a Value,
}

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: u16,
    reason: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(code: u16, reason: &'static str, message: String) -> Self {
        Self {
            code,
            reason,
            message,
        }
    }

    fn not_found(path: &str) -> Self {
        Self::new(404, "NotFound", format!("{path} not found"))
    }

    pub(super) fn status(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        })
    }
}

type Answer = Result<Value, Refusal>;

impl Store {
    pub(super) fn objects(&self) -> &BTreeMap<String, Value> {
        &self.objects
    }

    /// Puts an object in.
    pub(super) fn put(&mut self, path: String, mut object: Value) -> Value {
        self.version += 1;
        let version = self.version.to_string();
        let uid = format!("00000000-0000-4000-8000-{:012}", self.version);
        if let Some(meta) = metadata(&mut object) {
            meta.entry("uid").or_insert_with(|| uid.into());
            meta.insert("resourceVersion".to_owned(), version.into());
        }
        self.objects.insert(path, object.clone());
        object
    }

    pub(super) fn serve(&mut self, asked: &Asked<'_>) -> Answer {
        let is_dry = asked.query.split('&').any(|pair| pair == "dryRun=All");
        let before = is_dry.then(|| self.objects.clone());
        let answer = match asked.verb {
            "get" => self.stored(asked.path).cloned(),
            "list" => self.list(asked),
            "create" => self.create(asked),
            "update" => self.update(asked),
            "patch" => self.patch(asked),
            "delete" => self.delete(asked),
            "deletecollection" => self.delete_all(asked),
            verb => Err(Refusal::new(
                405,
                "MethodNotAllowed",
                format!("the recorder cannot {verb}: run this test on the sandbox"),
            )),
        };
        if let Some(before) = before {
            self.objects = before;
        }
        answer
    }

    fn stored(&self, path: &str) -> Result<&Value, Refusal> {
        self.objects
            .get(path)
            .ok_or_else(|| Refusal::not_found(path))
    }

    fn list(&self, asked: &Asked<'_>) -> Answer {
        let items: Vec<Value> = self
            .selected(asked)?
            .into_iter()
            .map(|(_, object)| object)
            .collect();
        Ok(json!({
            "kind": "List", "apiVersion": "v1",
            "metadata": { "resourceVersion": self.version.to_string() },
            "items": items,
        }))
    }

    fn create(&mut self, asked: &Asked<'_>) -> Answer {
        let mut object = asked.body.clone();
        let prefix = object["metadata"]["generateName"]
            .as_str()
            .map(str::to_owned);
        let name = match (object["metadata"]["name"].as_str(), prefix) {
            (Some(name), _) => name.to_owned(),
            (None, Some(prefix)) => format!("{prefix}{:05}", self.version + 1),
            (None, None) => {
                return Err(Refusal::new(
                    422,
                    "Invalid",
                    "metadata.name: Required value".to_owned(),
                ));
            }
        };
        object["metadata"]["name"] = name.clone().into();
        let path = format!("{}/{name}", asked.path);
        if self.objects.contains_key(&path) {
            let message = format!("{path} already exists");
            return Err(Refusal::new(409, "AlreadyExists", message));
        }
        Ok(self.put(path, object))
    }

    fn update(&mut self, asked: &Asked<'_>) -> Answer {
        let (path, part) = split(asked);
        let stored = self.stored(path)?;
        let told = &asked.body["metadata"]["resourceVersion"];
        if told.is_string() && *told != stored["metadata"]["resourceVersion"] {
            let message = format!("{path}: the object has been modified");
            return Err(Refusal::new(409, "Conflict", message));
        }
        let mut object = stored.clone();
        match part {
            None => object = asked.body.clone(),
            Some(part) => object[part] = asked.body[part].clone(),
        }
        object["metadata"]["uid"] = stored["metadata"]["uid"].clone();
        Ok(self.put(path.to_owned(), object))
    }

    fn patch(&mut self, asked: &Asked<'_>) -> Answer {
        let (path, part) = split(asked);
        if asked.content_type.starts_with("application/apply-patch") && part.is_none() {
            let mut object = self.objects.get(path).cloned().unwrap_or_else(|| json!({}));
            merge::apply(&mut object, asked.body);
            return Ok(self.put(path.to_owned(), object));
        }
        let mut object = self.stored(path)?.clone();
        if asked.content_type.starts_with("application/json-patch") {
            let patch = serde_json::from_value::<json_patch::Patch>(asked.body.clone());
            let done = patch.map_err(|error| error.to_string()).and_then(|patch| {
                json_patch::patch(&mut object, &patch).map_err(|error| error.to_string())
            });
            done.map_err(|message| Refusal::new(422, "Invalid", message))?;
        } else if let Some(part) = part {
            merge::apply(&mut object, &json!({ part: asked.body[part] }));
        } else {
            merge::apply(&mut object, asked.body);
        }
        Ok(self.put(path.to_owned(), object))
    }

    fn delete(&mut self, asked: &Asked<'_>) -> Answer {
        let stored = self.stored(asked.path)?;
        let conditions = &asked.body["preconditions"];
        for field in ["uid", "resourceVersion"] {
            if conditions[field].is_string() && conditions[field] != stored["metadata"][field] {
                let message = format!("{}: the precondition {field} does not hold", asked.path);
                return Err(Refusal::new(409, "Conflict", message));
            }
        }
        self.objects
            .remove(asked.path)
            .ok_or_else(|| Refusal::not_found(asked.path))
    }

    fn delete_all(&mut self, asked: &Asked<'_>) -> Answer {
        for (path, _) in self.selected(asked)? {
            self.objects.remove(&path);
        }
        Ok(json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }))
    }

    /// The objects of a collection whose labels are as asked for.
    fn selected(&self, asked: &Asked<'_>) -> Result<Vec<(String, Value)>, Refusal> {
        let labels = labels(asked.query)?;
        let (before, plural) = asked.path.rsplit_once('/').unwrap_or(("", asked.path));
        let objects = self.objects.iter().filter(|(path, object)| {
            let collection = path
                .rsplit_once('/')
                .map_or("", |(collection, _)| collection);
            let is_in_some_namespace = || {
                let inside = collection
                    .strip_prefix(before)?
                    .strip_prefix("/namespaces/")?;
                inside.split_once('/')
            };
            let is_there = collection == asked.path
                || is_in_some_namespace().is_some_and(|(_, rest)| rest == plural);
            is_there
                && labels
                    .iter()
                    .all(|(key, value)| object["metadata"]["labels"][key] == **value)
        });
        Ok(objects
            .map(|(path, object)| (path.clone(), object.clone()))
            .collect())
    }
}

/// The path of the object, and which part of it is meant.
fn split<'a>(asked: &Asked<'a>) -> (&'a str, Option<&'a str>) {
    match asked.subresource {
        "" => (asked.path, None),
        part => {
            let path = asked.path.strip_suffix(part).unwrap_or(asked.path);
            (path.trim_end_matches('/'), Some(part))
        }
    }
}

/// The labels that are asked for.
fn labels(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut wanted = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let is_plain = !value.contains(['!', '(', ')', ' ']);
        match &*key {
            "labelSelector" if value.is_empty() => {}
            "labelSelector" if is_plain && value.split(',').all(|part| part.contains('=')) => {
                for part in value.split(',') {
                    let (key, value) = part.split_once('=').unwrap_or((part, ""));
                    wanted.push((key.to_owned(), value.trim_start_matches('=').to_owned()));
                }
            }
            "labelSelector" | "fieldSelector" => {
                let message = format!(
                    "the recorder selects by equality of labels only, not by {key}={value}: run this test on the sandbox"
                );
                return Err(Refusal::new(400, "BadRequest", message));
            }
            _ => {}
        }
    }
    Ok(wanted)
}

fn metadata(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.as_object_mut()
}
