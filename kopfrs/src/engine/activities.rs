//! Activities: startup, login, cleanup. Their handlers are called in rounds until each has succeeded
//! or failed for good; nothing of it is remembered beyond the process.

use std::sync::Arc;

use crate::action::{Call, Cycle, Turn, attempt};
use crate::cause::{Activity, ActivityCause, Reason};
use crate::handler::{Environment, ErrorsMode, Handler, Memos, Outcome};

/// An activity handler has failed for good.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) id: String,
    pub(crate) message: String,
}

/// Calls the handlers of an activity; gives what they returned, in the order in which they finished.
///
/// # Errors
/// The first handler that has failed for good; the others are called all the same.
pub(crate) async fn run(
    activity: Activity,
    handlers: &[Arc<Handler<ActivityCause>>],
    memos: &Memos,
    environment: &Arc<Environment>,
) -> Result<Vec<Outcome>, Failed> {
    let handlers: Vec<_> = handlers
        .iter()
        .filter(|handler| handler.rule == activity)
        .collect();
    let nothing = Arc::new(serde_json::Value::Null);
    let mut outcomes = Vec::new();
    let mut failed = None;
    let mut cycle = Cycle::default();
    let ids: Vec<&str> = handlers.iter().map(|handler| &*handler.id).collect();
    cycle.align(Reason::Create, &ids, &nothing);
    loop {
        let mut due = None;
        for handler in &handlers {
            let record = match cycle.turn(&handler.id, true, &nothing, environment.clock.now()) {
                Turn::Now(record) => record,
                Turn::At(at) => {
                    due = Some(due.map_or(at, |other| at.min(other)));
                    continue;
                }
                Turn::Done => continue,
            };
            let call = Call {
                handler: (*handler).clone(),
                cause: ActivityCause::new(activity),
                memos: memos.clone(),
                role: role(activity),
                default_mode: ErrorsMode::Temporary,
                discreet_about: None,
            };
            let (record, outcome) = attempt(&call, &record, environment).await;
            outcomes.extend(outcome);
            if record.failure && failed.is_none() {
                let message = record.message.clone().unwrap_or_default();
                failed = Some(Failed {
                    id: handler.id.clone(),
                    message,
                });
            }
            if let Some(at) = record.delayed {
                due = Some(due.map_or(at, |other| at.min(other)));
            }
            cycle.record(&handler.id, record, &nothing);
        }
        match due {
            Some(due) => tokio::time::sleep(environment.clock.until(due)).await,
            None => return failed.map_or(Ok(outcomes), Err),
        }
    }
}

fn role(activity: Activity) -> &'static str {
    match activity {
        Activity::Startup => "startup handler",
        Activity::Login => "login handler",
        Activity::Probe => "probe",
        Activity::Cleanup => "cleanup handler",
    }
}
