//! Probes: what the users' own functions tell of the operator's health, for whoever asks.
//!
//! They are called when somebody asks, and not again for a while. One that takes long keeps nobody: it
//! goes on, and is told as failed until it has ended. None is called twice at once.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::action::{Call, attempt_with};
use crate::cause::{Activity, ActivityCause, Reason};
use crate::handler::{Environment, ErrorsMode, Handler, Memos};
use crate::storage::Record;

/// What the log calls probes.
pub(crate) const ROLE: &str = "probe";

/// What probes have told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// By the ids of the probes. Of one that has failed: `{"error": …}`.
    pub(crate) results: Map<String, Value>,
    pub(crate) has_failed: bool,
}

/// Asks the probes.
pub(crate) struct Probing {
    environment: Arc<Environment>,
    memos: Memos,
    state: Mutex<State>,
}

struct State {
    probes: Vec<Probe>,
    told: Option<(Instant, Told)>,
}

struct Probe {
    handler: Arc<Handler<ActivityCause>>,
    /// A call that had not ended when it was told of.
    running: Option<AbortOnDropHandle<Verdict>>,
}

type Verdict = Result<Value, String>;

impl Probing {
    pub(crate) fn new(
        handlers: &[Arc<Handler<ActivityCause>>],
        memos: Memos,
        environment: Arc<Environment>,
    ) -> Self {
        let probes = handlers.iter().filter(|h| h.rule == Activity::Probe);
        let probes = probes.cloned().map(|handler| Probe {
            handler,
            running: None,
        });
        let state = State {
            probes: probes.collect(),
            told: None,
        };
        Self {
            environment,
            memos,
            state: Mutex::new(state),
        }
    }

    /// What the probes tell; those who ask at once wait for the same calls.
    pub(crate) async fn ask(&self) -> Told {
        let settings = self.environment.settings.get().health.clone();
        let mut state = self.state.lock().await;
        if let Some((at, told)) = &state.told
            && at.elapsed() < settings.probe_max_age
        {
            return told.clone();
        }
        let limit = settings.probe_timeout;
        let verdicts = state.probes.iter_mut().map(|probe| self.call(probe, limit));
        let mut told = Told::default();
        for (id, verdict) in join_all(verdicts).await {
            told.has_failed |= verdict.is_err();
            let result = verdict.unwrap_or_else(|error| json!({"error": error}));
            told.results.insert(id, result);
        }
        state.told = Some((Instant::now(), told.clone()));
        told
    }

    async fn call(&self, probe: &mut Probe, limit: Duration) -> (String, Verdict) {
        let id = probe.handler.id.clone();
        let (memos, environment) = (self.memos.clone(), self.environment.clone());
        let handler = probe.handler.clone();
        let running = probe.running.get_or_insert_with(|| {
            let call = call(handler, memos, environment);
            AbortOnDropHandle::new(tokio::spawn(call.in_current_span()))
        });
        let Ok(ended) = timeout(limit, running).await else {
            return (id, Err(format!("not finished within {limit:?}")));
        };
        probe.running = None;
        let verdict = ended.unwrap_or_else(|error| Err(error.to_string()));
        (id, verdict)
    }
}

async fn call(
    handler: Arc<Handler<ActivityCause>>,
    memos: Memos,
    environment: Arc<Environment>,
) -> Verdict {
    let backoff = handler.options.backoff;
    let call = Call {
        handler,
        cause: ActivityCause::new(Activity::Probe),
        memos,
        role: ROLE,
        default_mode: ErrorsMode::Temporary,
        discreet_about: None,
    };
    let settings = environment.settings.get();
    let backoff = backoff.unwrap_or(settings.execution.default_backoff);
    let record = Record::new(Reason::Resume, environment.clock.now());
    let (record, outcome) = attempt_with(&call, (&record, backoff), &environment).await;
    match outcome {
        Ok(outcome) => Ok(outcome.result.unwrap_or_default()),
        // Errors that are to be ignored.
        Err(_) if record.success => Ok(Value::Null),
        Err(error) => Err(record.message.unwrap_or_else(|| error.to_string())),
    }
}

impl std::fmt::Debug for Probing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probing").finish_non_exhaustive()
    }
}
