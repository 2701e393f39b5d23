//! Setting up an operator for a test, and starting it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::oneshot;
use tracing::{Instrument as _, info_span};

use super::backend::{Gate, Ground};
use super::calls::Recorder;
use super::cluster::Cluster;
use super::handle::{End, OperatorHandle, OperatorState};
use crate::api::Credentials;
use crate::operator::{Operator, OperatorBuilder, OperatorError};
use crate::reactor::Observer;
use crate::registry::Registry;
use crate::settings::Settings;
#[cfg(feature = "admission")]
use crate::settings::WebhookServer;

/// An operator for a test: by default, of all handlers that the program declares, for the namespace of the test, with
/// the usual settings and all rights. It takes no part in peerings, whatever others there are in the cluster, unless
/// `settings.peering.standalone` is set back.
///
/// Login handlers are called, and all of [`login`](crate::api::login) leads to the cluster of the test; one that returns
/// credentials for another cluster ends the operator.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::testing::Cluster;
/// use kopfrs::{Registry, on};
///
/// #[kopfrs::test]
/// async fn a_failure_is_tried_again(cluster: Cluster) {
///     let fail = async || Err::<(), _>(std::io::Error::other("not today"));
///     let handlers = Registry::new().add(on::create::<ConfigMap>().id("fail").retries(3).run(fail));
///     let operator = cluster
///         .operator()
///         .handlers(handlers)
///         .settings(|settings| settings.execution.default_backoff = Duration::from_secs(1))
///         .start()
///         .await;
///     cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").await;
///     operator.until_settled().await;
///     assert_eq!(operator.calls().of("a").failed().len(), 3);
/// }
/// # a_failure_is_tried_again();
/// ```
#[derive(Clone, Debug)]
pub struct OperatorSetup {
    cluster: Cluster,
    handlers: Option<Registry>,
    settings: Box<Settings>,
    namespaces: Option<Vec<String>>,
    gate: Option<Gate>,
    token: Option<String>,
    is_logging_in: bool,
}

impl OperatorSetup {
    pub(super) fn new(cluster: &Cluster) -> Self {
        let mut settings = Box::<Settings>::default();
        // Whoever else is at work in a cluster that exists, tests are not to wait for.
        settings.peering.standalone = true;
        Self {
            cluster: cluster.clone(),
            handlers: None,
            settings,
            namespaces: Some(vec![cluster.namespace().to_owned()]),
            gate: None,
            token: None,
            is_logging_in: false,
        }
    }

    /// Sets the handlers: those of one module (`Registry::module(module_path!())`), or made by hand.
    pub fn handlers(mut self, handlers: Registry) -> Self {
        self.handlers = Some(handlers);
        self
    }

    /// Changes the settings that startup handlers begin with.
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Lets the API server ask the operator's handlers of reviews and conversions, on whatever the test runs: it serves
    /// webhooks on the loopback address, and keeps the configurations of a name that is the test's own. Whatever
    /// startup handlers set counts instead.
    ///
    /// # Examples
    /// ```
    /// use k8s_openapi::api::core::v1::ConfigMap;
    /// use kopfrs::handler::AdmissionError;
    /// use kopfrs::testing::Cluster;
    /// use kopfrs::{Registry, on};
    ///
    /// #[kopfrs::test]
    /// async fn nobody_makes_a_map(cluster: Cluster) {
    ///     let refuse = async || Err::<(), _>(AdmissionError::new("no maps today").code(422));
    ///     let handlers = Registry::new().add(on::validate::<ConfigMap>().id("refuse").run(refuse));
    ///     let operator = cluster.operator().handlers(handlers).webhooks().start().await;
    ///     let map = serde_json::from_value(serde_json::json!({"metadata": {"name": "a"}})).unwrap();
    ///     let maps = kube::Api::<ConfigMap>::namespaced(cluster.client(), cluster.namespace());
    ///     let refused = maps.create(&Default::default(), &map).await.unwrap_err();
    ///     assert!(refused.to_string().contains("no maps today"), "{refused}");
    ///     operator.stop().await;
    /// }
    /// # nobody_makes_a_map();
    /// ```
    #[cfg(feature = "admission")]
    pub fn webhooks(mut self) -> Self {
        let admission = &mut self.settings.admission;
        admission.server.get_or_insert_with(WebhookServer::new);
        let name = format!("{}.kopfrs.dev", self.cluster.namespace());
        admission.managed.get_or_insert(name);
        self
    }

    /// Sets the namespaces, by name or pattern, instead of the one of the test.
    pub fn namespaces(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.namespaces = Some(patterns.into_iter().map(Into::into).collect());
        self
    }

    /// Serves all namespaces. On clusters that tests share, the operator meets the objects of other tests.
    pub fn clusterwide(mut self) -> Self {
        self.namespaces = None;
        self
    }

    /// Lets the operator go a way on which things go wrong when told to.
    pub fn through(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Lets the operator have the rights of a token, such as one of a service account, instead of all.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Lets the operator use what its login handlers return, whatever cluster that is for. Without login handlers it
    /// gets to the cluster of the test all the same.
    pub fn by_login(mut self) -> Self {
        self.is_logging_in = true;
        self
    }

    /// Starts the operator, and goes on when it watches all objects that there are, and the API server asks its
    /// webhooks.
    ///
    /// # Panics
    /// If it does not get there.
    pub async fn start(self) -> OperatorHandle {
        let handle = self.launch().await;
        handle.until_ready().await;
        handle.until_heeded().await;
        handle
    }

    /// Starts the operator, and does not wait for it: for kinds that are to come, and for starts that fail.
    pub async fn launch(mut self) -> OperatorHandle {
        if self.gate.is_none() {
            self.gate = self.cluster.free_gate().await;
        }
        let observer = Observer::default();
        let calls = Recorder::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let state = self.cluster.add_operator(|number| {
            OperatorState::new(
                number,
                (calls.clone(), observer.clone()),
                self.cluster.capture(),
            )
        });
        let (ready, cluster) = (state.clone(), self.cluster.clone());
        let operator = self
            .builder(&calls)
            .observed_by(observer)
            .stop_when(async move { drop(stopped.await) })
            .cancel_when(std::future::pending())
            .on_ready(move |known| {
                let webhooks = known.settings.admission.managed.as_deref();
                cluster.leave_webhooks(webhooks);
                ready.is_ready(webhooks.is_some());
            })
            .build();
        let running = run(operator, state.clone());
        let span = info_span!(parent: None, "operator", operator = state.number());
        let task = tokio::spawn(running.instrument(span));
        OperatorHandle::new(self, state, (stop, task))
    }

    fn builder(&self, calls: &Recorder) -> OperatorBuilder {
        let handlers = self.handlers.clone().unwrap_or_else(Registry::collect);
        let builder = Operator::builder()
            .registry(calls.record(&handlers))
            .settings((*self.settings).clone());
        let namespaces = self.namespaces.iter().flatten();
        let builder = namespaces.fold(builder, OperatorBuilder::namespace);
        if self.is_logging_in {
            builder.credentials(self.credentials())
        } else {
            builder.confined_to(self.credentials())
        }
    }

    fn credentials(&self) -> Credentials {
        let token = self.token.as_deref();
        match (&self.gate, self.cluster.ground()) {
            (Some(gate), _) => match token {
                Some(token) => gate.credentials_with_token(token),
                None => gate.credentials(),
            },
            (None, Ground::Wire(wire)) => Credentials::new(wire.config(token)),
            (None, Ground::InProcess(_)) => Credentials::from_client(self.cluster.client()),
        }
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn gate(&self) -> Option<&Gate> {
        self.gate.as_ref()
    }

    /// The namespaces whose objects the test can tell to be the operator's.
    pub(super) fn own_namespaces(&self) -> Vec<String> {
        let own = vec![self.cluster.namespace().to_owned()];
        let is_plain = |name: &String| !name.contains(['*', '?', '!', ',']);
        match &self.namespaces {
            Some(names) if names.iter().all(is_plain) => names.clone(),
            Some(_) | None => own,
        }
    }
}

/// The task of an operator: whatever its end is, it is kept.
async fn run(operator: Result<Operator, OperatorError>, state: Arc<OperatorState>) {
    let operator = match operator {
        Ok(operator) => operator,
        Err(error) => return state.has_ended(End::Returned(Err(error))),
    };
    let end = match AssertUnwindSafe(operator.run()).catch_unwind().await {
        Ok(result) => End::Returned(result),
        Err(panic) => End::Panicked(said(&*panic)),
    };
    state.has_ended(end);
}

/// The text of a panic.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a text".to_owned())
}
