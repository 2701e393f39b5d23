//! The operations of the API, on decoded input: what a real server calls the generic registry.
//!
//! `http` and the controllers call these. They put strategies and the store together; they know nothing of headers and
//! bytes on the wire.

pub(crate) mod apply;
mod continuation;
pub(crate) mod create;
pub(crate) mod decode;
pub(crate) mod delete;
mod json;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod review;
pub(crate) mod scale;
pub(crate) mod token;
pub(crate) mod update;
pub(crate) mod watch;

use std::{
    num::{IntErrorKind, ParseIntError},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    admission::Caller, error::ApiError, object::Object, ownership::Writer, registry::Kind,
};

/// The object or collection a request is about.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) kind: Arc<Kind>,
    pub(crate) namespace: String,
    /// Empty for collections.
    pub(crate) name: String,
}

impl Target {
    pub(crate) fn key(&self) -> String {
        crate::object::key(&self.namespace, &self.name)
    }

    /// The beginning of the keys of the collection.
    pub(crate) fn prefix(&self) -> String {
        if self.namespace.is_empty() {
            String::new()
        } else {
            format!("{}/", self.namespace)
        }
    }

    pub(crate) fn not_found(&self) -> ApiError {
        ApiError::not_found(self.kind.subject(&self.name))
    }
}

/// Reads a resource version of a query; the error says what is wrong with its value.
pub(crate) fn parse_version(text: &str) -> Result<u64, String> {
    text.parse().map_err(|error: ParseIntError| {
        let why = match error.kind() {
            IntErrorKind::PosOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: {why}")
    })
}

/// What to do with fields nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum FieldValidation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// The options of a write.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) validation: FieldValidation,
    /// Who writes: `fieldManager`, or the user agent up to the first slash.
    pub(crate) manager: String,
    /// The subresource that is written, empty for the object itself.
    pub(crate) subresource: String,
    /// Who asks; nobody when the server writes for itself, which no webhook hears of.
    pub(crate) caller: Option<Caller>,
    /// The options as the client gave them.
    pub(crate) given: Value,
}

impl WriteOptions {
    pub(crate) fn writer<'a>(&'a self, now: &'a str) -> Writer<'a> {
        Writer {
            manager: &self.manager,
            subresource: &self.subresource,
            now,
        }
    }
}

/// The outcome of a write.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Arc<Object>,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<String>,
}
