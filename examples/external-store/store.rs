//! A system outside of Kubernetes, as a program would talk to it by its API: it keeps values under names, sometimes takes
//! its time, and fails as it was told to.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kopfrs::lifecycle::Operation;
use tokio::time::Instant;

/// What is kept under a name.
#[derive(Clone, Debug)]
struct Entry {
    value: String,
    ready_at: Instant,
    gone_at: Option<Instant>,
}

/// How an entry looks from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Nothing,
    Arriving,
    There(String),
    Leaving,
}

/// One call of the API, and whether it was answered well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) is_ok: bool,
}

/// Answers some calls with an error.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) operation: Operation,
    /// How many calls go well before.
    pub(crate) after: usize,
    /// How many calls fail.
    pub(crate) times: usize,
    pub(crate) message: &'static str,
}

/// The system does not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreError(&'static str);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for StoreError {}

#[derive(Debug, Default)]
struct Inside {
    entries: BTreeMap<String, Entry>,
    delay: Duration,
    calls: Vec<Call>,
    faults: Vec<Fault>,
}

/// The system; clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store(Arc<Mutex<Inside>>);

impl Store {
    /// A system in which everything takes so long.
    pub(crate) fn slow(delay: Duration) -> Self {
        let store = Self::default();
        store.inside().delay = delay;
        store
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is asked for is done at once.
    pub(crate) fn is_prompt(&self) -> bool {
        self.inside().delay.is_zero()
    }

    /// How an entry looks.
    ///
    /// # Errors
    /// As it was told to fail.
    pub(crate) fn look(&self, name: &str) -> Result<Look, StoreError> {
        let mut inside = self.inside();
        inside.call(name, Operation::Verify)?;
        Ok(inside.look(name))
    }

    /// Keeps a value under a name.
    ///
    /// # Errors
    /// If there is one already, and as it was told to fail.
    pub(crate) fn create(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut inside = self.inside();
        inside.call(name, Operation::Create)?;
        if inside.look(name) != Look::Nothing {
            return Err(StoreError("there is one already"));
        }
        inside.put(name, value);
        Ok(())
    }

    /// Replaces the value under a name.
    ///
    /// # Errors
    /// If there is none, and as it was told to fail.
    pub(crate) fn update(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut inside = self.inside();
        inside.call(name, Operation::Update)?;
        if inside.look(name) == Look::Nothing {
            return Err(StoreError("there is none"));
        }
        inside.put(name, value);
        Ok(())
    }

    /// Removes what is under a name; gives whether there was anything.
    ///
    /// # Errors
    /// As it was told to fail.
    pub(crate) fn delete(&self, name: &str) -> Result<bool, StoreError> {
        let mut inside = self.inside();
        inside.call(name, Operation::Delete)?;
        let gone_at = Instant::now() + inside.delay;
        let entry = inside.entries.get_mut(name);
        Ok(entry.map(|entry| entry.gone_at = Some(gone_at)).is_some())
    }
}

/// What others do to the system, past the operator.
#[allow(dead_code, reason = "for tests of the operator")]
impl Store {
    pub(crate) fn put(&self, name: &str, value: &str) {
        self.inside().put(name, value);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.inside().entries.remove(name);
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        match self.inside().look(name) {
            Look::There(value) => Some(value),
            Look::Nothing | Look::Arriving | Look::Leaving => None,
        }
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.inside().faults.push(fault);
    }

    pub(crate) fn heal(&self) {
        self.inside().faults.clear();
    }

    /// The calls about one name, less those that only look.
    pub(crate) fn changes(&self, name: &str) -> Vec<(Operation, bool)> {
        let calls = self.calls(name);
        let changes = calls.into_iter();
        changes
            .filter(|(operation, _)| *operation != Operation::Verify)
            .collect()
    }

    /// The calls about one name, and whether they were answered well.
    pub(crate) fn calls(&self, name: &str) -> Vec<(Operation, bool)> {
        let inside = self.inside();
        let calls = inside.calls.iter().filter(|call| call.name == name);
        calls.map(|call| (call.operation, call.is_ok)).collect()
    }
}

impl Inside {
    fn call(&mut self, name: &str, operation: Operation) -> Result<(), StoreError> {
        let is_this = |call: &&Call| call.name == name && call.operation == operation;
        let earlier = self.calls.iter().filter(is_this).count();
        let struck = self.faults.iter().find(|fault| {
            let is_its_turn = earlier >= fault.after && earlier - fault.after < fault.times;
            fault.name == name && fault.operation == operation && is_its_turn
        });
        let result = struck.map_or(Ok(()), |fault| Err(StoreError(fault.message)));
        self.calls.push(Call {
            name: name.to_owned(),
            operation,
            is_ok: result.is_ok(),
        });
        result
    }

    fn look(&self, name: &str) -> Look {
        let now = Instant::now();
        match self.entries.get(name) {
            None => Look::Nothing,
            Some(entry) if entry.gone_at.is_some_and(|at| at <= now) => Look::Nothing,
            Some(entry) if entry.gone_at.is_some() => Look::Leaving,
            Some(entry) if entry.ready_at > now => Look::Arriving,
            Some(entry) => Look::There(entry.value.clone()),
        }
    }

    fn put(&mut self, name: &str, value: &str) {
        let entry = Entry {
            value: value.to_owned(),
            ready_at: Instant::now() + self.delay,
            gone_at: None,
        };
        self.entries.insert(name.to_owned(), entry);
    }
}
