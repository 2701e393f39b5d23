//! The table of events, which begins with when and ends with the name.

use serde_json::{Value, json};

use super::{
    age,
    columns::{Column, name_column, string},
};
use crate::{clock::Clock, object::text};

pub(super) fn columns() -> Vec<Column<'static>> {
    let mut columns = vec![
        string("Last Seen", last_seen)
            .described("The time at which the most recent occurrence of this event was recorded."),
        string("Type", |value, _| value["type"].clone())
            .described("Type of this event (Normal, Warning), new types could be added in the future"),
        string("Reason", |value, _| value["reason"].clone())
            .described("This should be a short, machine understandable string that gives the reason for the transition into the object's current status."),
        string("Object", event_object)
            .described("The object that this event is about."),
        string("Subobject", part)
            .only_wide()
            .described("If referring to a piece of an object instead of an entire object, this string should contain a valid JSON/Go field access statement, such as desiredState.manifest.containers[2]. For example, if the object reference is to a container within a pod, this would take on a value like: \"spec.containers{name}\" (where \"name\" refers to the name of the container that triggered the event) or if no container name is specified \"spec.containers[2]\" (container with index 2 in this pod). This syntax is chosen only to have some well-defined way of referencing a part of an object."),
        string("Source", source)
            .only_wide()
            .described("The component reporting this event. Should be a short machine understandable string."),
        string("Message", event_message)
            .described("A human-readable description of the status of this operation."),
        string("First Seen", first_seen)
            .only_wide()
            .described("The time at which the event was first recorded. (Time of server receipt is in TypeMeta.)"),
        string("Count", times)
            .only_wide()
            .described("The number of times this event has occurred."),
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
