//! Events of the log as lines: what is said, of which object, by which handler.
//!
//! The command line writes them, tests keep them. How they look there is not known here.

use std::fmt::{self, Write as _};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Gives each event to a function, as a line.
#[derive(Debug)]
pub(crate) struct Lines<W>(W);

/// One line of the log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) level: Level,
    /// The module that says it.
    #[cfg_attr(
        not(feature = "cli"),
        allow(dead_code, reason = "only the command line shows it")
    )]
    pub(crate) target: &'static str,
    /// The place in which it is said.
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) fields: Vec<(&'static str, Value)>,
}

/// What spans say of the place in which something happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Which operator of several in a process; only tests name it.
    pub(crate) operator: Option<u64>,
    pub(crate) object: Option<Reference>,
    pub(crate) handler: Option<String>,
}

/// Which object it is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    /// `namespace/name`, or `name`.
    pub(crate) key: String,
    /// What else is known of it, under the names that it has in references: `apiVersion`, `kind`, `uid`.
    #[cfg_attr(
        not(feature = "cli"),
        allow(dead_code, reason = "only the command line shows it")
    )]
    pub(crate) more: Vec<(&'static str, String)>,
}

/// The parts that an event brings itself.
#[derive(Default)]
struct Record {
    message: String,
    handler: Option<String>,
    fields: Vec<(&'static str, Value)>,
}

impl<W: Fn(&Line) + 'static> Lines<W> {
    /// Lines for a function.
    pub(crate) fn to(write: W) -> Self {
        Self(write)
    }
}

impl<W, S> Layer<S> for Lines<W>
where
    W: Fn(&Line) + 'static,
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut place = Place::default();
        attributes.record(&mut place);
        // Fields of the users' own spans may have these names, too.
        place.object.take_if(|object| object.key.is_empty());
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(place);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut record = Record::default();
        event.record(&mut record);
        let mut place = Place {
            handler: record.handler.take(),
            ..Place::default()
        };
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Place>() {
                place.operator = place.operator.or(outer.operator);
                place.object = place.object.or_else(|| outer.object.clone());
                place.handler = place.handler.or_else(|| outer.handler.clone());
            }
        }
        (self.0)(&Line {
            level: *event.metadata().level(),
            target: event.metadata().target(),
            place,
            message: record.message,
            fields: record.fields,
        });
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

impl fmt::Display for Line {
    /// The line without its time and without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:5} ", self.level.as_str())?;
        if let Some(object) = &self.place.object {
            write!(f, "[{object}] ")?;
        }
        if let Some(handler) = &self.place.handler {
            write!(f, "{handler}: ")?;
        }
        f.write_str(&self.message)?;
        for (name, value) in &self.fields {
            f.write_str(&field(name, value))?;
        }
        Ok(())
    }
}

/// A field at the end of a line.
pub(crate) fn field(name: &str, value: &Value) -> String {
    let mut field = String::new();
    // Writing to a text does not fail.
    let _ = match value {
        Value::String(text) => write!(field, " {name}={text}"),
        value => write!(field, " {name}={value}"),
    };
    field
}

impl Place {
    fn put(&mut self, field: &Field, text: impl FnOnce() -> String) {
        let name = match field.name() {
            "handler" => {
                self.handler = Some(text());
                return;
            }
            "object" => {
                self.object.get_or_insert_default().key = text();
                return;
            }
            "api_version" => "apiVersion",
            "kind" => "kind",
            "uid" => "uid",
            _ => return,
        };
        let object = self.object.get_or_insert_default();
        object.more.push((name, text()));
    }
}

impl Visit for Place {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, || format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, || value.to_owned());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "operator" {
            self.operator = Some(value);
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
