//! Keeps the webhook configurations up to date: what the API server asks, and where.
//!
//! By server-side apply under a name of our own: what others have put into the same configurations stays as it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use super::Admission;
use super::configuration::{ClientConfig, conversion, of_review, webhooks};
use crate::api::{ApiError, Connection, Failure, Target};
use crate::engine::insights::Insights;
use crate::handler::Review;
use crate::resource::Resource;

/// Who owns what is written here.
const OWNER: &str = "kopfrs-admission";
const REVIEWS: [Review; 2] = [Review::Validating, Review::Mutating];
/// The pauses between attempts that fail.
const PAUSES: [u64; 6] = [1, 2, 3, 5, 10, 30];

/// Keeps the webhook configurations up to date.
pub(crate) struct Manager {
    admission: Arc<Admission>,
    connection: Connection,
    /// What the configurations are called.
    name: String,
    client: watch::Receiver<Option<ClientConfig>>,
    /// What was written last, by what it was written into.
    written: Mutex<HashMap<String, Value>>,
}

/// Something to be applied.
struct Document {
    resource: Resource,
    name: String,
    content: Value,
}

impl Manager {
    pub(crate) fn new(
        admission: Arc<Admission>,
        connection: Connection,
        name: String,
        client: watch::Receiver<Option<ClientConfig>>,
    ) -> Self {
        Self {
            admission,
            connection,
            name,
            client,
            written: Mutex::default(),
        }
    }

    /// Keeps configurations up to date until it is dropped. `on_ready` is called when they are for the first time.
    pub(crate) async fn run(&self, on_ready: impl FnOnce() + Send) {
        let (mut client, mut insights) = (self.client.clone(), self.admission.insights.clone());
        let mut on_ready = Some(on_ready);
        let mut failures = 0;
        loop {
            let present = client.borrow_and_update().clone();
            let known = insights.borrow_and_update().clone();
            let mut pause = None;
            if let (Some(present), Some(known)) = (present, known) {
                match self.write(self.wanted(&known, &present, false)).await {
                    Ok(()) => {
                        failures = 0;
                        if let Some(on_ready) = on_ready.take() {
                            on_ready();
                        }
                    }
                    Err(()) => {
                        pause = Some(Duration::from_secs(PAUSES[failures]));
                        failures = (failures + 1).min(PAUSES.len() - 1);
                    }
                }
            }
            let again = async {
                match pause {
                    Some(pause) => sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            // The senders live as long as the operator.
            tokio::select! {
                Ok(()) = client.changed() => {}
                Ok(()) = insights.changed() => {}
                () = again => {}
            }
        }
    }

    /// Takes back everything but what is persistent: the operator ends.
    pub(crate) async fn withdraw(&self) {
        let known = self.admission.insights.borrow().clone();
        let present = self.client.borrow().clone();
        if let (Some(present), Some(known)) = (present, known) {
            let wanted = self.wanted(&known, &present, true);
            let is_written = |document: &Document| {
                let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
                written.contains_key(&document.key())
            };
            let wanted = wanted.into_iter().filter(is_written).collect();
            info!("taking back the webhooks of {}", self.name);
            // It has told why it could not; there is nobody to try again.
            let _ = self.write(wanted).await;
        }
    }

    /// All that is to be applied.
    fn wanted(
        &self,
        insights: &Insights,
        client: &ClientConfig,
        is_only_persistent: bool,
    ) -> Vec<Document> {
        let mut documents = Vec::new();
        for review in REVIEWS {
            let handlers = of_review(&self.admission.handlers, review, is_only_persistent);
            let webhooks = webhooks(handlers, insights, &self.name, client);
            let (plural, kind) = match review {
                Review::Validating => (
                    "validatingwebhookconfigurations",
                    "ValidatingWebhookConfiguration",
                ),
                Review::Mutating => (
                    "mutatingwebhookconfigurations",
                    "MutatingWebhookConfiguration",
                ),
            };
            documents.push(Document {
                resource: resource("admissionregistration.k8s.io", plural, kind),
                name: self.name.clone(),
                content: json!({"webhooks": webhooks}),
            });
        }
        // Objects that are stored in other versions can be read by nobody without: these stay.
        for name in self.admission.converted_definitions(&insights.resources) {
            let conversion = conversion(client, &name);
            documents.push(Document {
                resource: resource(
                    "apiextensions.k8s.io",
                    "customresourcedefinitions",
                    "CustomResourceDefinition",
                ),
                name,
                content: json!({"spec": {"conversion": conversion}}),
            });
        }
        documents
    }

    /// Applies what is not as it was written last.
    async fn write(&self, documents: Vec<Document>) -> Result<(), ()> {
        let mut result = Ok(());
        for document in documents {
            let key = document.key();
            let is_same = {
                let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
                written.get(&key) == Some(&document.content)
            };
            if is_same {
                continue;
            }
            match self.apply(&document).await {
                Ok(()) => {
                    debug!("{key} asks this operator as its handlers want");
                    let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
                    written.insert(key, document.content);
                }
                Err(error) if error.failure() == Failure::Forbidden => {
                    error!(
                        "{key} may not be written, so the API server does not ask this operator: grant get, create \
                         and patch on {} to it: {error}",
                        document.resource.plural
                    );
                    result = Err(());
                }
                Err(error) => {
                    warn!("{key} could not be written, next attempt soon: {error}");
                    result = Err(());
                }
            }
        }
        result
    }

    async fn apply(&self, document: &Document) -> Result<(), ApiError> {
        let target = Target {
            resource: &document.resource,
            namespace: None,
            name: &document.name,
        };
        let is_empty = document.content["webhooks"]
            .as_array()
            .is_some_and(Vec::is_empty);
        // What is not needed is not made, but an earlier program may have left something in it.
        if is_empty && !self.owns(target).await? {
            return Ok(());
        }
        let mut object = document.content.clone();
        object["apiVersion"] = document.resource.api_version().into();
        object["kind"] = document.resource.kind.clone().into();
        object["metadata"] = json!({"name": document.name});
        self.connection.apply(target, OWNER, &object).await?;
        Ok(())
    }

    /// Whether something of ours is in an object.
    async fn owns(&self, target: Target<'_>) -> Result<bool, ApiError> {
        match self.connection.get(target).await {
            Ok(object) => {
                let owners = object["metadata"]["managedFields"].as_array();
                let mut owners = owners.into_iter().flatten();
                Ok(owners.any(|owner| owner["manager"] == OWNER))
            }
            Err(error) if error.failure() == Failure::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Document {
    fn key(&self) -> String {
        format!("{} {}", self.resource.kind, self.name)
    }
}

fn resource(group: &str, plural: &str, kind: &str) -> Resource {
    Resource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        kind: kind.to_owned(),
        ..Resource::default()
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
