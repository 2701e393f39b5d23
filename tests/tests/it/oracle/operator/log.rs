//! The log that the player reads: one JSON object a line, there as soon as it is written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kopfrs::cause::Stopped;
use kopfrs::storage::Persistence;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

/// The lines of all operators of a scenario; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    lines: Arc<Mutex<Vec<Value>>>,
    /// The beginning of time, which may be one that passes at once.
    began: Instant,
}

/// The log of one operator, as long as it lives.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Lines,
    operator: String,
    /// Which of all that were started; what a process has its number for.
    number: u32,
    is_dead: AtomicBool,
}

impl Lines {
    fn lines(&self) -> MutexGuard<'_, Vec<Value>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines after the first so many.
    pub(crate) fn after(&self, count: usize) -> Vec<Value> {
        self.lines()[count..].to_vec()
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            lines: Arc::default(),
            began: Instant::now(),
        }
    }
}

impl Log {
    /// The log of an operator that is about to start.
    pub(crate) fn new(lines: &Lines, operator: &str, number: u32) -> Arc<Self> {
        Arc::new(Self {
            lines: lines.clone(),
            operator: operator.to_owned(),
            number,
            is_dead: AtomicBool::new(false),
        })
    }

    /// Writes a line, with the time and the operator added to it.
    pub(crate) fn write(&self, line: Value) {
        if self.is_dead.load(Ordering::Acquire) {
            return;
        }
        let mut line = line;
        line["t"] = json!(self.lines.began.elapsed().as_secs_f64());
        line["pid"] = json!(self.number);
        line["op"] = json!(self.operator);
        self.lines.lines().push(line);
    }

    /// Tells how the operator marks objects.
    pub(crate) fn write_marks(&self, persistence: &Persistence) {
        self.write(json!({
            "ph": "ready",
            "prefix": persistence.prefix(),
            "finalizer": persistence.finalizer(),
        }));
    }

    /// The operator is going to be killed: nobody who is dead writes that something was cancelled.
    pub(crate) fn end(&self) {
        self.is_dead.store(true, Ordering::Release);
    }
}

/// One attempt of a handler, from its `start` line to its `end` line.
///
/// Dropped without an end, it was cancelled.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    log: &'a Log,
    /// Of daemons and timers, why they are to end.
    stopped: Option<Stopped>,
    /// What both lines have in common.
    about: Map<String, Value>,
    is_ended: bool,
}

impl<'a> Attempt<'a> {
    /// Begins with the `start` line: what both lines say, and what only this one says.
    pub(crate) fn start(
        (log, stopped): (&'a Log, Option<Stopped>),
        about: Map<String, Value>,
        details: Map<String, Value>,
    ) -> Self {
        let mut line = about.clone();
        line.insert("ph".to_owned(), json!("start"));
        line.extend(details);
        log.write(line.into());
        Self {
            log,
            stopped,
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
        if let Some(stopped) = &self.stopped {
            let mut names: Vec<_> = stopped.reason().names().collect();
            names.sort_unstable();
            line.insert("stopped".to_owned(), json!(names));
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
