//! Daemons and timers of fixtures.

use std::sync::Arc;
use std::time::Duration;

use kopfrs::cause::SpawningCause;
use kopfrs::handler::{Handler, Invocation};
use kopfrs::on::{self, Builder, Daemon, Timer};
use kopfrs::resource::Selector;
use serde::Deserialize;
use serde_json::json;

use super::Failure;
use super::declare::Scripted;

/// When they are called, and how they are ended.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Options {
    initial_delay: Option<f64>,
    cancellation_backoff: Option<f64>,
    cancellation_timeout: Option<f64>,
    cancellation_polling: Option<f64>,
    interval: Option<f64>,
    #[serde(default)]
    sharp: bool,
    idle: Option<f64>,
}

fn seconds(seconds: Option<f64>) -> Option<Duration> {
    seconds.map(Duration::from_secs_f64)
}

impl Scripted {
    pub(super) fn daemon(&self, of: Selector) -> Result<Handler<SpawningCause>, Failure> {
        let options = &self.row.background;
        let mut builder = on::daemon_of(of);
        if let Some(backoff) = seconds(options.cancellation_backoff) {
            builder = builder.cancellation_backoff(backoff);
        }
        if let Some(timeout) = seconds(options.cancellation_timeout) {
            builder = builder.cancellation_timeout(timeout);
        }
        if let Some(polling) = seconds(options.cancellation_polling) {
            builder = builder.cancellation_polling(polling);
        }
        self.spawned::<Daemon>(builder)
    }

    pub(super) fn timer(&self, of: Selector) -> Result<Handler<SpawningCause>, Failure> {
        let options = &self.row.background;
        let mut builder = on::timer_of(of).sharp(options.sharp);
        if let Some(interval) = seconds(options.interval) {
            builder = builder.interval(interval);
        }
        if let Some(idle) = seconds(options.idle) {
            builder = builder.idle(idle);
        }
        self.spawned::<Timer>(builder)
    }

    fn spawned<K>(&self, builder: Builder<K>) -> Result<Handler<SpawningCause>, Failure>
    where
        K: on::Filtered
            + on::Retried
            + on::Kind<Cause = SpawningCause, Returns = kopfrs::handler::returns::Stored>,
    {
        let mut builder = self.retried(self.filtered(builder)?)?;
        if let Some(delay) = seconds(self.row.background.initial_delay) {
            builder = builder.initial_delay(delay);
        }
        let scripted = self.clone();
        Ok(builder.run(move |call: Arc<Invocation<SpawningCause>>| {
            let scripted = scripted.clone();
            async move {
                let (cause, stopped) = (&call.cause, Some(call.cause.stopped.clone()));
                scripted
                    .play(cause, (call.attempt.retry, stopped), json!({}))
                    .await
            }
        }))
    }
}
