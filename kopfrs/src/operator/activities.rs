//! What is called for the operator itself: before its work, and after it.

use std::sync::Arc;

use super::error::OperatorError;
use super::login::LoginHandlers;
use super::run::{Again, CANCEL_BUDGET};
use crate::cause::{Activity, ActivityCause};
use crate::clock::Clock;
use crate::engine::activities;
use crate::extract::SharedStates;
use crate::handler::{Environment, Handler, Memos};
use crate::index::Indices;
use crate::registry::Registry;
use crate::settings::SettingsHandle;

/// The handlers of activities, and what they are called with.
pub(super) struct Activities {
    pub(super) handlers: Vec<Arc<Handler<ActivityCause>>>,
    pub(super) memos: Memos,
    pub(super) environment: Arc<Environment>,
}

impl Activities {
    pub(super) fn new(registry: &Registry, settings: &SettingsHandle, memos: Memos) -> Self {
        let mut environment = Environment::new(Clock::start(), settings.clone());
        let shapes = registry.indices().into_iter();
        environment.indices = Indices::new(shapes.map(|(id, shape, _)| (id.to_owned(), shape)));
        environment.memos = memos.clone();
        Self {
            handlers: registry.activities().iter().cloned().collect(),
            memos,
            environment: Arc::new(environment),
        }
    }

    /// Calls the startup handlers, and keeps what they share with others.
    pub(super) async fn startup(&self) -> Result<(), OperatorError> {
        let calls = activities::run(
            Activity::Startup,
            &self.handlers,
            &self.memos,
            &self.environment,
        );
        let outcomes = calls.await.map_err(|failed| OperatorError::Startup {
            id: failed.id,
            message: failed.message,
        })?;
        for product in outcomes.into_iter().filter_map(|outcome| outcome.product) {
            if let Ok(states) = product.downcast::<SharedStates>() {
                states.store(&self.environment.states);
            }
        }
        Ok(())
    }

    pub(super) fn login(&self) -> LoginHandlers {
        LoginHandlers {
            handlers: self.handlers.clone(),
            memos: self.memos.clone(),
            environment: Arc::downgrade(&self.environment),
        }
    }

    /// Calls the cleanup handlers, within their budget and until the operator is told to stop again.
    pub(super) async fn cleanup(&self, again: Again) -> Result<(), OperatorError> {
        let is_hurried = again.peek().is_some();
        let mut budget = self.environment.settings.get().process.cleanup_budget;
        if is_hurried {
            budget = budget.min(CANCEL_BUDGET);
        }
        let again = async {
            if is_hurried {
                std::future::pending::<()>().await;
            }
            again.await;
        };
        let calls = activities::run(
            Activity::Cleanup,
            &self.handlers,
            &self.memos,
            &self.environment,
        );
        let (id, message) = tokio::select! {
            biased;
            done = calls => match done {
                Ok(_) => return Ok(()),
                Err(failed) => (failed.id, failed.message),
            },
            () = tokio::time::sleep(budget) => (self.cleanup_ids(), format!("not finished within {budget:?}")),
            () = again => (self.cleanup_ids(), "not finished when told to stop again".to_owned()),
        };
        Err(OperatorError::Cleanup { id, message })
    }

    fn cleanup_ids(&self) -> String {
        let handlers = self.handlers.iter();
        let ids: Vec<_> = handlers
            .filter(|handler| handler.rule == Activity::Cleanup)
            .map(|handler| &*handler.id)
            .collect();
        ids.join(", ")
    }
}
