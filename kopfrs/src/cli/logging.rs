//! Log lines that a person likes to read: time, level, `[namespace/name]`, handler, message; or JSON
//! for machines.

use std::io::IsTerminal as _;

use k8s_openapi::jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::arguments::{LogFormat, RunOptions};
use crate::logging::{Line, Lines, field};

/// Sends the log to the standard error stream. `RUST_LOG` overrides the options.
pub(crate) fn init(options: &RunOptions) {
    let level = match (options.debug, options.verbose, options.quiet) {
        (true, ..) => "debug",
        (_, true, _) => "debug,hyper_util=warn,kube_client=warn,rustls=warn,tower=warn,h2=warn",
        (.., true) => "warn",
        _ => "info,kube_client=warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let format = Format {
        format: options.log_format,
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
    format: LogFormat,
    is_coloured: bool,
}

impl Format {
    fn line(&self, line: &Line) -> String {
        match self.format {
            LogFormat::Json => json(line),
            LogFormat::Full | LogFormat::Plain => self.text(line),
        }
    }

    fn text(&self, said: &Line) -> String {
        let mut line = String::with_capacity(120);
        if self.format == LogFormat::Full {
            let now = Timestamp::now().to_zoned(TimeZone::system());
            self.paint(&mut line, "2", &now.strftime("%H:%M:%S%.3f").to_string());
            line.push(' ');
        }
        if !self.is_coloured {
            return format!("{line}{said}\n");
        }
        let colour = match said.level {
            Level::ERROR => "1;31",
            Level::WARN => "33",
            Level::INFO => "32",
            Level::DEBUG | Level::TRACE => "2",
        };
        self.paint(&mut line, colour, &format!("{:5}", said.level.as_str()));
        line.push(' ');
        if let Some(object) = &said.place.object {
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

fn json(said: &Line) -> String {
    let mut line = Map::new();
    line.insert("time".into(), format!("{:.6}", Timestamp::now()).into());
    line.insert("level".into(), said.level.as_str().to_lowercase().into());
    let place = &said.place;
    for (name, value) in [("object", &place.object), ("handler", &place.handler)] {
        if let Some(value) = value {
            line.insert(name.into(), value.clone().into());
        }
    }
    line.insert("message".into(), said.message.clone().into());
    line.insert("target".into(), said.target.into());
    for (name, value) in &said.fields {
        line.entry(*name).or_insert_with(|| value.clone());
    }
    format!("{}\n", Value::Object(line))
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
                object: Some("demo/a".into()),
                handler: Some("create".into()),
                operator: None,
            },
            message: "not yet".into(),
            fields: vec![("attempt", Value::from(2)), ("reason", Value::from("none"))],
        }
    }

    fn format(format: LogFormat, is_coloured: bool) -> Format {
        Format {
            format,
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
                "level": "info", "object": "demo/a", "handler": "create", "message": "not yet",
                "target": "demo", "attempt": 2, "reason": "none",
            })
        );
    }
}
