//! The format of a state: JSON, an object a line, so that it can be read, searched and compared.
//!
//! The first line says what the file is, how far the revisions are, and how many objects follow.

use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::{Ending, SavedDefinition, SavedServer, State};
use crate::{
    auth::SavedToken,
    object::{Form, Object, meta},
    storage::{Saved, SavedTable},
};

const FORMAT: &str = "kopfrs-sandbox state";
pub(super) const VERSION: u64 = 1;

/// Why something cannot be read as a state.
#[derive(Debug)]
pub(super) enum FormatError {
    Foreign(String),
    Later(u64),
    Broken { line: usize, reason: String },
    Io(std::io::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    format: String,
    version: u64,
    ending: Ending,
    first: u64,
    revision: u64,
    objects: usize,
    /// By resource, when it changed last.
    resources: BTreeMap<String, u64>,
    definitions: Vec<SavedDefinition>,
    tokens: Vec<SavedToken>,
    server: Option<SavedServer>,
}

#[derive(Serialize)]
struct Line<'a> {
    resource: &'a str,
    schema: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    object: &'a Value,
}

#[derive(Deserialize)]
struct OwnedLine {
    resource: String,
    schema: u64,
    version: Option<String>,
    object: Value,
}

pub(super) fn write(state: State, to: &mut impl Write) -> std::io::Result<()> {
    let tables = &state.store.tables;
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        ending: state.ending,
        first: state.store.first,
        revision: state.store.revision,
        objects: tables.iter().map(|table| table.objects.len()).sum(),
        resources: tables
            .iter()
            .map(|table| (table.resource.to_string(), table.changed))
            .collect(),
        definitions: state.definitions,
        tokens: state.tokens,
        server: state.server,
    };
    line(to, &header)?;
    for table in tables {
        for (_, object) in &table.objects {
            let entry = Line {
                resource: &table.resource,
                schema: object.form.schema,
                version: object.form.version.as_deref(),
                object: &object.value,
            };
            line(to, &entry)?;
        }
    }
    Ok(())
}

fn line(to: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

pub(super) fn read(from: impl BufRead) -> Result<State, FormatError> {
    let mut lines = from.split(b'\n').enumerate();
    let (_, first) = lines
        .next()
        .ok_or_else(|| FormatError::Foreign("it is empty".to_owned()))?;
    let header = header(&first.map_err(FormatError::Io)?)?;
    let mut tables: BTreeMap<String, SavedTable> = BTreeMap::new();
    for (resource, changed) in header.resources {
        let table = SavedTable {
            resource: Arc::from(resource.as_str()),
            changed,
            objects: Vec::new(),
        };
        tables.insert(resource, table);
    }
    let mut count = 0;
    for (index, line) in lines {
        let broken = |reason: String| FormatError::Broken {
            line: index + 1,
            reason,
        };
        let line = line.map_err(FormatError::Io)?;
        let OwnedLine {
            resource,
            schema,
            version,
            object,
        } = serde_json::from_slice(&line).map_err(|error| broken(error.to_string()))?;
        let Some(table) = tables.get_mut(resource.as_str()) else {
            return Err(broken(format!("no resource {resource:?} was declared")));
        };
        let revision = meta(&object, "resourceVersion").parse().map_err(|_| {
            broken("metadata.resourceVersion of the object is no number".to_owned())
        })?;
        let key = crate::object::key_of(&object);
        let form = Form {
            schema,
            version: version.map(Arc::from),
        };
        let object = Arc::new(Object::new(revision, form, object));
        table.objects.push((key, object));
        count += 1;
    }
    if count != header.objects {
        let reason = format!("it ends after {count} of {} objects", header.objects);
        return Err(FormatError::Broken {
            line: count + 1,
            reason,
        });
    }
    Ok(State {
        ending: header.ending,
        server: header.server,
        tokens: header.tokens,
        definitions: header.definitions,
        store: Saved {
            first: header.first,
            revision: header.revision,
            tables: tables.into_values().collect(),
        },
    })
}

fn header(line: &[u8]) -> Result<Header, FormatError> {
    let foreign = |reason: &str| FormatError::Foreign(reason.to_owned());
    let value: Value =
        serde_json::from_slice(line).map_err(|_| foreign("its first line is no JSON"))?;
    if value["format"] != FORMAT {
        return Err(foreign("its first line does not say that it is one"));
    }
    match value["version"].as_u64() {
        Some(VERSION) => {}
        Some(later) if later > VERSION => return Err(FormatError::Later(later)),
        _ => return Err(foreign("its first line has no version")),
    }
    serde_json::from_value(value).map_err(|error| FormatError::Broken {
        line: 1,
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state() -> State {
        let store = crate::storage::Store::new(10);
        for name in ["a", "b"] {
            let value = json!({"metadata": {"name": name, "namespace": "n"}, "data": {"k": "v\n"}});
            store
                .create("configmaps", format!("n/{name}"), Form::default(), value)
                .expect("new");
        }
        State {
            ending: Ending::Open,
            server: None,
            tokens: Vec::new(),
            definitions: Vec::new(),
            store: store.saved(),
        }
    }

    fn written() -> String {
        let mut bytes = Vec::new();
        write(state(), &mut bytes).expect("written");
        String::from_utf8(bytes).expect("text")
    }

    fn refusal(text: &str) -> String {
        match read(text.as_bytes()) {
            Ok(_) => panic!("read: {text}"),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = written();
        assert_eq!(text.lines().count(), 3);
        let read = read(text.as_bytes()).expect("read");
        assert_eq!(read.ending, Ending::Open);
        assert_eq!(read.store.revision, 1002);
        let [table] = &read.store.tables[..] else {
            panic!("{:?}", read.store)
        };
        assert_eq!(table.changed, 1002);
        let (key, object) = &table.objects[1];
        assert_eq!((key.as_str(), object.revision), ("n/b", 1002));
        assert_eq!(object.value["data"]["k"], "v\n");
    }

    #[test]
    fn what_is_something_else_is_told_from_what_is_damaged() {
        let text = written();
        for foreign in ["", "hello\n", "{}\n", "apiVersion: v1\n", "\n"] {
            assert!(refusal(foreign).starts_with("Foreign"), "{foreign}");
        }
        let later = text.replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(refusal(&later), "Later(2)");
        let cut = &text[..text.len() - 20];
        assert!(
            refusal(cut).starts_with("Broken { line: 3"),
            "{}",
            refusal(cut)
        );
        let last = text.trim_end().rfind('\n').expect("three lines");
        let short = &text[..=last];
        assert!(refusal(short).contains("after 1 of 2 objects"));
        let odd = text.replacen(
            "\"resourceVersion\":\"1001\"",
            "\"resourceVersion\":\"x\"",
            1,
        );
        assert!(refusal(&odd).contains("resourceVersion"));
        let undeclared = text.replacen("{\"resource\":\"configmaps\"", "{\"resource\":\"pods\"", 1);
        assert!(refusal(&undeclared).contains("pods"));
    }
}
