//! The log that the player reads: one JSON object a line, in the file as soon as it is written.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// The log of one process.
#[derive(Debug)]
pub(crate) struct Log {
    file: Mutex<File>,
    operator: String,
}

impl Log {
    /// Opens a file for appending: several processes write to the same one.
    pub(crate) fn open(path: &str, operator: &str) -> std::io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self {
            file: Mutex::new(file),
            operator: operator.to_owned(),
        })
    }

    /// Writes a line, with the time and the process added to it.
    pub(crate) fn write(&self, line: Value) {
        let mut line = line;
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        line["t"] = json!(time.map_or(0.0, |time| time.as_secs_f64()));
        line["pid"] = json!(std::process::id());
        line["op"] = json!(self.operator);
        let text = format!("{line}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // In one call: lines of several processes must not mix.
        if let Err(error) = file.write_all(text.as_bytes()) {
            eprintln!("oracle-operator: failed to write the log: {error}");
        }
    }
}

/// One attempt of a handler, from its `start` line to its `end` line.
///
/// Dropped without an end, it was cancelled.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    log: &'a Log,
    /// What both lines have in common.
    about: Map<String, Value>,
    is_ended: bool,
}

impl<'a> Attempt<'a> {
    /// Begins with the `start` line: what both lines say, and what only this one says.
    pub(crate) fn start(
        log: &'a Log,
        about: Map<String, Value>,
        details: Map<String, Value>,
    ) -> Self {
        let mut line = about.clone();
        line.insert("ph".to_owned(), json!("start"));
        line.extend(details);
        log.write(line.into());
        Self {
            log,
            about,
            is_ended: false,
        }
    }

    /// Ends with an outcome; what is null is left out.
    pub(crate) fn end(mut self, outcome: &str, result: &Value, patch: &Value) {
        self.is_ended = true;
        self.write(outcome, result, patch);
    }

    fn write(&self, outcome: &str, result: &Value, patch: &Value) {
        let mut line = self.about.clone();
        line.insert("ph".to_owned(), json!("end"));
        line.insert("outcome".to_owned(), json!(outcome));
        for (key, value) in [("result", result), ("patch", patch)] {
            if !value.is_null() {
                line.insert(key.to_owned(), value.clone());
            }
        }
        self.log.write(line.into());
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.write("cancelled", &Value::Null, &Value::Null);
        }
    }
}
