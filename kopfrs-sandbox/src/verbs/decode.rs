//! From a request's body to an object in the shape the rules work on.
//!
//! Checks what can be checked without the store: syntax, kind, field types, unknown fields.

use serde_json::Value;

use super::{FieldValidation, json};
use crate::{
    error::{ApiError, FieldError, Subject},
    object::{Fields, fields_mut, normalise_numbers, text},
    protobuf,
    registry::{Kind, Kinds, Origin, types},
    schema,
    strategy::metadata,
};

/// A decoded body without `apiVersion` and `kind`.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    /// What a strict decoder would refuse, in its words: unknown fields, fields given twice.
    pub(crate) faults: Vec<String>,
}

/// The body formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
    Protobuf,
}

/// Reads a body; the error says what is wrong with the text.
pub(crate) fn parse(bytes: &[u8], format: Format) -> Result<Value, String> {
    parse_strictly(bytes, format).map(|(value, _)| value)
}

/// The same, with the fields that were given twice (in YAML that is an error).
fn parse_strictly(bytes: &[u8], format: Format) -> Result<(Value, Vec<String>), String> {
    let (mut value, duplicates) = match format {
        Format::Json => json::read(bytes).map_err(|error| error.to_string())?,
        Format::Yaml => (crate::yaml::read(bytes)?, Vec::new()),
        Format::Protobuf => (
            protobuf::read(bytes).map_err(|error| error.to_string())?,
            Vec::new(),
        ),
    };
    normalise_numbers(&mut value);
    Ok((value, duplicates))
}

/// Decodes the body of a create or an update.
pub(crate) fn object(
    kinds: &Kinds,
    kind: &Kind,
    bytes: &[u8],
    format: Format,
) -> Result<Decoded, ApiError> {
    let unrecognised = |why: String| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {why}",
            kind.kind
        ))
    };
    let (value, duplicates) = parse_strictly(bytes, format).map_err(|error| match format {
        Format::Json | Format::Yaml => unrecognised(format!(
            "couldn't get version/kind; json parse error: {error}"
        )),
        Format::Protobuf => unrecognised(error),
    })?;
    let value =
        match value {
            Value::Null => Value::Object(Fields::new()),
            Value::Object(_) => value,
            _ => return Err(unrecognised(
                "couldn't get version/kind; json parse error: json: cannot unmarshal into Go value"
                    .to_owned(),
            )),
        };
    let api_version = text(&value, &["apiVersion"]).unwrap_or_default();
    let name = text(&value, &["kind"]).unwrap_or_default();
    match &kind.origin {
        Origin::BuiltIn(_) => check_built_in(kinds, kind, api_version, name)?,
        Origin::Custom(_) => {
            if name.is_empty() {
                let raw = String::from_utf8_lossy(bytes);
                return Err(unrecognised(format!(
                    "Object 'Kind' is missing in '{raw}' ({raw})"
                )));
            }
            if api_version != kind.api_version {
                let refusal = ApiError::bad_request(format!(
                    "the API version in the data ({api_version}) does not match the expected API version ({})",
                    kind.api_version
                ));
                let group = api_version.split_once('/').map_or("", |(group, _)| group);
                let warnings = if group == kind.group {
                    unknown_in(kinds, api_version, name, &value)
                } else {
                    Vec::new()
                };
                return Err(refusal.with_warnings(warnings));
            }
        }
    }
    let mut decoded = typed(kind, value, |why| strict_error(kind, why))?;
    let twice = duplicates
        .iter()
        .map(|path| format!("duplicate field {path:?}"));
    decoded.faults.splice(0..0, twice);
    if decoded.faults.len() > 1 && kind.custom().is_none() {
        in_order(&mut decoded.faults, bytes);
    }
    Ok(decoded)
}

/// Sorts faults by where they are in the text; a field that came twice is at its second place.
fn in_order(faults: &mut [String], bytes: &[u8]) {
    let path = |fault: &str| fault.split('"').nth(1).map(str::to_owned);
    let paths: Vec<String> = faults.iter().filter_map(|fault| path(fault)).collect();
    let positions = json::positions(bytes, paths.iter().map(String::as_str));
    faults.sort_by_cached_key(|fault| {
        let (first, last) = positions.get(&path(fault)?).copied().flatten()?;
        Some(if fault.starts_with("duplicate") {
            last
        } else {
            first
        })
    });
}

/// What the type that a body names for itself does not know; a type that is not there knows metadata only.
fn unknown_in(kinds: &Kinds, api_version: &str, name: &str, value: &Value) -> Vec<String> {
    let unknown = match kinds.by_type(api_version, name) {
        Some(kind) => match kind.custom() {
            Some(custom) => schema::prune(&mut value.clone(), &custom.schema),
            None => Vec::new(),
        },
        None => {
            let names = value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name);
            names
                .filter(|name| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata"))
                .cloned()
                .collect()
        }
    };
    unknown
        .iter()
        .map(|path| format!("unknown field {path:?}"))
        .collect()
}

fn check_built_in(
    kinds: &Kinds,
    kind: &Kind,
    api_version: &str,
    name: &str,
) -> Result<(), ApiError> {
    if (api_version.is_empty() || api_version == kind.api_version)
        && (name.is_empty() || name == kind.kind)
    {
        return Ok(());
    }
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let why = match kinds.by_type(api_version, name) {
        Some(_) => format!(
            "converting ({version}.{name}) to (core.{}): unknown conversion",
            kind.kind
        ),
        None => format!(
            "no kind {name:?} is registered for version {api_version:?} in scheme \"sandbox\""
        ),
    };
    let message = format!(
        "{name} in version {version:?} cannot be handled as a {}: {why}",
        kind.kind
    );
    Err(ApiError::bad_request(message))
}

/// Goes on with a parsed value: field types, unknown fields. `refuse` words a type error.
pub(crate) fn typed(
    kind: &Kind,
    mut value: Value,
    refuse: impl Fn(&str) -> ApiError,
) -> Result<Decoded, ApiError> {
    check_custom_type(kind, &value)?;
    if kind.custom().is_none()
        && let Some(why) = other_type(kind, &value)
    {
        return Err(refuse(&why));
    }
    let fields = fields_mut(&mut value);
    fields.remove("apiVersion");
    fields.remove("kind");
    fields
        .entry("metadata")
        .or_insert_with(|| Value::Object(Fields::new()));
    let unknown = match (&kind.origin, kind.fields) {
        (Origin::BuiltIn(rules), Some(of)) => {
            let unknown = types::check(&mut value, of).map_err(|why| refuse(&why))?;
            (rules.check_types)(&value).map_err(|why| refuse(&why))?;
            unknown
        }
        (Origin::BuiltIn(_), None) => Vec::new(),
        (Origin::Custom(custom), _) => {
            metadata::check_types(&value).map_err(|why| refuse(&why))?;
            let dropped = metadata::drop_unknown(&mut value["metadata"]);
            let mut unknown: Vec<String> = dropped
                .into_iter()
                .map(|name| format!("metadata.{name}"))
                .collect();
            unknown.extend(schema::prune(&mut value, &custom.schema));
            unknown.sort();
            unknown
        }
    };
    let faults = unknown
        .iter()
        .map(|path| format!("unknown field {path:?}"))
        .collect();
    Ok(Decoded { value, faults })
}

/// Why a value that names another type than a built-in kind's cannot be of it. What is not said is taken for granted.
fn other_type(kind: &Kind, value: &Value) -> Option<String> {
    let given = |name: &str, usual: &str| {
        let given = text(value, &[name]).filter(|text| !text.is_empty());
        given.unwrap_or(usual).to_owned()
    };
    let (api_version, name) = (
        given("apiVersion", &kind.api_version),
        given("kind", &kind.kind),
    );
    (api_version != kind.api_version || name != kind.kind).then(|| {
        format!("no kind {name:?} is registered for version {api_version:?} in scheme \"sandbox\"")
    })
}

/// Custom resources must say their own kind and version; a patch can get this wrong, too.
fn check_custom_type(kind: &Kind, value: &Value) -> Result<(), ApiError> {
    if kind.custom().is_none() {
        return Ok(());
    }
    let api_version = text(value, &["apiVersion"]).unwrap_or_default();
    let name = text(value, &["kind"]).unwrap_or_default();
    let error = if name != kind.kind {
        FieldError::invalid("kind", &Value::from(name), format!("must be {}", kind.kind))
    } else if api_version != kind.api_version {
        FieldError::invalid(
            "apiVersion",
            &Value::from(api_version),
            format!("must be {}", kind.api_version),
        )
    } else {
        return Ok(());
    };
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let subject = Subject {
        group,
        resource: name,
        name: crate::object::meta(value, "name"),
    };
    Err(ApiError::invalid(subject, &[error]))
}

/// Turns faults into warnings, or into the error of a strict decoder.
pub(crate) fn judge(faults: &[String], validation: FieldValidation) -> Result<Vec<String>, String> {
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Strict if !faults.is_empty() => {
            Err(format!("strict decoding error: {}", faults.join(", ")))
        }
        FieldValidation::Warn | FieldValidation::Strict => Ok(faults.to_vec()),
    }
}

/// The answer to a body that does not decode, or to a strictly validated one with unknown fields.
pub(crate) fn strict_error(kind: &Kind, why: &str) -> ApiError {
    let message = format!(
        "{} in version {:?} cannot be handled as a {}: {why}",
        kind.kind, kind.version, kind.kind
    );
    ApiError::bad_request(message)
}
