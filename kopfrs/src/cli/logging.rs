//! Log lines that a person likes to read: time, level, `[namespace/name]`, handler, message; or JSON
//! for machines.

use std::io::IsTerminal as _;

use k8s_openapi::jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::logging::{Line, Lines, Reference, field};

mod options;

use self::options::LogFormat;
pub(crate) use self::options::LogOptions;

/// Sends the log to the standard error stream. `RUST_LOG` overrides the options.
pub(crate) fn init(options: &LogOptions) {
    let level = match (options.debug, options.verbose, options.quiet) {
        (true, ..) => "debug",
        (_, true, _) => "debug,hyper_util=warn,kube_client=warn,rustls=warn,tower=warn,h2=warn",
        (.., true) => "warn",
        _ => "info,kube_client=warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let format = Format {
        style: options.log_format,
        has_prefix: options.has_prefix(),
        refkey: options.log_refkey.clone(),
        is_coloured,
    };
    let lines = Lines::to(move |line| {
        let text = format.line(line);
        // A log that cannot be written must not stop the operator.
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
    });
    // An embedding program may have set its own: that one counts.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(crate::events::layer())
        .try_init();
}

/// How lines look.
struct Format {
    style: LogFormat,
    /// Whether messages begin with their object.
    has_prefix: bool,
    /// Where lines of JSON say which object they are about.
    refkey: String,
    is_coloured: bool,
}

impl Format {
    fn line(&self, line: &Line) -> String {
        match self.style {
            LogFormat::Json => self.json(line),
            LogFormat::Full | LogFormat::Plain => self.text(line),
        }
    }

    fn text(&self, said: &Line) -> String {
        let mut line = String::with_capacity(120);
        if self.style == LogFormat::Full {
            let now = Timestamp::now().to_zoned(TimeZone::system());
            self.paint(&mut line, "2", &now.strftime("%H:%M:%S%.3f").to_string());
            line.push(' ');
        }
        let colour = match said.level {
            Level::ERROR => "1;31",
            Level::WARN => "33",
            Level::INFO => "32",
            Level::DEBUG | Level::TRACE => "2",
        };
        self.paint(&mut line, colour, &format!("{:5}", said.level.as_str()));
        line.push(' ');
        if let Some(object) = self.prefix(said) {
            self.paint(&mut line, "36", &format!("[{object}]"));
            line.push(' ');
        }
        if let Some(handler) = &said.place.handler {
            self.paint(&mut line, "1", handler);
            line.push_str(": ");
        }
        line.push_str(&said.message);
        for (name, value) in &said.fields {
            self.paint(&mut line, "2", &field(name, value));
        }
        line.push('\n');
        line
    }

    fn json(&self, said: &Line) -> String {
        let mut line = Map::new();
        line.insert("time".into(), format!("{:.6}", Timestamp::now()).into());
        line.insert("level".into(), said.level.as_str().to_lowercase().into());
        let place = &said.place;
        if let Some(object) = &place.object {
            line.insert(self.refkey.clone(), reference(object));
        }
        if let Some(handler) = &place.handler {
            line.insert("handler".into(), handler.clone().into());
        }
        let message = match self.prefix(said) {
            Some(object) => format!("[{object}] {}", said.message),
            None => said.message.clone(),
        };
        line.insert("message".into(), message.into());
        line.insert("target".into(), said.target.into());
        for (name, value) in &said.fields {
            line.entry(*name).or_insert_with(|| value.clone());
        }
        format!("{}\n", Value::Object(line))
    }

    /// The object that the message begins with.
    fn prefix<'a>(&self, said: &'a Line) -> Option<&'a Reference> {
        said.place.object.as_ref().filter(|_| self.has_prefix)
    }

    fn paint(&self, line: &mut String, colour: &str, text: &str) {
        if self.is_coloured {
            for part in ["\x1b[", colour, "m", text, "\x1b[0m"] {
                line.push_str(part);
            }
        } else {
            line.push_str(text);
        }
    }
}

/// The object as references to objects are written.
fn reference(object: &Reference) -> Value {
    let mut reference = Map::new();
    let name = match object.key.split_once('/') {
        Some((namespace, name)) => {
            reference.insert("namespace".into(), namespace.into());
            name
        }
        None => &object.key,
    };
    reference.insert("name".into(), name.into());
    let more = object.more.iter().filter(|(_, text)| !text.is_empty());
    reference.extend(more.map(|(name, text)| ((*name).into(), text.clone().into())));
    Value::Object(reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::Place;

    fn line(level: Level) -> Line {
        Line {
            level,
            target: "demo",
            place: Place {
                object: Some(Reference {
                    key: "demo/a".into(),
                    more: vec![
                        ("apiVersion", "example.com/v1".into()),
                        ("kind", "Demo".into()),
                        ("uid", String::new()),
                    ],
                }),
                handler: Some("create".into()),
                operator: None,
            },
            message: "not yet".into(),
            fields: vec![("attempt", Value::from(2)), ("reason", Value::from("none"))],
        }
    }

    fn format(format: LogFormat, is_coloured: bool) -> Format {
        Format {
            style: format,
            has_prefix: format != LogFormat::Json,
            refkey: "object".into(),
            is_coloured,
        }
    }

    #[test]
    fn plain_lines_say_level_object_handler_message_and_fields() {
        let plain = format(LogFormat::Plain, false);
        assert_eq!(
            plain.line(&line(Level::WARN)),
            "WARN  [demo/a] create: not yet attempt=2 reason=none\n"
        );
        let nowhere = Line {
            place: Place::default(),
            message: String::new(),
            fields: Vec::new(),
            ..line(Level::INFO)
        };
        assert_eq!(plain.line(&nowhere), "INFO  \n");
    }

    #[test]
    fn full_lines_begin_with_the_time_and_are_coloured_on_terminals() {
        let full = format(LogFormat::Full, false).line(&line(Level::ERROR));
        assert_eq!(
            &full[12..],
            " ERROR [demo/a] create: not yet attempt=2 reason=none\n"
        );
        assert_eq!((&full[2..3], &full[8..9]), (":", "."));
        let coloured = format(LogFormat::Full, true).line(&line(Level::ERROR));
        assert!(coloured.contains("\x1b[1;31mERROR\x1b[0m"), "{coloured}");
        assert!(
            coloured.contains("not yet\x1b[2m attempt=2\x1b[0m"),
            "{coloured}"
        );
    }

    #[test]
    fn json_lines_are_objects() {
        let line = format(LogFormat::Json, false).line(&line(Level::INFO));
        let mut parsed: Map<String, Value> = serde_json::from_str(&line).unwrap();
        let time = parsed.remove("time").unwrap();
        assert!(time.as_str().unwrap().parse::<Timestamp>().is_ok());
        assert_eq!(
            Value::Object(parsed),
            serde_json::json!({
                "level": "info", "handler": "create", "message": "not yet", "target": "demo",
                "object": {"apiVersion": "example.com/v1", "kind": "Demo", "namespace": "demo", "name": "a"},
                "attempt": 2, "reason": "none",
            })
        );
    }

    #[test]
    fn the_reference_is_under_the_key_that_was_chosen() {
        let json = Format {
            refkey: "reason".into(),
            ..format(LogFormat::Json, false)
        };
        let parsed: Value = serde_json::from_str(&json.line(&line(Level::INFO))).unwrap();
        assert_eq!(parsed["reason"]["name"], "a");
        assert_eq!(parsed["object"], Value::Null);
    }

    #[test]
    fn messages_begin_with_their_object_or_not() {
        let with = |has_prefix, of| Format {
            has_prefix,
            ..format(of, false)
        };
        let plain = with(false, LogFormat::Plain).line(&line(Level::INFO));
        assert_eq!(plain, "INFO  create: not yet attempt=2 reason=none\n");
        let coloured = Format {
            is_coloured: true,
            ..with(false, LogFormat::Plain)
        };
        assert!(!coloured.line(&line(Level::INFO)).contains("demo/a"));
        let json = with(true, LogFormat::Json).line(&line(Level::INFO));
        let parsed: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(parsed["message"], "[demo/a] not yet");
        assert_eq!(parsed["object"]["kind"], "Demo");
    }
}
