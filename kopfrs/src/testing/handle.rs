//! An operator that runs in a test: awaited, looked at, stopped, killed.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::LocalBoxFuture;
use kopfrs_sandbox::fault::Faults;
use kopfrs_sandbox::{Journal, Requests};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

mod ending;

use super::backend::{Gate, Ground};
use super::calls::{Call, Calls, Recorder};
use super::cluster::Cluster;
use super::heed::until_heeded;
use super::log::{Capture, Log};
use super::operator::OperatorSetup;
use super::waiting::Waiting;
use crate::operator::OperatorError;
use crate::reactor::Observer;

/// What is known of an operator, however it is doing.
#[derive(Debug)]
pub(super) struct OperatorState {
    number: u64,
    calls: Recorder,
    observer: Observer,
    /// What was said before is not its own.
    log_from: usize,
    is_ready: AtomicBool,
    /// It has told the API server to ask it.
    has_webhooks: AtomicBool,
    /// Somebody has stopped it, or has asked how it has ended.
    is_end_expected: AtomicBool,
    end: Mutex<Option<End>>,
}

/// How an operator has ended.
#[derive(Debug)]
pub(super) enum End {
    Returned(Result<(), OperatorError>),
    Panicked(String),
    Killed,
    /// In a way that the test has asked for.
    Told,
}

impl OperatorState {
    pub(super) fn new(
        number: u64,
        (calls, observer): (Recorder, Observer),
        capture: &Capture,
    ) -> Self {
        Self {
            number,
            calls,
            observer,
            log_from: capture.len(),
            is_ready: AtomicBool::new(false),
            has_webhooks: AtomicBool::new(false),
            is_end_expected: AtomicBool::new(false),
            end: Mutex::default(),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn is_ready(&self, has_webhooks: bool) {
        self.has_webhooks.store(has_webhooks, Ordering::Release);
        self.is_ready.store(true, Ordering::Release);
    }

    fn end(&self) -> MutexGuard<'_, Option<End>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first end counts.
    pub(super) fn has_ended(&self, end: End) {
        self.end().get_or_insert(end);
    }

    pub(super) fn calls(&self) -> Calls {
        self.calls.so_far()
    }

    pub(super) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// What it is about, in words.
    pub(super) fn doing(&self) -> String {
        match &*self.end() {
            Some(End::Returned(Ok(()))) => "has ended well".to_owned(),
            Some(End::Returned(Err(error))) => format!("has ended with an error: {error}"),
            Some(End::Panicked(text)) => format!("has panicked: {text}"),
            Some(End::Killed) => "was killed".to_owned(),
            Some(End::Told) => "has ended".to_owned(),
            None if self.is_ready.load(Ordering::Acquire) => "is running".to_owned(),
            None => "is starting: it does not watch everything yet".to_owned(),
        }
    }

    /// What is to be said if it has ended by itself, and nobody has expected that.
    pub(super) fn unexpected_end(&self) -> Option<String> {
        let is_expected = self.is_end_expected.load(Ordering::Acquire);
        let has_ended = self.end().is_some() && !is_expected;
        has_ended.then(|| format!("operator {} {}", self.number, self.doing()))
    }
}

/// An operator that runs in a test. Dropped, or at the end of the test, it is killed.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::testing::Cluster;
/// use kopfrs::{Registry, on};
///
/// #[kopfrs::test]
/// async fn what_was_handled_is_remembered(cluster: Cluster) {
///     let handlers = Registry::new().add(on::create::<ConfigMap>().id("create").run(async || {}));
///     let operator = cluster.operator().handlers(handlers).start().await;
///     cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").await;
///     operator.until_succeeded("create").await;
///     operator.until_settled().await;
///
///     operator.kill().await;
///     let operator = operator.start_again().await;
///     operator.until_settled().await;
///     assert!(operator.calls().is_empty());
///     assert!(operator.writes().is_empty());
/// }
/// # what_was_handled_is_remembered();
/// ```
pub struct OperatorHandle {
    setup: OperatorSetup,
    state: Arc<OperatorState>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    task: tokio::sync::Mutex<JoinHandle<()>>,
    abort: tokio::task::AbortHandle,
    /// Where its requests begin in the journal, which it may share with others before it.
    journal_from: Option<kopfrs_sandbox::Mark>,
}

impl OperatorHandle {
    pub(super) fn new(
        setup: OperatorSetup,
        state: Arc<OperatorState>,
        (stop, task): (oneshot::Sender<()>, JoinHandle<()>),
    ) -> Self {
        Self {
            journal_from: setup.gate().map(|gate| gate.journal().mark()),
            setup,
            state,
            stop: Mutex::new(Some(stop)),
            abort: task.abort_handle(),
            task: tokio::sync::Mutex::new(task),
        }
    }

    fn cluster(&self) -> &Cluster {
        self.setup.cluster()
    }

    /// Waits for something that its state shows.
    fn until_state<'a, T: 'a>(
        &self,
        what: String,
        look: impl Fn(&OperatorState) -> Option<T> + Clone + 'a,
    ) -> Waiting<'a, T> {
        let state = self.state.clone();
        Waiting::new(
            self.cluster(),
            what,
            move || -> LocalBoxFuture<'a, Option<T>> {
                let (state, look) = (state.clone(), look.clone());
                Box::pin(async move { look(&state) })
            },
        )
    }

    /// Waits until it watches all objects that there are.
    pub fn until_ready(&self) -> Waiting<'static, ()> {
        let what = format!("operator {} to get ready", self.state.number);
        let is_ready = |state: &OperatorState| state.is_ready.load(Ordering::Acquire).then_some(());
        self.until_state(what, is_ready)
    }

    /// Waits until the API server asks its webhooks, if it has any.
    pub(super) async fn until_heeded(&self) {
        let cluster = self.setup.cluster();
        // The sandbox in the same process asks at once.
        if self.state.has_webhooks.load(Ordering::Acquire)
            && matches!(cluster.ground(), Ground::Wire(_))
        {
            until_heeded(cluster, self.state.number).await;
        }
    }

    /// Waits until a handler has been called, whatever comes of it; gives the first call.
    pub fn until_called(&self, handler: &str) -> Waiting<'static, Call> {
        let id = handler.to_owned();
        self.until_state(format!("a call of {handler}"), move |state| {
            state.calls().handler(&id).first().cloned()
        })
    }

    /// Waits until a handler has succeeded; gives the first call that has.
    pub fn until_succeeded(&self, handler: &str) -> Waiting<'static, Call> {
        let id = handler.to_owned();
        self.until_state(format!("{handler} to succeed"), move |state| {
            state.calls().handler(&id).succeeded().first().cloned()
        })
    }

    /// Waits until the calls are as they should be; gives them.
    pub fn until_calls<'a>(
        &self,
        what: &str,
        are_so: impl Fn(&Calls) -> bool + Clone + 'a,
    ) -> Waiting<'a, Calls> {
        self.until_state(format!("calls: {what}"), move |state| {
            Some(state.calls()).filter(|calls| are_so(calls))
        })
    }

    /// Waits until a line of its log contains a text.
    pub fn until_said(&self, text: &str) -> Waiting<'static, ()> {
        self.until_said_times(text, 1)
    }

    /// Waits until so many lines of its log contain a text.
    pub fn until_said_times(&self, text: &str, count: usize) -> Waiting<'static, ()> {
        let (capture, text) = (self.cluster().capture().clone(), text.to_owned());
        let what = format!("the log to say {text:?} ({count} times)");
        self.until_state(what, move |state| {
            let log = capture.log_of(state.number, state.log_from);
            (log.count(&text) >= count).then_some(())
        })
    }

    /// Waits until all objects that it is for have been seen as they are now, and nothing is to be done for any of them:
    /// no handler runs, none waits to be tried again. Then it is certain that something has not happened.
    ///
    /// On clusters that tests share, an operator for all namespaces is awaited for the namespace of the test.
    pub fn until_settled(&self) -> Waiting<'static, ()> {
        let (state, setup) = (self.state.clone(), self.setup.clone());
        let what = format!(
            "operator {} to have done all there is to do",
            self.state.number
        );
        Waiting::new(
            self.cluster(),
            what,
            move || -> LocalBoxFuture<'static, Option<()>> {
                let (state, setup) = (state.clone(), setup.clone());
                Box::pin(async move { is_settled(&state, &setup).await.then_some(()) })
            },
        )
    }

    /// The calls of its handlers so far.
    pub fn calls(&self) -> Calls {
        self.state.calls()
    }

    /// What it has said so far; also what tasks of its handlers' own have said, of which nobody knows whose they are.
    pub fn log(&self) -> Log {
        let capture = self.cluster().capture();
        capture.log_of(self.state.number, self.state.log_from)
    }

    fn gate(&self) -> &Gate {
        self.setup.gate().unwrap_or_else(|| {
            panic!(
                "on {} the requests of an operator are known only if it goes through a gate: \
                 cluster.operator().through(&cluster.gate().await)",
                self.cluster().backend()
            )
        })
    }

    /// The journal of its requests, and of those of other operators behind the same [`Gate`].
    ///
    /// # Panics
    /// On envtest and existing clusters, without a gate.
    pub fn journal(&self) -> Journal {
        self.gate().journal()
    }

    /// Its writes so far.
    ///
    /// # Panics
    /// On envtest and existing clusters, without a gate.
    pub fn writes(&self) -> Requests {
        let journal = self.journal();
        match self.journal_from {
            Some(mark) => journal.since(mark).writes(),
            None => journal.writes(),
        }
    }

    /// What can be made to go wrong for it.
    ///
    /// # Panics
    /// On envtest and existing clusters, without a gate.
    pub fn faults(&self) -> Faults {
        self.gate().faults()
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.state.end().is_none()
    }
}

impl Drop for OperatorHandle {
    fn drop(&mut self) {
        if self.is_running() {
            self.expect_end();
            self.abort.abort();
            self.state.has_ended(End::Killed);
        }
    }
}

async fn is_settled(state: &OperatorState, setup: &OperatorSetup) -> bool {
    let observer = &state.observer;
    if !state.is_ready.load(Ordering::Acquire) || !observer.pending().is_empty() {
        return false;
    }
    let rest = setup.cluster().rest();
    let namespaces = setup.own_namespaces();
    for resource in observer.served() {
        for namespace in &namespaces {
            let path = resource.path(Some(namespace), None);
            let Ok(Some(list)) = rest.get(&path).await else {
                return false;
            };
            let items = list["items"].as_array().into_iter().flatten();
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let objects = items.map(|item| {
                let meta = &item["metadata"];
                (text(&meta["uid"]), text(&meta["resourceVersion"]))
            });
            if !observer.has_seen(&resource, &objects.collect::<Vec<_>>()) {
                return false;
            }
        }
    }
    observer.pending().is_empty()
}

impl fmt::Debug for OperatorHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorHandle")
            .field("number", &self.state.number)
            .field("doing", &self.state.doing())
            .finish_non_exhaustive()
    }
}
