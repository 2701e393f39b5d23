//! Log lines that a person likes to read: time, level, `[namespace/name]`, handler, message; or JSON
//! for machines.

use std::fmt::{self, Write as _};
use std::io::IsTerminal as _;

use k8s_openapi::jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::arguments::{LogFormat, RunOptions};

/// Sends the log to the standard error stream. `RUST_LOG` overrides the options.
pub(super) fn init(options: &RunOptions) {
    let level = match (options.debug, options.verbose, options.quiet) {
        (true, ..) => "debug",
        (_, true, _) => "debug,hyper_util=warn,kube_client=warn,rustls=warn,tower=warn,h2=warn",
        (.., true) => "warn",
        _ => "info,kube_client=warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = Lines {
        format: options.log_format,
        is_coloured,
    };
    // An embedding program may have set its own: that one counts.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
}

/// Writes events as lines.
struct Lines {
    format: LogFormat,
    is_coloured: bool,
}

/// What spans say of the place in which something happens.
#[derive(Clone, Default)]
struct Place {
    object: Option<String>,
    handler: Option<String>,
}

/// The parts of one line.
#[derive(Default)]
struct Record {
    message: String,
    handler: Option<String>,
    fields: Vec<(&'static str, Value)>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut place = Place::default();
        attributes.record(&mut place);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(place);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut record = Record::default();
        event.record(&mut record);
        let mut place = Place::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Place>() {
                place.object = place.object.or_else(|| outer.object.clone());
                place.handler = place.handler.or_else(|| outer.handler.clone());
            }
        }
        place.handler = record.handler.take().or(place.handler);
        let level = *event.metadata().level();
        let line = match self.format {
            LogFormat::Json => json(level, &place, record, event.metadata().target()),
            LogFormat::Full | LogFormat::Plain => self.text(level, &place, &record),
        };
        // A log that cannot be written must not stop the operator.
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes());
    }
}

impl Lines {
    fn text(&self, level: Level, place: &Place, record: &Record) -> String {
        let mut line = String::with_capacity(120);
        if self.format == LogFormat::Full {
            let now = Timestamp::now().to_zoned(TimeZone::system());
            self.paint(&mut line, "2", &now.strftime("%H:%M:%S%.3f").to_string());
            line.push(' ');
        }
        let colour = match level {
            Level::ERROR => "1;31",
            Level::WARN => "33",
            Level::INFO => "32",
            Level::DEBUG | Level::TRACE => "2",
        };
        self.paint(&mut line, colour, &format!("{:5}", level.as_str()));
        line.push(' ');
        if let Some(object) = &place.object {
            self.paint(&mut line, "36", &format!("[{object}]"));
            line.push(' ');
        }
        if let Some(handler) = &place.handler {
            self.paint(&mut line, "1", handler);
            line.push_str(": ");
        }
        line.push_str(&record.message);
        for (name, value) in &record.fields {
            let mut field = String::new();
            let _ = match value {
                Value::String(text) => write!(field, " {name}={text}"),
                value => write!(field, " {name}={value}"),
            };
            self.paint(&mut line, "2", &field);
        }
        line.push('\n');
        line
    }

    fn paint(&self, line: &mut String, colour: &str, text: &str) {
        let _ = if self.is_coloured {
            write!(line, "\x1b[{colour}m{text}\x1b[0m")
        } else {
            write!(line, "{text}")
        };
    }
}

fn json(level: Level, place: &Place, record: Record, target: &str) -> String {
    let mut line = Map::new();
    line.insert("time".into(), format!("{:.6}", Timestamp::now()).into());
    line.insert("level".into(), level.as_str().to_lowercase().into());
    for (name, value) in [("object", &place.object), ("handler", &place.handler)] {
        if let Some(value) = value {
            line.insert(name.into(), value.clone().into());
        }
    }
    line.insert("message".into(), record.message.into());
    line.insert("target".into(), target.into());
    for (name, value) in record.fields {
        line.entry(name).or_insert(value);
    }
    format!("{}\n", Value::Object(line))
}

impl Visit for Place {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "object" => self.object = Some(format!("{value:?}")),
            "handler" => self.handler = Some(format!("{value:?}")),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "object" => self.object = Some(value.to_owned()),
            "handler" => self.handler = Some(value.to_owned()),
            _ => {}
        }
    }
}

impl Record {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("handler", Value::String(text)) => self.handler = Some(text),
            // What other libraries add for their own bridges.
            (name, _) if name.starts_with("log.") => {}
            (name, value) => self.fields.push((name, value)),
        }
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            object: Some("demo/a".into()),
            handler: Some("create".into()),
        }
    }

    fn record() -> Record {
        let fields = vec![("attempt", Value::from(2)), ("reason", Value::from("none"))];
        Record {
            message: "not yet".into(),
            handler: None,
            fields,
        }
    }

    #[test]
    fn plain_lines_say_level_object_handler_message_and_fields() {
        let lines = Lines {
            format: LogFormat::Plain,
            is_coloured: false,
        };
        assert_eq!(
            lines.text(Level::WARN, &place(), &record()),
            "WARN  [demo/a] create: not yet attempt=2 reason=none\n"
        );
        let nowhere = lines.text(Level::INFO, &Place::default(), &Record::default());
        assert_eq!(nowhere, "INFO  \n");
    }

    #[test]
    fn full_lines_begin_with_the_time_and_are_coloured_on_terminals() {
        let lines = Lines {
            format: LogFormat::Full,
            is_coloured: false,
        };
        let line = lines.text(Level::ERROR, &place(), &record());
        assert_eq!(
            &line[12..],
            " ERROR [demo/a] create: not yet attempt=2 reason=none\n"
        );
        assert_eq!((&line[2..3], &line[8..9]), (":", "."));
        let lines = Lines {
            is_coloured: true,
            ..lines
        };
        assert!(
            lines
                .text(Level::ERROR, &place(), &record())
                .contains("\x1b[1;31mERROR\x1b[0m")
        );
    }

    #[test]
    fn json_lines_are_objects() {
        let line = json(Level::INFO, &place(), record(), "demo");
        let mut parsed: Map<String, Value> = serde_json::from_str(&line).unwrap();
        let time = parsed.remove("time").unwrap();
        assert!(time.as_str().unwrap().parse::<Timestamp>().is_ok());
        assert_eq!(
            Value::Object(parsed),
            serde_json::json!({
                "level": "info", "object": "demo/a", "handler": "create", "message": "not yet",
                "target": "demo", "attempt": 2, "reason": "none",
            })
        );
    }
}
