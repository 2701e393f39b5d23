//! One attempt of one handler: called, guarded against panics, logged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;
use tracing::{Instrument as _, debug, error, info, info_span, warn};

use super::outcome::{Limits, conclude, exhausted};
use crate::api::Common;
use crate::clock::elapsed;
use crate::events::{Telling, telling};
use crate::handler::{
    Attempt, Environment, ErrorKind, ErrorsMode, Family, Handler, HandlerError, Invocation, Memos,
    Options, Outcome, Subhandlers,
};
use crate::object::{Body, Secrets};
use crate::storage::Record;

/// A handler to be called, with what for.
#[derive(Debug)]
pub(crate) struct Call<C: Family> {
    pub(crate) handler: Arc<Handler<C>>,
    pub(crate) cause: C,
    pub(crate) memos: Memos,
    /// What the log calls it: `create handler`, `startup handler`.
    pub(crate) role: &'static str,
    pub(crate) default_mode: ErrorsMode,
    /// The object whose secrets are kept out of what is told of errors.
    pub(crate) discreet_about: Option<Body>,
}

/// Makes one attempt; gives the record after it, and what was returned if it went well.
pub(crate) async fn attempt<C: Family>(
    call: &Call<C>,
    record: &Record,
    environment: &Arc<Environment>,
) -> (Record, Option<Outcome>) {
    attempt_parted(call, record, environment, None).await
}

/// The same of a handler that may leave parts of its work to sub-handlers, which are called before it
/// counts as returned.
pub(crate) async fn attempt_parted<C: Family>(
    call: &Call<C>,
    record: &Record,
    environment: &Arc<Environment>,
    subhandlers: Option<&Subhandlers>,
) -> (Record, Option<Outcome>) {
    let default = environment.settings.get().execution.default_backoff;
    let backoff = call.handler.options.backoff.unwrap_or(default);
    let span = info_span!("handler", handler = %call.handler.id);
    let attempt = guarded(call, (record, backoff), environment, subhandlers);
    let (record, outcome) = attempt.instrument(span).await;
    (record, outcome.ok())
}

/// The same with a pause of its own after errors that do not say how long to wait; gives the error, too.
pub(crate) async fn attempt_with<C: Family>(
    call: &Call<C>,
    (record, backoff): (&Record, Duration),
    environment: &Arc<Environment>,
) -> (Record, Result<Outcome, HandlerError>) {
    let span = info_span!("handler", handler = %call.handler.id);
    guarded(call, (record, backoff), environment, None)
        .instrument(span)
        .await
}

async fn guarded<C: Family>(
    call: &Call<C>,
    (record, backoff): (&Record, Duration),
    environment: &Arc<Environment>,
    subhandlers: Option<&Subhandlers>,
) -> (Record, Result<Outcome, HandlerError>) {
    let limits = Limits {
        options: Options {
            backoff: Some(backoff),
            ..call.handler.options
        },
        default_mode: call.default_mode,
        default_backoff: backoff,
    };
    let now = environment.clock.now();
    if let Some(reason) = exhausted(&limits, record, now) {
        error!("{} {reason}", call.role);
        let error = HandlerError::new(ErrorKind::Permanent, &*reason);
        let message = Some(reason);
        let failed = Record {
            failure: true,
            stopped: Some(now),
            message,
            delayed: None,
            ..record.clone()
        };
        return (failed, Err(error));
    }
    debug!(attempt = record.retries + 1, "{} starts", call.role);
    let collective = subhandlers.and_then(Subhandlers::collective);
    let measured_as = collective.as_deref().unwrap_or(&call.handler.id);
    let measured = environment.metrics.handler(measured_as, call.role);
    let begun = Instant::now();
    let invocation = invocation(call, record, environment, now);
    let outcome = run(call, invocation.with_subhandlers(subhandlers.cloned())).await;
    let outcome = match subhandlers {
        Some(subhandlers) => finished(outcome, subhandlers).await,
        None => outcome,
    };
    let took = begun.elapsed();
    let now = environment.clock.now();
    let result = outcome.as_ref().map(|outcome| outcome.result.as_ref());
    let record = discreet(call, conclude(&limits, record, result, now));
    log(call, &record, outcome.as_ref().err(), now);
    if let Some(measured) = measured {
        measured.took.observe(took);
        let counter = match (record.failure, record.success) {
            (true, _) => &measured.failed,
            (false, true) => &measured.succeeded,
            (false, false) => &measured.retried,
        };
        counter.add();
    }
    (record, outcome)
}

/// Takes the secrets of the object out of what is told of an error.
fn discreet<C: Family>(call: &Call<C>, mut record: Record) -> Record {
    if let (Some(body), Some(message)) = (&call.discreet_about, &mut record.message) {
        *message = Secrets::default().mask(body.spec()).apply(message);
    }
    record
}

fn invocation<C: Family>(
    call: &Call<C>,
    record: &Record,
    environment: &Arc<Environment>,
    now: Timestamp,
) -> Invocation<C> {
    let attempt = Attempt::new(record.retries, record.started, elapsed(record.started, now));
    Invocation::new(
        call.cause.clone(),
        attempt,
        (call.handler.id.as_str().into(), call.handler.param.clone()),
        (call.memos.clone(), environment.clone()),
    )
}

async fn run<C: Family>(
    call: &Call<C>,
    invocation: Invocation<C>,
) -> Result<Outcome, HandlerError> {
    let function = call.handler.call.clone();
    let wanted = told(call, &invocation.environment);
    let guarded = AssertUnwindSafe(async move { function(Arc::new(invocation)).await });
    telling(wanted, guarded.catch_unwind())
        .await
        .unwrap_or_else(|panic| Err(HandlerError::of_panic(&*panic)))
}

/// Whether what the handler logs is told of its object.
fn told<C: Family>(call: &Call<C>, environment: &Environment) -> Option<Telling> {
    let settings = environment.settings.get();
    let posting = &settings.posting;
    let object = call.cause.about();
    let object = object.filter(|_| posting.enabled && posting.loggers)?;
    let shared = environment.aspects.get_or_default::<Common>();
    Some(Telling::from(object).by(&call.handler.id, posting.level, shared))
}

/// A handler that has returned is finished when its sub-handlers are. One that has failed calls none.
async fn finished(
    outcome: Result<Outcome, HandlerError>,
    subhandlers: &Subhandlers,
) -> Result<Outcome, HandlerError> {
    let outcome = outcome?;
    subhandlers.finish().await?;
    Ok(outcome)
}

fn log<C: Family>(call: &Call<C>, record: &Record, error: Option<&HandlerError>, now: Timestamp) {
    let (role, attempt) = (call.role, record.retries);
    let message = record.message.as_deref().unwrap_or_default();
    match (error.is_some(), record.failure, record.delayed) {
        _ if record.is_misfit => error!("{role} cannot be called: {message}"),
        // Somebody asks for it each few seconds.
        (false, ..) if role == "probe" => debug!("{role} succeeded"),
        (false, ..) if C::IS_QUIET => debug!("{role} succeeded"),
        (false, ..) => info!("{role} succeeded"),
        (true, false, Some(_)) if error.is_some_and(HandlerError::is_unfinished) => {
            debug!(attempt, "{role} waits for its sub-handlers");
        }
        (true, true, _) => error!(attempt, "{role} failed for good: {message}"),
        (true, false, Some(due)) => {
            let delay = rounded(elapsed(now, due));
            warn!(
                attempt,
                "{role} failed, next attempt in {delay:?}: {message}"
            );
        }
        (true, false, None) => warn!(attempt, "{role} failed, ignored: {message}"),
    }
}

/// A duration as people want to read it: no more than milliseconds.
fn rounded(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
