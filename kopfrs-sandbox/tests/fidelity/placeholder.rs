//! Placeholders in expectations: `<uid:1>`, `<rv:2>`, `<time>` and the like, alone or inside of a text.

use std::{collections::BTreeMap, sync::OnceLock};

use regex::Regex;
use serde_json::Value;

const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const SECONDS: &str = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ";
const MICROSECONDS: &str = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z";
const GENERATED: &str = "[a-z0-9]{5}";

/// What placeholders with a number stand for, throughout a scenario.
#[derive(Debug, Default, Clone)]
pub(crate) struct Bindings(BTreeMap<Numbered, String>);

/// A placeholder that means the same wherever it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Numbered {
    Uid(u64),
    /// The text that a name was generated from, too.
    Generated(String, u64),
    /// Larger numbers are later versions.
    Version(u64),
}

impl Numbered {
    fn shown(&self) -> String {
        match self {
            Self::Uid(number) => format!("<uid:{number}>"),
            Self::Generated(prefix, number) => format!("<gen:{prefix}:{number}>"),
            Self::Version(number) => format!("<rv:{number}>"),
        }
    }

    /// Whether two of these never stand for the same.
    fn differs_from(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Uid(_), Self::Uid(_))
                | (Self::Generated(..), Self::Generated(..))
                | (Self::Version(_), Self::Version(_))
        )
    }
}

impl Bindings {
    fn bind(&mut self, placeholder: Numbered, value: &str) -> Result<(), String> {
        let shown = placeholder.shown();
        if let Some(before) = self.0.get(&placeholder) {
            return if before == value {
                Ok(())
            } else {
                Err(format!("{shown} was {before} before, now {value}"))
            };
        }
        for (other, taken) in &self.0 {
            if taken == value && placeholder.differs_from(other) {
                return Err(format!(
                    "{shown} has the value of {} ({value})",
                    other.shown()
                ));
            }
            if let (Numbered::Version(this), Numbered::Version(that)) = (&placeholder, other)
                && (that < this) != (number(taken) < number(value))
            {
                return Err(format!(
                    "versions out of order: {} is {taken}, {shown} is {value}",
                    other.shown()
                ));
            }
        }
        self.0.insert(placeholder, value.to_owned());
        Ok(())
    }
}

fn number(digits: &str) -> Option<u64> {
    digits.parse().ok()
}

fn placeholders() -> &'static Regex {
    static FOUND: OnceLock<Regex> = OnceLock::new();
    FOUND.get_or_init(|| {
        let pattern =
            r"<(?:(uid|rv):(\d+)|gen:([^<>]*):(\d+)|(time|microtime|listrv|continue|any|ip|int|age|hostport))>";
        Regex::new(pattern).expect("the pattern is valid")
    })
}

/// What a placeholder without a number matches.
fn class(name: &str) -> &'static str {
    match name {
        "time" => SECONDS,
        "microtime" => MICROSECONDS,
        "listrv" => r"\d+",
        "ip" => "[0-9a-fA-F.:]+",
        "int" => r"-?\d+",
        "age" => r"(?:\d+[smhd](?:\d+[smh])?|<unknown>|<invalid>)",
        "hostport" => r"[A-Za-z0-9.\-\[\]:]+:\d+",
        // `any` and `continue`.
        _ => "(?s:.+)",
    }
}

/// Compares an expected text with what came.
pub(crate) fn compare(
    expected: &str,
    actual: &Value,
    bindings: &mut Bindings,
) -> Result<(), String> {
    let differs = || format!("expected {expected:?}, got {actual}");
    let (pattern, numbered) = pattern(expected);
    let Value::String(actual_text) = actual else {
        let stands_for_it = match expected {
            "<any>" => !actual.is_null(),
            "<int>" => actual.is_i64() || actual.is_u64(),
            _ => false,
        };
        return if stands_for_it {
            Ok(())
        } else {
            Err(differs())
        };
    };
    let Some(pattern) = pattern else {
        return if expected == actual_text {
            Ok(())
        } else {
            Err(differs())
        };
    };
    let pattern = Regex::new(&pattern).map_err(|error| format!("{expected:?}: {error}"))?;
    let found = pattern.captures(actual_text).ok_or_else(differs)?;
    for (placeholder, value) in numbered.into_iter().zip(found.iter().skip(1).flatten()) {
        bindings.bind(placeholder, value.as_str())?;
    }
    Ok(())
}

/// The pattern of a text with placeholders, and which of them the groups in it are; no pattern without any.
fn pattern(expected: &str) -> (Option<String>, Vec<Numbered>) {
    let mut pattern = "^".to_owned();
    let mut numbered = Vec::new();
    let mut end = 0;
    for found in placeholders().captures_iter(expected) {
        let whole = found.get(0).expect("a match has a whole");
        pattern.push_str(&regex::escape(&expected[end..whole.start()]));
        end = whole.end();
        let text = |group: usize| found.get(group).map(|found| found.as_str());
        let count = |group: usize| text(group).and_then(number).unwrap_or_default();
        match (text(1), text(3), text(5)) {
            (Some("uid"), ..) => {
                pattern.extend(["(", UUID, ")"]);
                numbered.push(Numbered::Uid(count(2)));
            }
            (Some(_), ..) => {
                pattern.push_str(r"(\d+)");
                numbered.push(Numbered::Version(count(2)));
            }
            (_, Some(prefix), _) => {
                pattern.extend(["(", &regex::escape(prefix), GENERATED, ")"]);
                numbered.push(Numbered::Generated(prefix.to_owned(), count(4)));
            }
            (.., name) => pattern.push_str(class(name.unwrap_or_default())),
        }
    }
    if end == 0 {
        return (None, numbered);
    }
    pattern.push_str(&regex::escape(&expected[end..]));
    pattern.push('$');
    (Some(pattern), numbered)
}
