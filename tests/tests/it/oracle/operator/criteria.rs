//! The filters of fixtures: literal values, presence, and predicates by name.

use kopfrs::cause::ObjectCause;
use kopfrs::filter::{ABSENT, Criterion, PRESENT};
use serde_json::Value;

use super::Failure;

/// What a label or an annotation must be.
pub(crate) fn of_text(declared: &Value) -> Result<Criterion<str>, Failure> {
    Ok(match Declared::of(declared)? {
        Declared::Literal(Value::String(text)) => Criterion::Is(text),
        Declared::Literal(other) => return Err(format!("{other} is no label").into()),
        Declared::Present => Criterion::Presence(PRESENT),
        Declared::Absent => Criterion::Presence(ABSENT),
        Declared::Call(check) => {
            Criterion::check(move |text: Option<&str>| check(text.map(Value::from).as_ref()))
        }
    })
}

/// What a field must be.
pub(crate) fn of_value(declared: &Value) -> Result<Criterion<Value>, Failure> {
    Ok(match Declared::of(declared)? {
        Declared::Literal(value) => Criterion::Is(value),
        Declared::Present => Criterion::Presence(PRESENT),
        Declared::Absent => Criterion::Presence(ABSENT),
        Declared::Call(check) => Criterion::check(check),
    })
}

enum Declared {
    Literal(Value),
    Present,
    Absent,
    Call(fn(Option<&Value>) -> bool),
}

impl Declared {
    fn of(value: &Value) -> Result<Self, Failure> {
        match (value["$"].as_str(), value["$call"].as_str()) {
            (Some("PRESENT"), _) => Ok(Self::Present),
            (Some("ABSENT"), _) => Ok(Self::Absent),
            (_, Some("starts_with_some")) => Ok(Self::Call(starts_with_some)),
            (_, Some("is_none")) => Ok(Self::Call(is_none)),
            (_, Some("longer_than_3")) => Ok(Self::Call(longer_than_3)),
            (None, None) => Ok(Self::Literal(value.clone())),
            _ => Err(format!("unknown criterion {value}").into()),
        }
    }
}

fn starts_with_some(value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_str)
        .is_some_and(|text| text.starts_with("some"))
}

fn is_none(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

fn longer_than_3(value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_str)
        .is_some_and(|text| text.chars().count() > 3)
}

/// A condition on an object.
pub(crate) type Condition<C> = Box<dyn Fn(&C) -> bool + Send + Sync>;

/// A condition by name, for one handler.
pub(crate) fn when<C: ObjectCause>(name: &str, id: &str) -> Result<Condition<C>, Failure> {
    let id = id.to_owned();
    match name {
        "selected" => Ok(Box::new(move |cause| {
            let chosen = cause.body().spec()["run"].as_array();
            chosen.is_some_and(|ids| ids.iter().any(|chosen| *chosen == *id))
        })),
        "flag_is_true" => Ok(Box::new(|cause| cause.body().spec()["flag"] == true)),
        _ => Err(format!("unknown condition {name:?}").into()),
    }
}
