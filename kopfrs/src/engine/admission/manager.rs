//! Keeps the webhook configurations up to date: what the API server asks, and where.
//!
//! By server-side apply under a name of our own: what others have put into the same configurations stays as it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::Admission;
use super::configuration::{ClientConfig, conversion, of_review, webhooks};
use super::document::{DEFINITIONS, Document, DocumentKind, MUTATING, VALIDATING};
use crate::api::{ApiError, Connection, Failure, Target};
use crate::chance;
use crate::engine::insights::Insights;
use crate::handler::Review;

/// Who owns what is written here.
const OWNER: &str = "kopfrs-admission";
const REVIEWS: [Review; 2] = [Review::Validating, Review::Mutating];
/// The pauses between attempts that fail.
const PAUSES: [u64; 6] = [1, 2, 3, 5, 10, 30];
/// The first pause and the longest one between attempts to take webhooks back: there is not much time left for it.
const LAST_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// After how long everything is applied again, whatever was applied before: others may have removed or changed it. As
/// long again is added at random, so that replicas take turns.
const REFRESH: Duration = Duration::from_secs(60);

/// Keeps the webhook configurations up to date.
pub(crate) struct Manager {
    admission: Arc<Admission>,
    connection: Connection,
    /// What the configurations are called.
    name: String,
    client: watch::Receiver<Option<ClientConfig>>,
    /// What was written last, by what it was written into; `None` for what may be there or not.
    written: Mutex<HashMap<String, Option<Value>>>,
    end: CancellationToken,
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
            end: CancellationToken::new(),
        }
    }

    /// Lets [`run`](Self::run) end as soon as it writes nothing.
    pub(crate) fn end(&self) {
        self.end.cancel();
    }

    /// Keeps configurations up to date until it is to end. `on_ready` is called when they are for the first time.
    pub(crate) async fn run(&self, on_ready: impl FnOnce() + Send) {
        let (mut client, mut insights) = (self.client.clone(), self.admission.insights.clone());
        let mut on_ready = Some(on_ready);
        let mut failures = 0;
        let mut refreshed_at = refresh();
        let mut definitions = 0;
        loop {
            let present = client.borrow_and_update().clone();
            let known = insights.borrow_and_update().clone();
            let mut pause = None;
            if let (Some(present), Some(known)) = (present, known) {
                if std::mem::replace(&mut definitions, known.changes) != known.changes {
                    self.doubt(&DEFINITIONS);
                }
                let wanted = self.wanted(&known, &present, false);
                self.forget_all_but(&wanted);
                match self.write(&wanted).await {
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
                () = self.end.cancelled() => return,
                () = sleep_until(refreshed_at) => {
                    for kind in [&DEFINITIONS, &VALIDATING, &MUTATING] {
                        self.doubt(kind);
                    }
                    refreshed_at = refresh();
                }
            }
        }
    }

    /// Takes back everything but what is persistent, as often as it takes: the operator ends, and nobody would answer.
    pub(crate) async fn withdraw(&self) {
        let known = self.admission.insights.borrow().clone();
        let present = self.client.borrow().clone();
        if let (Some(present), Some(known)) = (present, known) {
            let wanted = self.wanted(&known, &present, true);
            let is_written = |document: &Document| self.written().contains_key(&document.key());
            let wanted: Vec<Document> = wanted.into_iter().filter(is_written).collect();
            info!("taking back the webhooks of {}", self.name);
            let (mut pause, longest) = LAST_PAUSES;
            while self.write(&wanted).await.is_err() {
                sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
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
            let kind = match review {
                Review::Validating => &VALIDATING,
                Review::Mutating => &MUTATING,
            };
            documents.push(Document {
                kind,
                name: self.name.clone(),
                content: json!({"webhooks": webhooks}),
            });
        }
        // Objects that are stored in other versions can be read by nobody without: these stay.
        for name in self.admission.converted_definitions(&insights.resources) {
            let conversion = conversion(client, &name);
            documents.push(Document {
                kind: &DEFINITIONS,
                name,
                content: json!({"spec": {"conversion": conversion}}),
            });
        }
        documents
    }

    fn written(&self) -> MutexGuard<'_, HashMap<String, Option<Value>>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wanted no more may come again, and is written again then.
    fn forget_all_but(&self, wanted: &[Document]) {
        let keys: Vec<String> = wanted.iter().map(Document::key).collect();
        self.written().retain(|key, _| keys.contains(key));
    }

    /// What was written of a kind may not be there any more.
    fn doubt(&self, kind: &DocumentKind) {
        let is_meant = |key: &str| key.split(' ').next() == Some(kind.name);
        let mut written = self.written();
        for (_, content) in written.iter_mut().filter(|(key, _)| is_meant(key)) {
            *content = None;
        }
    }

    /// Applies what is not as it was written last.
    async fn write(&self, documents: &[Document]) -> Result<(), ()> {
        let mut result = Ok(());
        for document in documents {
            let key = document.key();
            if self.written().get(&key) == Some(&Some(document.content.clone())) {
                continue;
            }
            // Whatever becomes of it: from now on it may be there.
            self.written().insert(key.clone(), None);
            match self.apply(document).await {
                Ok(()) => {
                    debug!("{key} asks this operator as its handlers want");
                    self.written().insert(key, Some(document.content.clone()));
                }
                Err(error) if error.failure() == Failure::Forbidden => {
                    error!(
                        "{key} may not be written, so the API server does not ask this operator: grant get, create \
                         and patch on {} to it: {error}",
                        document.kind.plural
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
        let resource = document.kind.resource();
        let target = Target {
            resource: &resource,
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
        object["apiVersion"] = resource.api_version().into();
        object["kind"] = resource.kind.clone().into();
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

/// When everything is to be applied again.
fn refresh() -> Instant {
    Instant::now() + REFRESH.mul_f64(1.0 + chance::fraction())
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::{Method, Request, Response};
    use kube::client::Body;

    use super::*;
    use crate::clock::Clock;
    use crate::handler::Environment;
    use crate::settings::{NetworkingSettings, Settings, SettingsHandle};
    use crate::{Registry, on};

    /// A manager, and how often it has applied something to an API server that takes everything.
    fn manager() -> (Manager, Arc<AtomicUsize>) {
        let applied = Arc::new(AtomicUsize::new(0));
        let counted = applied.clone();
        let server = tower::service_fn(move |request: Request<Body>| {
            counted.fetch_add(
                usize::from(request.method() == Method::PATCH),
                Ordering::Relaxed,
            );
            std::future::ready(Ok::<_, std::io::Error>(Response::new(Body::from(
                b"{}".to_vec(),
            ))))
        });
        let connection = Connection::new(
            kube::Client::new(server, "default"),
            NetworkingSettings::default(),
        );
        let settings = SettingsHandle::new(Settings::default());
        let environment = Arc::new(Environment::new(Clock::start(), settings));
        let handler = on::validate::<k8s_openapi::api::core::v1::Pod>().run(async || {});
        let registry = Registry::new().add(handler);
        let (_, insights) = watch::channel(None);
        let recall = Arc::new(|_: &_, _: &str| None);
        let admission = Admission::new(&registry, environment, insights, recall).unwrap();
        let (_, client) = watch::channel(None);
        (
            Manager::new(admission, connection, "a.b".to_owned(), client),
            applied,
        )
    }

    fn documents() -> Vec<Document> {
        vec![Document {
            kind: &DEFINITIONS,
            name: "demos.example.com".to_owned(),
            content: json!({"spec": {"conversion": {"strategy": "Webhook"}}}),
        }]
    }

    #[tokio::test]
    async fn what_has_gone_and_come_again_is_written_again() {
        let (manager, applied) = manager();
        let wanted = documents();
        for (wanted, expected) in [(&*wanted, 1), (&wanted, 1), (&[], 1), (&wanted, 2)] {
            manager.forget_all_but(wanted);
            manager.write(wanted).await.unwrap();
            assert_eq!(applied.load(Ordering::Relaxed), expected);
        }
    }

    #[tokio::test]
    async fn what_others_may_have_changed_is_written_again() {
        let (manager, applied) = manager();
        for (doubted, expected) in [(&VALIDATING, 1), (&MUTATING, 1), (&DEFINITIONS, 2)] {
            manager.doubt(doubted);
            manager.write(&documents()).await.unwrap();
            assert_eq!(applied.load(Ordering::Relaxed), expected);
        }
    }
}
