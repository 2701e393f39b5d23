//! The webhooks of an operator: opened before it works, taken back when it stops, closed after that.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, info, warn};

use super::error::OperatorError;
use crate::api::Connection;
use crate::engine::admission::{Admission, Endpoint, Manager, Surroundings};
use crate::health::{Health, WEBHOOKS};
use crate::reactor::Context;
use crate::registry::Registry;
use crate::settings::WebhookServer;

/// How long taking webhooks back may take.
const WITHDRAWAL: Duration = Duration::from_secs(5);
/// How long what is being written when the operator is told to stop may take: cut off, it could be read by the API server
/// after it was taken back.
const LAST_WRITE: Duration = Duration::from_secs(1);
const NO_URL: &str = "API servers ask by TLS only: with settings.admission.server.insecure, set url to what is in front of \
                      the operator, such as the end of a tunnel, or leave settings.admission.managed out";
/// How long what is under way may take when the endpoint closes.
const CLOSING: Duration = Duration::from_secs(3);

/// How webhooks get to the API: not held up by what waits for the API server, as that may wait for them.
pub(super) struct Way {
    pub(super) connection: Connection,
    /// What handlers get.
    pub(super) client: kube::Client,
    /// Where the API is, if it is reached over a network.
    pub(super) api: Option<http::Uri>,
}

/// The webhooks of a running operator.
#[derive(Debug)]
pub(super) struct Webhooks {
    manager: Option<Arc<Manager>>,
    managing: Option<AbortOnDropHandle<()>>,
    serving: AbortOnDropHandle<()>,
    stop: CancellationToken,
    /// Others may be asked by the same configurations.
    is_shared: bool,
    /// How long questions may come after they have been withdrawn, and until when.
    delay: Duration,
    open_until: Instant,
}

/// Opens the endpoint, if handlers need one. It serves as soon as it is known what the API serves. `on_ready` is called
/// when the API server knows where to ask.
///
/// # Errors
/// If there are handlers and no endpoint is set, or if it cannot be opened.
pub(super) async fn open(
    context: &Arc<Context>,
    registry: &Registry,
    way: Way,
    on_ready: impl FnOnce() + Send + 'static,
) -> Result<Option<Webhooks>, OperatorError> {
    let insights = context.insights.subscribe();
    let recalling = Arc::downgrade(context);
    let recall = Arc::new(move |resource: &_, uid: &str| recalling.upgrade()?.memos(resource, uid));
    let environment = Arc::new(context.environment.through(way.client));
    let Some(admission) = Admission::new(registry, environment, insights, recall) else {
        on_ready();
        return Ok(None);
    };
    let health = Health::clone(&context.environment.aspects.get_or_default());
    let gate = health.gate(WEBHOOKS);
    let settings = &context.settings.admission;
    let Some(server) = settings.server.clone() else {
        return Err(OperatorError::Admission(no_server(registry)));
    };
    let name = settings.managed.clone().map(check).transpose()?;
    if name.is_some() && server.insecure && server.url.is_none() {
        return Err(OperatorError::Admission(NO_URL.to_owned()));
    }
    let is_behind_service = server.service.is_some();
    let delay = settings.closing_delay;
    let is_shared = is_shared(&server) || context.settings.leader_election.enabled;
    let surroundings = Surroundings {
        connection: way.connection.clone(),
        clock: context.environment.clock,
        api: way.api,
    };
    let endpoint = Endpoint::open(server, &surroundings).await;
    let endpoint = endpoint.map_err(|error| OperatorError::Admission(error.to_string()))?;
    let manager = name.map(|name| {
        let client = endpoint.client();
        Arc::new(Manager::new(
            admission.clone(),
            way.connection,
            name,
            client,
        ))
    });
    let managing = if let Some(manager) = manager.clone() {
        let managing = async move { manager.run(on_ready).await };
        Some(AbortOnDropHandle::new(tokio::spawn(
            managing.in_current_span(),
        )))
    } else {
        on_ready();
        None
    };
    let stop = CancellationToken::new();
    // The API server may need answers before it lists what others wait for.
    let serving = endpoint.serve(admission, surroundings, (gate, stop.clone()));
    Ok(Some(Webhooks {
        manager,
        managing,
        serving: AbortOnDropHandle::new(tokio::spawn(serving.in_current_span())),
        stop,
        is_shared,
        delay: if is_behind_service {
            delay
        } else {
            Duration::ZERO
        },
        open_until: Instant::now(),
    }))
}

impl Webhooks {
    /// Tells the API server not to ask any more, but for what is persistent. What it asks until then is answered. With
    /// replicas, all is persistent: who stays is to be asked on.
    pub(super) async fn withdraw(&mut self) {
        self.open_until = Instant::now() + self.delay;
        if let (Some(manager), Some(mut managing)) = (&self.manager, self.managing.take()) {
            manager.end();
            if timeout(LAST_WRITE, &mut managing).await.is_err() {
                managing.abort();
                // It was aborted: there is nothing else to learn from it.
                let _ = managing.await;
            }
        }
        if self.is_shared {
            info!("the webhooks stay, as other replicas may answer");
            return;
        }
        if let Some(manager) = &self.manager
            && timeout(WITHDRAWAL, manager.withdraw()).await.is_err()
        {
            warn!("the webhooks could not be taken back within {WITHDRAWAL:?}");
        }
    }

    /// Ends the endpoint when no questions are to be expected any more, or somebody is in a hurry; what is under way may
    /// finish.
    pub(super) async fn close(self, hurry: impl Future<Output = ()>) {
        tokio::select! {
            () = sleep_until(self.open_until) => {}
            () = hurry => {}
        }
        self.stop.cancel();
        // After that it is cut.
        let _ = timeout(CLOSING, self.serving).await;
    }
}

/// Calls a function when both of what is given have been called.
pub(super) fn both(
    function: impl FnOnce() + Send + 'static,
) -> (
    impl FnOnce() + Send + 'static,
    impl FnOnce() + Send + 'static,
) {
    // Whoever comes second finds that the other has been there.
    let function: Box<dyn FnOnce() + Send> = Box::new(function);
    let waiting = Arc::new(Mutex::new((false, Some(function))));
    let one = |waiting: Arc<Mutex<Waiting>>| {
        move || {
            let function = {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let is_second = std::mem::replace(&mut waiting.0, true);
                waiting.1.take_if(|_| is_second)
            };
            if let Some(function) = function {
                function();
            }
        }
    };
    (one(waiting.clone()), one(waiting))
}

/// Whether one has been there, and what is to be done.
type Waiting = (bool, Option<Box<dyn FnOnce() + Send>>);

fn no_server(registry: &Registry) -> String {
    let mut admission = registry.admission().iter().map(|handler| &handler.id);
    let mut conversions = registry.conversions().iter().map(|handler| &handler.id);
    let id = admission.next().or_else(|| conversions.next());
    let id = id.map_or("", String::as_str);
    format!(
        "the handler {id:?} is asked by webhooks, but nothing says where they are served; in a startup handler, set \
         settings.admission.server = Some(WebhookServer::new()), and \
         settings.admission.managed = Some(\"demo.example.com\".into()) for the API server to be told"
    )
}

/// Whether other replicas may be asked in place of this one: they are behind one Service, or show the same certificates.
fn is_shared(server: &WebhookServer) -> bool {
    server.service.is_some() || server.secret.is_some()
}

/// The name of a configuration becomes the end of the names of its webhooks, which are domain names of three parts.
fn check(name: String) -> Result<String, OperatorError> {
    let is_part = |part: &str| {
        let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !part.is_empty()
            && part.chars().all(is_inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if name.contains('.') && name.split('.').all(is_part) {
        return Ok(name);
    }
    Err(OperatorError::Admission(format!(
        "settings.admission.managed is {name:?}, which is no domain name of at least two parts; write \
         \"demo.example.com\""
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_have_domain_names() {
        for name in ["demo.example.com", "a.b", "1.x-y"] {
            assert!(check(name.to_owned()).is_ok(), "{name}");
        }
        for name in ["demo", "", "A.b", "a..b", "a.b.", "-a.b", "a_b.c"] {
            let error = check(name.to_owned()).unwrap_err().to_string();
            assert!(error.contains("settings.admission.managed"), "{error}");
        }
    }

    #[test]
    fn it_is_time_when_it_was_said_twice() {
        let (said, heard) = std::sync::mpsc::channel();
        let (first, second) = both(move || said.send(()).unwrap());
        second();
        assert!(heard.try_recv().is_err());
        first();
        assert!(heard.try_recv().is_ok());
    }
}
