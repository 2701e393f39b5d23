//! What a handler registers while it runs: handlers of parts of its work.
//!
//! Taken by handlers as an argument; registering is in `on`. Knows what was registered, and not how
//! it is called: that is a [`Runner`] of the reactor's.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tracing::error;

use super::{Handler, Location};
use crate::cause::ChangingCause;

/// The sub-handlers of a handler: one for each item of a list, say, each with retries and a result
/// of its own.
///
/// An argument of create, update, delete, resume and field handlers, and of sub-handlers
/// themselves. What is registered is called after the handler has returned, or when it says
/// [`execute`](Self::execute). The handler has succeeded when all of them are finished; until then it
/// is called again for each round of them, and must register the same ones again.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::prelude::*;
///
/// #[on::create(ConfigMap)]
/// fn create(map: Arc<ConfigMap>, subs: &Subhandlers) {
///     for (key, value) in map.data.clone().unwrap_or_default() {
///         subs.register(&key).retries(3).run(async move |patch: Patch| {
///             patch.annotation(&format!("seen/{key}"), value.as_str());
///         });
///     }
/// }
/// # let map: ConfigMap = serde_json::from_value(json!({"data": {"a": "1", "b": "2"}})).unwrap();
/// # let subs = Subhandlers::default();
/// # create(Arc::new(map), &subs);
/// # assert_eq!(subs.ids(), ["a", "b"]);
/// ```
#[derive(Clone)]
pub struct Subhandlers(Arc<Registered>);

struct Registered {
    /// The id of the handler that registers them.
    parent: Arc<str>,
    batch: Mutex<Batch>,
    runner: Option<Arc<dyn Runner>>,
}

#[derive(Default)]
struct Batch {
    handlers: Vec<Arc<Handler<ChangingCause>>>,
    mistake: Option<ExecuteError>,
    is_closed: bool,
    /// Whoever looks on puts something around each of them.
    #[cfg(feature = "testing")]
    wrap: Option<Wrap>,
}

/// Puts something around a handler.
#[cfg(feature = "testing")]
type Wrap = Arc<dyn Fn(Handler<ChangingCause>) -> Handler<ChangingCause> + Send + Sync>;

/// Calls sub-handlers.
pub(crate) trait Runner: Send + Sync {
    /// Calls those whose turn it is, each once in the life of the runner.
    fn run(
        &self,
        handlers: Vec<Arc<Handler<ChangingCause>>>,
    ) -> BoxFuture<'_, Result<Outcomes, ExecuteError>>;

    /// Whether these handlers know what a field was before.
    fn knows_transitions(&self) -> bool;

    /// What the handler that registers them is counted as together with others, if it is one of many itself: ids of
    /// sub-handlers are made of data.
    fn collective(&self) -> Option<String>;
}

/// What has become of the sub-handlers of a handler, all of which are finished.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::prelude::*;
///
/// #[on::create(ConfigMap)]
/// async fn create(subs: &Subhandlers, patch: &Patch) -> Result<()> {
///     subs.register("first").run(async || {});
///     subs.register("second").run(async || {});
///     let outcomes = subs.execute().await?;
///     patch.annotation("failed", outcomes.failed().count().to_string().as_str());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes(Vec<(String, Option<String>)>);

/// Why a handler cannot go on after its sub-handlers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// Some of them have to be called again, or have not had their turn. Return it with `?`: the
    /// handler is called again when they are.
    #[error("sub-handlers of `{parent}` are not finished yet")]
    Unfinished {
        /// The handler's id.
        parent: String,
        /// When the first of them is to be called.
        delay: Duration,
    },
    /// Two functions under one id would overwrite each other's progress and results.
    #[error(
        "two functions are registered as the sub-handler `{id}`, at {first} and at {second}: give one of them another id"
    )]
    Duplicate {
        /// The id.
        id: String,
        /// Where the first of them is registered.
        first: Location,
        /// Where the second of them is registered.
        second: Location,
    },
    /// A sub-handler asks for what it cannot have.
    #[error("the sub-handler `{id}`, registered at {location}, {mistake}")]
    Mistake {
        /// Its id.
        id: String,
        /// Where it is registered.
        location: Location,
        /// What is wrong with it.
        mistake: &'static str,
    },
}

impl Subhandlers {
    /// Those of a handler, to be called by this runner.
    pub(crate) fn new(parent: Arc<str>, runner: Arc<dyn Runner>) -> Self {
        Self(Arc::new(Registered {
            parent,
            batch: Mutex::default(),
            runner: Some(runner),
        }))
    }

    /// The ids of those that are registered, as they were given.
    pub fn ids(&self) -> Vec<String> {
        let batch = self.0.batch();
        let ids = batch.handlers.iter().map(|handler| self.own_id(handler));
        ids.collect()
    }

    /// Calls those whose turn it is now, so that the handler can go on when all are finished. Without
    /// it they are called after the handler has returned.
    ///
    /// May be said again after more were registered: those that are finished are not called again.
    ///
    /// # Errors
    /// [`ExecuteError::Unfinished`] if some of them are not finished: return it, and the handler is
    /// called again for the next round of them. Whatever the handler returns, it is not finished
    /// before they are.
    pub async fn execute(&self) -> Result<Outcomes, ExecuteError> {
        let handlers = {
            let batch = self.0.batch();
            if let Some(mistake) = &batch.mistake {
                return Err(mistake.clone());
            }
            batch.handlers.clone()
        };
        match &self.0.runner {
            Some(runner) if !handlers.is_empty() => runner.run(handlers).await,
            _ => Ok(Outcomes::default()),
        }
    }

    /// The handler has returned: what it has registered and not executed is executed, and nothing is
    /// registered any more.
    pub(crate) async fn finish(&self) -> Result<(), ExecuteError> {
        self.0.batch().is_closed = true;
        self.execute().await.map(drop)
    }

    /// Takes a sub-handler in. Of several by one function under one id, the first counts.
    pub(crate) fn add(&self, handler: Handler<ChangingCause>) {
        let mistake = self.mistake(&handler);
        let mut batch = self.0.batch();
        if batch.is_closed {
            let id = &handler.id;
            error!("`{id}` is never called: it was registered after its handler had returned");
            return;
        }
        let mut others = batch.handlers.iter();
        let first = others.find(|other| other.id == handler.id);
        let Some(first) = first else {
            #[cfg(feature = "testing")]
            let handler = match &batch.wrap {
                Some(wrap) => wrap(handler),
                None => handler,
            };
            batch.mistake = batch.mistake.take().or(mistake);
            batch.handlers.push(Arc::new(handler));
            return;
        };
        if first.function != handler.function {
            let duplicate = ExecuteError::Duplicate {
                first: first.location,
                second: handler.location,
                id: handler.id,
            };
            batch.mistake = batch.mistake.take().or(Some(duplicate));
        }
    }

    /// Puts something around each of those that are registered from now on.
    #[cfg(feature = "testing")]
    pub(crate) fn wrap(&self, wrap: Wrap) {
        self.0.batch().wrap = Some(wrap);
    }

    /// What the handler that registers them is counted as, if not by its id.
    pub(crate) fn collective(&self) -> Option<String> {
        self.0.runner.as_ref()?.collective()
    }

    /// The whole id of a sub-handler.
    pub(crate) fn id_of(&self, id: &str) -> String {
        format!("{}/{id}", self.0.parent)
    }

    /// The whole ids of all that are registered.
    pub(crate) fn whole_ids(&self) -> Vec<String> {
        let batch = self.0.batch();
        batch.handlers.iter().map(|h| h.id.clone()).collect()
    }

    fn own_id(&self, handler: &Handler<ChangingCause>) -> String {
        let id = handler.id.strip_prefix(&*self.0.parent);
        let id = id.and_then(|id| id.strip_prefix('/'));
        id.unwrap_or(&handler.id).to_owned()
    }

    fn mistake(&self, handler: &Handler<ChangingCause>) -> Option<ExecuteError> {
        let filter = &handler.filter;
        let is_transition = filter.old.is_some() || filter.new.is_some();
        let runner = self.0.runner.as_ref();
        let knows_transitions = runner.is_none_or(|runner| runner.knows_transitions());
        let mistake = if self.own_id(handler).is_empty() {
            "has an empty id: give it one that tells it from others, and is the same each time"
        } else if filter.field.is_none() && (filter.value.is_some() || is_transition) {
            "asks for values of no field: say which one with `field`"
        } else if filter.value.is_some() && is_transition {
            "asks for a `value`, and for `old` or `new` ones: choose either"
        } else if is_transition && !knows_transitions {
            "asks for `old` or `new` values, which only update and field handlers tell apart: ask for a `value`"
        } else {
            return None;
        };
        Some(ExecuteError::Mistake {
            id: handler.id.clone(),
            location: handler.location,
            mistake,
        })
    }
}

impl Registered {
    fn batch(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of no handler, for tests of functions that take them as an argument: [`ids`](Self::ids) tells
/// what was registered, nothing is called.
impl Default for Subhandlers {
    fn default() -> Self {
        Self(Arc::new(Registered {
            parent: Arc::from(""),
            batch: Mutex::default(),
            runner: None,
        }))
    }
}

impl fmt::Debug for Subhandlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subhandlers").field(&self.ids()).finish()
    }
}

impl Outcomes {
    /// What has become of each: its id, as it was registered, and what was wrong if it has failed for
    /// good.
    pub(crate) fn new(outcomes: Vec<(String, Option<String>)>) -> Self {
        Self(outcomes)
    }

    /// The ids of those that have succeeded.
    pub fn succeeded(&self) -> impl Iterator<Item = &str> {
        let succeeded = self.0.iter().filter(|(_, error)| error.is_none());
        succeeded.map(|(id, _)| &**id)
    }

    /// The ids of those that have failed for good, and what was wrong.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter();
        all.filter_map(|(id, error)| Some((&**id, error.as_deref()?)))
    }
}
