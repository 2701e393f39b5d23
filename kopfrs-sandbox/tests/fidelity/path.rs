//! Paths into answers: `a.b[0].c`, `items[*].x`, `conditions[type=Ready].status`; a dot in a name is written `\.`.

use serde_json::{Map, Value};

use super::Failure;

/// A way from the root of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Member(String),
    Every,
    Index(usize),
    /// Elements where a path leads to this text.
    Where(Path, String),
}

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut parts = Vec::new();
        let mut name = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\\' => name.extend(rest.next()),
                '.' => end_member(&mut name, &mut parts),
                '[' => {
                    end_member(&mut name, &mut parts);
                    let (inside, after) = rest
                        .as_str()
                        .split_once(']')
                        .ok_or_else(|| format!("a bracket is not closed in {text:?}"))?;
                    parts.push(Part::selecting(inside)?);
                    rest = after.chars();
                }
                _ => name.push(c),
            }
        }
        end_member(&mut name, &mut parts);
        Ok(Self(parts))
    }

    /// All values that the path leads to.
    pub(crate) fn all<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = Vec::new();
        walk(value, &self.0, &mut found);
        found
    }

    pub(crate) fn first<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.all(value).into_iter().next()
    }
}

fn end_member(name: &mut String, parts: &mut Vec<Part>) {
    if !name.is_empty() {
        parts.push(Part::Member(std::mem::take(name)));
    }
}

impl Part {
    fn selecting(text: &str) -> Result<Self, Failure> {
        if text == "*" {
            return Ok(Self::Every);
        }
        if let Some((path, wanted)) = text.split_once('=') {
            return Ok(Self::Where(Path::parse(path)?, wanted.to_owned()));
        }
        let index = text.parse();
        Ok(Self::Index(index.map_err(|_| {
            format!("[{text}] is no index and no condition")
        })?))
    }

    fn selects(&self, index: usize, item: &Value) -> bool {
        match self {
            Self::Member(_) => false,
            Self::Every => true,
            Self::Index(wanted) => *wanted == index,
            Self::Where(path, wanted) => path.all(item).into_iter().any(|value| match value {
                Value::String(text) => text == wanted,
                other => serde_json::from_str(wanted).is_ok_and(|wanted: Value| wanted == *other),
            }),
        }
    }
}

fn walk<'a>(value: &'a Value, parts: &[Part], found: &mut Vec<&'a Value>) {
    match (parts.split_first(), value) {
        (None, _) => found.push(value),
        (Some((Part::Member(name), rest)), Value::Object(members)) => {
            if let Some(member) = members.get(name) {
                walk(member, rest, found);
            }
        }
        (Some((part, rest)), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                if part.selects(index, item) {
                    walk(item, rest, found);
                }
            }
        }
        _ => {}
    }
}

/// Only the parts of a value that the paths lead to, where they are; lists keep the selected elements.
pub(crate) fn pick(value: &Value, paths: &[Path]) -> Value {
    let paths: Vec<&[Part]> = paths.iter().map(|path| path.0.as_slice()).collect();
    pick_parts(value, &paths)
}

fn pick_parts(value: &Value, paths: &[&[Part]]) -> Value {
    if paths.iter().any(|path| path.is_empty()) {
        return value.clone();
    }
    let below = |fits: &dyn Fn(&Part) -> bool| -> Vec<&[Part]> {
        let fitting = paths.iter().filter(|path| fits(&path[0]));
        fitting.map(|path| &path[1..]).collect()
    };
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, member) in members {
                let rest = below(&|part| matches!(part, Part::Member(wanted) if wanted == name));
                if !rest.is_empty() {
                    kept.insert(name.clone(), pick_parts(member, &rest));
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let mut kept = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let rest = below(&|part| part.selects(index, item));
                if !rest.is_empty() {
                    kept.push(pick_parts(item, &rest));
                }
            }
            Value::Array(kept)
        }
        other => other.clone(),
    }
}

/// Takes away what the path leads to.
pub(crate) fn drop(value: &mut Value, path: &Path) {
    drop_parts(value, &path.0);
}

fn drop_parts(value: &mut Value, parts: &[Part]) {
    match (parts.split_first(), value) {
        (Some((Part::Member(name), [])), Value::Object(members)) => {
            members.remove(name);
        }
        (Some((Part::Member(name), rest)), Value::Object(members)) => {
            if let Some(member) = members.get_mut(name) {
                drop_parts(member, rest);
            }
        }
        (Some((part, [])), Value::Array(items)) => {
            let mut index = 0;
            items.retain(|item| {
                index += 1;
                !part.selects(index - 1, item)
            });
        }
        (Some((part, rest)), Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                if part.selects(index, item) {
                    drop_parts(item, rest);
                }
            }
        }
        _ => {}
    }
}
