//! What handlers share: the client, the settings, the clock, and values of the users' own.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::clock::Clock;
use crate::index::Indices;
use crate::metrics::Metrics;
use crate::settings::SettingsHandle;

/// What all handlers of an operator share.
#[derive(Debug)]
#[non_exhaustive]
pub struct Environment {
    /// Tells the time.
    pub clock: Clock,
    /// The settings.
    pub settings: SettingsHandle,
    /// Values that startup handlers have returned as `State`.
    pub states: States,
    /// What is measured, if somebody wants to know.
    pub(crate) metrics: Metrics,
    /// What index handlers have found.
    pub indices: Indices,
    /// Values kept for the operator: those of its activities, and what those of objects begin with.
    pub(crate) memos: Memos,
    /// What aspects of the framework share among all handlers, one value of each type.
    pub(crate) aspects: Memos,
    client: OnceLock<ClientSlot>,
}

struct ClientSlot(kube::Client);

impl Environment {
    /// An environment without a client yet.
    pub fn new(clock: Clock, settings: SettingsHandle) -> Self {
        Self {
            clock,
            settings,
            states: States::default(),
            metrics: Metrics::default(),
            indices: Indices::default(),
            memos: Memos::default(),
            aspects: Memos::default(),
            client: OnceLock::new(),
        }
    }

    /// The same environment with another client.
    #[cfg(feature = "admission")]
    pub(crate) fn through(&self, client: kube::Client) -> Self {
        let environment = Self {
            clock: self.clock,
            settings: self.settings.clone(),
            states: self.states.clone(),
            metrics: self.metrics.clone(),
            indices: self.indices.clone(),
            memos: self.memos.clone(),
            aspects: self.aspects.clone(),
            client: OnceLock::new(),
        };
        environment.set_client(client);
        environment
    }

    /// The client; `None` before login.
    pub fn client(&self) -> Option<&kube::Client> {
        self.client.get().map(|slot| &slot.0)
    }

    /// Sets the client, once.
    pub(crate) fn set_client(&self, client: kube::Client) {
        // A second login replaces what is behind the client, not the client.
        let _ = self.client.set(ClientSlot(client));
    }
}

impl fmt::Debug for ClientSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

type AnyShared = Arc<dyn Any + Send + Sync>;

/// Shared values, one of each type.
#[derive(Clone, Default)]
pub struct States(Arc<RwLock<HashMap<TypeId, (&'static str, AnyShared)>>>);

impl States {
    /// Puts a value in; an earlier one of the type is replaced.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) {
        self.insert_any(TypeId::of::<T>(), type_name::<T>(), Arc::new(value));
    }

    pub(crate) fn insert_any(&self, id: TypeId, name: &'static str, value: AnyShared) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, (name, value));
    }

    /// The value of a type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let states = self.0.read().unwrap_or_else(PoisonError::into_inner);
        states.get(&TypeId::of::<T>())?.1.clone().downcast().ok()
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list()
            .entries(states.values().map(|(name, _)| name))
            .finish()
    }
}

/// Values kept for one object as long as the process and the object live, one of each type.
#[derive(Clone, Default)]
pub struct Memos(Arc<Mutex<HashMap<TypeId, AnyShared>>>);

impl Memos {
    /// The value of a type, made by default at first.
    pub fn get_or_default<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.get_or_insert_with(T::default)
    }

    /// The value of a type, if there is one.
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let memos = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memos.get(&TypeId::of::<T>())?.clone().downcast().ok()
    }

    /// The value of a type, made at first.
    ///
    /// # Panics
    /// Never: a value is stored under the id of its own type.
    pub(crate) fn get_or_insert_with<T: Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        let mut memos = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let memo = memos
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(make()));
        memo.clone()
            .downcast()
            .expect("a memo is stored under the id of its own type")
    }
}

impl Memos {
    /// Whether nothing is kept, and nobody else could put something in.
    pub(crate) fn is_unused(&self) -> bool {
        let memos = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memos.is_empty() && Arc::strong_count(&self.0) == 1
    }
}

impl fmt::Debug for Memos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memos = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Memos({})", memos.len())
    }
}
