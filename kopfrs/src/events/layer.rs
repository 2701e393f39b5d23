//! What handlers log, as Kubernetes Events: a part of the program's subscriber.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::tell;
use super::telling::Telling;
use crate::api::Note;
use crate::settings::PostingLevel;

/// Libraries that speak of themselves, and the framework, which tells by itself what there is to tell.
const OTHERS: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_util",
    "kopfrs",
    "kube_client",
    "kube_core",
    "rustls",
    "tower",
];

/// Notices what handlers log: see [`layer`].
#[derive(Clone, Copy, Debug, Default)]
pub struct HandlerLogs;

/// Tells what handlers log in Kubernetes Events about their objects, where `settings.posting.loggers`
/// is on: from `settings.posting.level` on, with the reason `Logging`.
///
/// The command line has it; programs that have a subscriber of their own add it there. What is logged by
/// tasks that a handler has spawned is not noticed.
///
/// # Examples
/// ```
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(tracing_subscriber::fmt::layer())
///     .with(kopfrs::events::layer());
/// # drop(subscriber);
/// ```
pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> Filtered<HandlerLogs, LevelFilter, S> {
    // Whatever is less does not even have to be looked at.
    HandlerLogs.with_filter(LevelFilter::INFO)
}

impl<S: Subscriber> Layer<S> for HandlerLogs {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let crate_name = target.split("::").next().unwrap_or_default();
        let Some(told) = Telling::present().filter(|_| !OTHERS.contains(&crate_name)) else {
            return;
        };
        let is_wanted = match *level {
            Level::ERROR => true,
            Level::WARN => told.level <= PostingLevel::Warning,
            Level::INFO => told.level <= PostingLevel::Info,
            Level::DEBUG | Level::TRACE => false,
        };
        if !is_wanted {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let message = text.message + &text.fields;
        let note = match *level {
            Level::INFO => Note::normal("Logging", message),
            _ => Note::warning("Logging", message),
        };
        tell(
            &told.shared,
            &told.object,
            &note.with_action(&*told.handler),
        );
    }
}

/// What is said in a line of the log.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
