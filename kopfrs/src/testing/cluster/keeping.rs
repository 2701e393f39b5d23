//! What a cluster keeps for the kit: the operators of the test, what is said, and what is left to be removed.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{CLOSING, Capture, Cluster, OperatorState, PATIENCE};
use crate::resource::Resource;

impl Cluster {
    pub(in crate::testing) fn capture(&self) -> &Capture {
        &self.0.capture
    }

    /// How long anything may take.
    pub(in crate::testing) fn patience(&self) -> Duration {
        if self.0.is_paused {
            PATIENCE.1
        } else {
            PATIENCE.0
        }
    }

    /// An operator is started: makes its state with the number that it gets.
    pub(in crate::testing) fn add_operator(
        &self,
        state: impl FnOnce(u64) -> OperatorState,
    ) -> Arc<OperatorState> {
        let mut operators = self
            .0
            .operators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let state = Arc::new(state(operators.len() as u64 + 1));
        operators.push(state.clone());
        state
    }

    pub(in crate::testing) fn operators(&self) -> Vec<Arc<OperatorState>> {
        let operators = self
            .0
            .operators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        operators.clone()
    }

    /// An operator keeps the webhook configurations of a name, which stay behind without webhooks.
    pub(in crate::testing) fn leave_webhooks(&self, name: Option<&str>) {
        let plurals = [
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ];
        for plural in plurals.into_iter().filter(|_| name.is_some()) {
            let resource = Resource {
                group: "admissionregistration.k8s.io".to_owned(),
                version: "v1".to_owned(),
                plural: plural.to_owned(),
                ..Resource::default()
            };
            let object = json!({"metadata": {"name": name}});
            self.0.leftovers.object(&resource, &object);
        }
    }

    /// Leaves an object behind, should nobody delete it before the end.
    pub(in crate::testing) fn leave(&self, resource: &Resource, object: &Value) {
        self.0.leftovers.object(resource, object);
    }

    /// What is to be said of an operator that has ended by itself, though nobody has expected that.
    pub(in crate::testing) fn unexpected_end(&self) -> Option<String> {
        self.operators()
            .iter()
            .find_map(|operator| operator.unexpected_end())
    }

    /// Removes what the test leaves behind; gives what has gone wrong with that.
    pub(in crate::testing) async fn close(&self) -> Vec<String> {
        let operators = self.operators();
        let served = operators
            .iter()
            .flat_map(|operator| operator.observer().served());
        served.for_each(|resource| self.0.leftovers.kind(&resource));
        let rest = self.rest();
        let removal = self.0.leftovers.remove(&rest);
        let late = |_| vec![format!("its leftovers are not removed within {CLOSING:?}")];
        timeout(CLOSING, removal).await.unwrap_or_else(late)
    }

    /// The diagnosis has been given.
    pub(in crate::testing) fn has_told(&self) {
        self.0.is_told.store(true, Ordering::Relaxed);
    }

    pub(in crate::testing) fn is_told(&self) -> bool {
        self.0.is_told.load(Ordering::Relaxed)
    }
}
