//! Field selectors: equality on the few fields a kind offers.

use serde_json::Value;

use crate::registry::{Kind, Origin};

/// A conjunction of requirements; empty matches everything.
#[derive(Debug, Default, Clone)]
pub(crate) struct FieldSelector(Vec<Requirement>);

#[derive(Debug, Clone)]
struct Requirement {
    path: String,
    wanted: String,
    negated: bool,
}

impl FieldSelector {
    /// Parses and checks that the kind can be selected by these fields.
    pub(crate) fn parse(text: &str, kind: &Kind) -> Result<Self, String> {
        let mut terms = split(text);
        terms.sort_unstable();
        let mut requirements = Vec::new();
        for term in terms.iter().filter(|term| !term.is_empty()) {
            let found = ["!=", "==", "="]
                .into_iter()
                .find_map(|sign| Some((sign, term.split_once(sign)?)));
            let Some((sign, (path, wanted))) = found else {
                return Err(format!(
                    "invalid selector: '{text}'; can't understand '{term}'"
                ));
            };
            let wanted =
                unescaped(wanted).map_err(|why| format!("invalid field selector: {why}"))?;
            check(path, kind)?;
            requirements.push(Requirement {
                path: path.to_owned(),
                wanted,
                negated: sign == "!=",
            });
        }
        Ok(Self(requirements))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether at most one object of a namespace can match: that of a name.
    pub(crate) fn names_one(&self) -> bool {
        let mut requirements = self.0.iter();
        requirements.any(|requirement| requirement.path == "metadata.name" && !requirement.negated)
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| {
            (read(object, &requirement.path) == requirement.wanted) != requirement.negated
        })
    }
}

/// Splits at commas that are not escaped.
fn split(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if c == ',' && !escaped {
            terms.push(&text[start..at]);
            start = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    terms.push(&text[start..]);
    terms
}

/// A value as it is meant: what separates terms is escaped in it.
fn unescaped(value: &str) -> Result<String, String> {
    let mut meant = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ',' | '=')) => meant.push(escaped),
                Some(other) => return Err(format!("invalid escape sequence: \\{other}")),
                None => return Err("invalid escape sequence: \\".to_owned()),
            },
            ',' | '=' => return Err(format!("unescaped character in value: {}", u32::from(c))),
            plain => meant.push(plain),
        }
    }
    Ok(meant)
}

fn check(path: &str, kind: &Kind) -> Result<(), String> {
    // The oldest kinds name their fields one by one.
    let has_namespace = kind.namespaced || !kind.group.is_empty();
    if path == "metadata.name" || (path == "metadata.namespace" && has_namespace) {
        return Ok(());
    }
    let (known, fixed) = match &kind.origin {
        Origin::BuiltIn(rules) => (
            rules.selectable.contains(&path),
            rules.selectable.is_empty(),
        ),
        Origin::Custom(custom) => (custom.selectable.iter().any(|one| one == path), false),
    };
    if known {
        Ok(())
    } else if fixed {
        Err(format!(
            "{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ))
    } else if kind.group == "batch" {
        Err(format!(
            "field label {path:?} not supported for {}",
            kind.kind
        ))
    } else {
        Err(format!("field label not supported: {path}"))
    }
}

fn read(object: &Value, path: &str) -> String {
    let path = match path {
        "source" => "source.component",
        other => other,
    };
    match path
        .split('.')
        .try_fold(object, |value, name| value.get(name))
    {
        None | Some(Value::Null) => match path {
            "spec.unschedulable" | "spec.hostNetwork" => "false".to_owned(),
            _ => String::new(),
        },
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::Registry;

    #[test]
    fn fields_select_and_unknown_ones_are_refused() {
        let kinds = Registry::new().kinds();
        let pods = kinds.find("", "v1", "pods").expect("pods").clone();
        let maps = kinds
            .find("", "v1", "configmaps")
            .expect("configmaps")
            .clone();
        let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n1"}});
        for (text, expected) in [
            ("metadata.name=p", true),
            ("metadata.name!=p", false),
            ("spec.nodeName==n1,metadata.name=p", true),
            ("status.phase=", true),
            ("", true),
        ] {
            assert_eq!(
                FieldSelector::parse(text, &pods).expect(text).matches(&pod),
                expected,
                "{text}"
            );
        }
        for (text, kind, expected) in [
            ("spec.nope=1", &pods, "field label not supported: spec.nope"),
            (
                "metadata.name",
                &maps,
                "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
            ),
            (
                "metadata.name in (a,b)",
                &maps,
                "invalid selector: 'metadata.name in (a,b)'; can't understand 'b)'",
            ),
        ] {
            assert_eq!(FieldSelector::parse(text, kind).expect_err(text), expected);
        }
    }
}
