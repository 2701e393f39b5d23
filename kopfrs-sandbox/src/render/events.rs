//! The table of events, which begins with when and ends with the name.

use serde_json::{Value, json};

use super::{
    age,
    columns::{Column, name_column, string},
};
use crate::{clock::Clock, object::text};

pub(super) fn columns() -> Vec<Column<'static>> {
    let mut columns = vec![
        string("Last Seen", last_seen),
        string("Type", |value, _| value["type"].clone()),
        string("Reason", |value, _| value["reason"].clone()),
        string("Object", event_object),
        string("Subobject", part).only_wide(),
        string("Source", source).only_wide(),
        string("Message", event_message),
        string("First Seen", first_seen).only_wide(),
        string("Count", times).only_wide(),
    ];
    columns.push(name_column().only_wide());
    columns
}

fn part(value: &Value, _: &Clock) -> Value {
    json!(text(value, &["involvedObject", "fieldPath"]).unwrap_or_default())
}

fn source(value: &Value, _: &Clock) -> Value {
    let of = |old: &str, new: &str| {
        let old = text(value, &["source", old]).filter(|old| !old.is_empty());
        old.or(text(value, &[new])).unwrap_or_default()
    };
    let component = of("component", "reportingComponent");
    json!(match of("host", "reportingInstance") {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    })
}

fn times(value: &Value, _: &Clock) -> Value {
    let count = value["series"]["count"]
        .as_i64()
        .or(value["count"].as_i64());
    json!(count.filter(|count| *count > 0).unwrap_or(1))
}

fn first_seen(value: &Value, clock: &Clock) -> Value {
    let time = text(value, &["firstTimestamp"]).or(text(value, &["eventTime"]));
    let seconds = clock.seconds_since(time.unwrap_or_default());
    json!(seconds.map_or_else(|| "<unknown>".to_owned(), age::human))
}

fn event_object(value: &Value, _: &Clock) -> Value {
    let object = ["involvedObject", "regarding"]
        .into_iter()
        .find_map(|name| value.get(name))
        .unwrap_or(&Value::Null);
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    json!(format!(
        "{kind}/{}",
        object["name"].as_str().unwrap_or_default()
    ))
}

fn event_message(value: &Value, _: &Clock) -> Value {
    json!(
        text(value, &["message"])
            .or(text(value, &["note"]))
            .unwrap_or_default()
            .trim()
    )
}

fn last_seen(value: &Value, clock: &Clock) -> Value {
    let paths: [&[&str]; 4] = [
        &["series", "lastObservedTime"],
        &["lastTimestamp"],
        &["eventTime"],
        &["metadata", "creationTimestamp"],
    ];
    let time = paths
        .into_iter()
        .find_map(|path| text(value, path))
        .unwrap_or_default();
    json!(
        clock
            .seconds_since(time)
            .map_or_else(|| "<unknown>".to_owned(), age::human)
    )
}
