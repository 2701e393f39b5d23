//! The calls of handlers, put together from the lines of the log.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::journal::target;
use super::value::shortened;

/// The calls of changing handlers by object, in the order in which they began.
pub(crate) type Calls = BTreeMap<String, Vec<Value>>;

/// Puts the `start` and `end` lines together. Objects are told apart as recordings do: a second one of
/// the same name is `<target>#2`, and `<target>@<operator>` is used if the order between operators has
/// no meaning.
pub(crate) fn changing(lines: &[Value], is_per_operator: bool) -> Calls {
    let mut calls = Calls::new();
    for (index, key) in starts(lines, is_per_operator) {
        let start = &lines[index];
        if start["on"] == "event" || is_background(start) {
            continue;
        }
        let end = end_of(lines, index);
        let mut call = Map::new();
        for field in ["reason", "retry", "old", "new", "diff", "t"] {
            call.insert(field.to_owned(), shortened(&start[field]));
        }
        call.insert("handler".to_owned(), start["h"].clone());
        if let Some(index) = start.get("index") {
            call.insert("index".to_owned(), index.clone());
        }
        let outcome = end.map_or(json!("killed"), |end| end["outcome"].clone());
        call.insert("outcome".to_owned(), outcome);
        for field in ["result", "patch"] {
            if let Some(value) = end.and_then(|end| end.get(field)) {
                call.insert(field.to_owned(), shortened(value));
            }
        }
        calls.entry(key).or_default().push(call.into());
    }
    calls
}

/// Whether a line is of a daemon or a timer.
fn is_background(line: &Value) -> bool {
    line["on"] == "daemon" || line["on"] == "timer"
}

/// The attempts of daemons and timers, by object and handler.
pub(crate) type Background = BTreeMap<String, BTreeMap<String, Vec<Value>>>;

/// The stages in which daemons are ended are not recorded.
const STAGES: [&str; 4] = [
    "DONE",
    "DAEMON_SIGNALLED",
    "DAEMON_CANCELLED",
    "DAEMON_ABANDONED",
];

/// The attempts of daemons and timers, in the order in which they began.
pub(crate) fn background(lines: &[Value]) -> Background {
    let mut attempts = Background::new();
    for (index, key) in starts(lines, false) {
        let start = &lines[index];
        if !is_background(start) {
            continue;
        }
        let end = end_of(lines, index);
        let mut attempt = Map::new();
        attempt.insert("retry".to_owned(), start["retry"].clone());
        let outcome = end.map_or(json!("killed"), |end| end["outcome"].clone());
        attempt.insert("outcome".to_owned(), outcome);
        for field in ["result", "patch"] {
            if let Some(value) = end.and_then(|end| end.get(field)) {
                attempt.insert(field.to_owned(), shortened(value));
            }
        }
        let stopped = end.and_then(|end| end["stopped"].as_array());
        let is_reason = |name: &&Value| STAGES.iter().all(|stage| name != stage);
        let stopped: Option<Vec<&Value>> = stopped.map(|s| s.iter().filter(is_reason).collect());
        if let Some(stopped) = stopped {
            attempt.insert("stopped".to_owned(), json!(stopped));
        }
        let handler = start["h"].as_str().unwrap_or_default().to_owned();
        let handlers = attempts.entry(key).or_default();
        handlers.entry(handler).or_default().push(attempt.into());
    }
    attempts
}

/// When the attempts of a handler for an object have begun and ended, after the first call for the object.
pub(crate) fn spans(lines: &[Value], object: &str, handler: &str) -> Vec<(f64, Option<f64>)> {
    let mut all = starts(lines, false)
        .into_iter()
        .filter(|(_, key)| key == object)
        .map(|(index, _)| index)
        .peekable();
    let time = |line: &Value| line["t"].as_f64().unwrap_or_default();
    let first = all.peek().map_or(0.0, |index| time(&lines[*index]));
    let own = all.filter(|index| lines[*index]["h"] == handler);
    let span = |index: usize| {
        let end = end_of(lines, index).map(|end| time(end) - first);
        (time(&lines[index]) - first, end)
    };
    own.map(span).collect()
}

/// Whether anything is recorded that only daemons are, of those of an object.
pub(crate) fn daemons(lines: &[Value]) -> Vec<(String, String)> {
    let daemons = starts(lines, false)
        .into_iter()
        .filter(|(index, _)| lines[*index]["on"] == "daemon");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    daemons
        .map(|(index, key)| (key, text(&lines[index]["h"])))
        .collect()
}

/// What is recorded of events: per object and handler, counts by type.
pub(crate) type Events = BTreeMap<String, BTreeMap<String, Value>>;

/// Counts the events that the handlers of events were called with.
pub(crate) fn events(lines: &[Value]) -> Events {
    let mut types: BTreeMap<String, BTreeMap<String, Vec<Value>>> = BTreeMap::new();
    for (index, key) in starts(lines, false) {
        let start = &lines[index];
        if start["on"] == "event" {
            let handler = start["h"].as_str().unwrap_or_default().to_owned();
            let handlers = types.entry(key).or_default();
            handlers
                .entry(handler)
                .or_default()
                .push(start["type"].clone());
        }
    }
    let counted = |types: Vec<Value>| {
        let count = |wanted: Value| types.iter().filter(|one| **one == wanted).count();
        json!({
            "first": types.first(),
            "last_type_is_deleted": types.last().is_some_and(|last| last == "DELETED"),
            "listed": count(Value::Null),
            "added": count(json!("ADDED")),
            "deleted": count(json!("DELETED")),
        })
    };
    let objects = types.into_iter().map(|(object, handlers)| {
        let handlers = handlers.into_iter().map(|(id, types)| (id, counted(types)));
        (object, handlers.collect())
    });
    objects.collect()
}

/// The activities of each process, in the order in which processes began.
pub(crate) fn activities(lines: &[Value]) -> Vec<Vec<String>> {
    let mut processes: Vec<(Value, Vec<String>)> = Vec::new();
    for line in lines.iter().filter(|line| line["ph"] == "activity") {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let activity = format!("{}:{}:{}", text("on"), text("h"), line["retry"]);
        match processes.iter_mut().find(|(pid, _)| *pid == line["pid"]) {
            Some((_, activities)) => activities.push(activity),
            None => processes.push((line["pid"].clone(), vec![activity])),
        }
    }
    processes
        .into_iter()
        .map(|(_, activities)| activities)
        .collect()
}

/// When something has happened: `<object> <handler> <start/end> <retry>`, the first of its kind.
pub(crate) fn time_of(lines: &[Value], mark: &str) -> Option<f64> {
    let parts: Vec<&str> = mark.split(' ').collect();
    let [object, handler, phase, retry] = parts[..] else {
        panic!("{mark:?} is not `<object> <handler> <start/end> <retry>`");
    };
    let line = lines.iter().find(|line| {
        line["ph"] == phase
            && line["h"] == handler
            && retry
                .parse::<u64>()
                .is_ok_and(|retry| line["retry"] == retry)
            && target(line) == object
    });
    line?["t"].as_f64()
}

/// The lines that begin a call, with the keys of their objects.
fn starts(lines: &[Value], is_per_operator: bool) -> Vec<(usize, String)> {
    let mut uids: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut starts = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line["ph"] != "start" {
            continue;
        }
        let target = target(line);
        let known = uids.entry(target.clone()).or_default();
        if !known.contains(&line["uid"]) {
            known.push(line["uid"].clone());
        }
        let number = known
            .iter()
            .position(|uid| *uid == line["uid"])
            .unwrap_or_default();
        let mut key = target;
        if number > 0 {
            key = format!("{key}#{}", number + 1);
        }
        if is_per_operator {
            key = format!("{key}@{}", line["op"].as_str().unwrap_or_default());
        }
        starts.push((index, key));
    }
    starts
}

/// The end of an attempt: nothing else of the same handler runs for the same object meanwhile.
fn end_of(lines: &[Value], start: usize) -> Option<&Value> {
    let begun = &lines[start];
    let same = |line: &&Value| {
        ["h", "uid", "pid", "op"]
            .iter()
            .all(|key| line[*key] == begun[*key])
    };
    let next = lines[start + 1..]
        .iter()
        .filter(same)
        .find(|line| line["ph"] == "start" || line["ph"] == "end");
    next.filter(|line| line["ph"] == "end")
}
