//! A small server of the operator's own, for those who look after it: whether it lives, whether it is
//! ready, what its probes tell, and what it has measured.
//!
//! It serves from before the startup handlers until after the cleanup handlers. What it tells it reads when it is
//! asked; nobody has to report to it. `async` handlers that block all threads keep it from answering: the operator is
//! taken for dead then, which it is.

mod address;
mod checks;
mod exposition;
mod process;
mod server;

use std::sync::{Arc, OnceLock, Weak};

use http::{Response, StatusCode, header};
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::address::Endpoint;
pub use self::address::EndpointError;
use self::checks::{Check, Now};
use crate::api::Common;
use crate::cause::ActivityCause;
use crate::duty::Duty;
use crate::engine::probing::Probing;
use crate::handler::{Environment, Handler, Memos};
use crate::health::Health;
use crate::reactor::Context;

/// What the server tells of.
#[derive(Debug)]
pub(crate) struct Admin {
    environment: Arc<Environment>,
    probing: Probing,
    /// The operator at work, as soon as it is, and as long as it is there.
    context: OnceLock<Weak<Context>>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Live,
    Ready,
    Probes,
    Metrics,
}

impl Admin {
    pub(crate) fn new(
        handlers: &[Arc<Handler<ActivityCause>>],
        memos: Memos,
        environment: Arc<Environment>,
    ) -> Arc<Self> {
        environment.metrics.switch_on();
        Arc::new(Self {
            probing: Probing::new(handlers, memos, environment.clone()),
            environment,
            context: OnceLock::new(),
        })
    }

    /// Serves under an address until it is dropped.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        endpoint: &Endpoint,
    ) -> Result<AbortOnDropHandle<()>, std::io::Error> {
        server::serve(self.clone(), endpoint.clone()).await
    }

    /// The operator is at work.
    pub(crate) fn see(&self, context: &Arc<Context>) {
        // An operator begins once.
        let _ = self.context.set(Arc::downgrade(context));
    }

    /// What is told of the parts of the operator now.
    fn now(&self) -> Now {
        let aspects = &self.environment.aspects;
        let context = self.context.get().and_then(Weak::upgrade);
        Now {
            state: aspects.get_or_default::<Health>().state(),
            pauses: aspects.get_or_default::<Duty>().reasons(),
            is_started: self.context.get().is_some(),
            are_indices_complete: context
                .as_ref()
                .is_none_or(|context| context.lanes.is_open()),
            waiting: context.and_then(|context| context.lanes.waiting_in_vain()),
        }
    }

    async fn page(&self, page: Page, is_verbose: bool) -> Response<String> {
        let settings = &self.environment.settings.get().health;
        match page {
            Page::Live => verdict("livez", &checks::live(&self.now(), settings), is_verbose),
            Page::Ready => verdict("readyz", &checks::ready(&self.now()), is_verbose),
            Page::Probes => {
                let told = self.probing.ask().await;
                let status = if told.has_failed {
                    StatusCode::INTERNAL_SERVER_ERROR
                } else {
                    StatusCode::OK
                };
                let text = Value::Object(told.results).to_string();
                response(status, "application/json; charset=utf-8", text)
            }
            Page::Metrics => {
                let context = self.context.get().and_then(Weak::upgrade);
                let counts = self.environment.aspects.get_or_default::<Common>();
                let what = exposition::What {
                    metrics: &self.environment.metrics,
                    counts: &counts.counts,
                    now: &self.now(),
                    queues: context.map(|context| context.queue_states()),
                };
                let text = exposition::text(&what);
                response(
                    StatusCode::OK,
                    "text/plain; version=0.0.4; charset=utf-8",
                    text,
                )
            }
        }
    }
}

/// One word if all is well; else, or if asked for, a line for each check.
fn verdict(name: &str, checks: &[Check], is_verbose: bool) -> Response<String> {
    let is_well = checks.iter().all(|check| check.trouble.is_none());
    let status = if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if is_well && !is_verbose {
        return response(status, "text/plain; charset=utf-8", "ok".to_owned());
    }
    let end = if is_well { "passed" } else { "failed" };
    let lines = checks.iter().map(ToString::to_string);
    let lines = lines.chain([format!("{name} check {end}")]);
    let text: String = lines.map(|line| line + "\n").collect();
    response(status, "text/plain; charset=utf-8", text)
}

fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let content_type = header::HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
