//! Options of requests, from queries and bodies.

use std::time::Duration;

use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::{
    negotiate::{Accepted, Shape},
    query::Query,
};
use crate::{
    error::{ApiError, FieldError, Subject},
    registry::Kind,
    render::{IncludeObject, Rows},
    selector::{FieldSelector, LabelSelector, Selector},
    verbs::{
        FieldValidation, WriteOptions,
        decode::{self, Format},
        delete::DeleteOptions,
        list::{ListOptions, invalid_options},
        parse_version,
        watch::{Start, WatchOptions},
    },
};

/// The longest name of a field manager.
const MANAGER_LIMIT: usize = 128;

fn invalid(options: &str, error: FieldError) -> ApiError {
    all_invalid(options, &[error])
}

fn all_invalid(options: &str, errors: &[FieldError]) -> ApiError {
    ApiError::invalid(
        Subject {
            group: "meta.k8s.io",
            resource: options,
            name: "",
        },
        errors,
    )
}

/// Options of writes; `name` is how a real server calls them in errors: `CreateOptions`.
pub(super) fn write(
    query: &Query,
    headers: &HeaderMap,
    name: &str,
) -> Result<WriteOptions, ApiError> {
    let stages: Vec<&str> = query.all("dryRun").collect();
    if stages.iter().any(|stage| *stage != "All") {
        return Err(invalid(
            name,
            FieldError::unsupported("dryRun", &json!(stages), &["All"]),
        ));
    }
    let validation = match query.text("fieldValidation") {
        "" | "Warn" => FieldValidation::Warn,
        "Ignore" => FieldValidation::Ignore,
        "Strict" => FieldValidation::Strict,
        other => {
            let known = ["", "Ignore", "Strict", "Warn"];
            return Err(invalid(
                name,
                FieldError::unsupported("fieldValidation", &json!(other), &known),
            ));
        }
    };
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let given = query.text("fieldManager");
    if given.len() > MANAGER_LIMIT {
        let message = format!("Too long: may not be more than {MANAGER_LIMIT} bytes");
        return Err(invalid(
            name,
            FieldError::new("FieldValueTooLong", "fieldManager", message),
        ));
    }
    if let Some((at, odd)) = given.char_indices().find(|(_, c)| c.is_control()) {
        let message = format!(
            "Invalid value: {}: invalid character U+{:04X} (at position {at})",
            go_quoted(given),
            u32::from(odd),
        );
        return Err(invalid(
            name,
            FieldError::new("FieldValueInvalid", "fieldManager", message),
        ));
    }
    let agent = agent.split('/').next().unwrap_or_default();
    let manager = [given, agent]
        .into_iter()
        .find(|manager| !manager.is_empty())
        .unwrap_or("unknown");
    Ok(WriteOptions {
        dry_run: !stages.is_empty(),
        validation,
        manager: manager.to_owned(),
        subresource: String::new(),
        caller: None,
        given: as_given(query),
    })
}

/// The options of a write as webhooks see them.
fn as_given(query: &Query) -> Value {
    let mut given = json!({});
    for name in ["fieldManager", "fieldValidation"] {
        let text = query.text(name);
        if !text.is_empty() {
            given[name] = json!(text);
        }
    }
    let stages: Vec<&str> = query.all("dryRun").collect();
    if !stages.is_empty() {
        given["dryRun"] = json!(stages);
    }
    given
}

/// A text in quotes, as Go writes it.
fn go_quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            '\t' | '\n' | '\r' | '"' | '\\' => quoted.extend(c.escape_default()),
            c if c.is_control() => quoted.extend(["\\x", format!("{:02x}", u32::from(c)).as_str()]),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The options of a patch, where `force` is for applying only and an apply needs a manager.
pub(super) fn patch(
    query: &Query,
    headers: &HeaderMap,
    applies: bool,
) -> Result<WriteOptions, ApiError> {
    const NAME: &str = "PatchOptions";
    if applies && query.text("fieldManager").is_empty() {
        return Err(invalid(
            NAME,
            FieldError::required("fieldManager", "is required for apply patch"),
        ));
    }
    if !applies && query.get("force").is_some() {
        return Err(invalid(
            NAME,
            FieldError::forbidden("force", "may not be specified for non-apply patch"),
        ));
    }
    write(query, headers, NAME)
}

/// Options of deletions: from the body, or from the query when there is none.
pub(super) fn delete(query: &Query, body: &[u8]) -> Result<DeleteOptions, ApiError> {
    let options = if body.iter().all(u8::is_ascii_whitespace) {
        let mut options = json!({});
        if let Some(policy) = query.get("propagationPolicy") {
            options["propagationPolicy"] = json!(policy);
        }
        if let Some(seconds) = query
            .get("gracePeriodSeconds")
            .and_then(|text| text.parse::<i64>().ok())
        {
            options["gracePeriodSeconds"] = json!(seconds);
        }
        if let Some(orphan) = query.get("orphanDependents") {
            options["orphanDependents"] = json!(orphan == "true");
        }
        options
    } else {
        delete_body(body)?
    };
    let mut options = DeleteOptions::parse(&options)?;
    let stages: Vec<&str> = query.all("dryRun").collect();
    if stages.iter().any(|stage| *stage != "All") {
        return Err(invalid(
            "DeleteOptions",
            FieldError::unsupported("dryRun", &json!(stages), &["All"]),
        ));
    }
    options.dry_run |= !stages.is_empty();
    if options.dry_run {
        options.given["dryRun"] = json!(["All"]);
    }
    Ok(options)
}

fn delete_body(body: &[u8]) -> Result<Value, ApiError> {
    // Typed Go clients send these in protobuf, too.
    let format = if body.starts_with(b"k8s\0") {
        Format::Protobuf
    } else {
        Format::Json
    };
    let value = decode::parse(body, format).map_err(|error| {
        ApiError::bad_request(format!(
            "couldn't get version/kind; json parse error: {error}"
        ))
    })?;
    match (value["kind"].as_str(), value["apiVersion"].as_str()) {
        (None | Some("" | "DeleteOptions"), _) => Ok(value),
        (Some(kind), version) => {
            let version = version.unwrap_or_default();
            let why = format!(
                "no kind {kind:?} is registered for version {version:?} in scheme \"sandbox\""
            );
            Err(ApiError::bad_request(why))
        }
    }
}

/// A number of the query; 0 where there is none.
pub(super) fn selector(query: &Query, kind: &Kind) -> Result<Selector, ApiError> {
    let labels =
        LabelSelector::parse(query.text("labelSelector")).map_err(ApiError::bad_request)?;
    let fields =
        FieldSelector::parse(query.text("fieldSelector"), kind).map_err(ApiError::bad_request)?;
    Ok(Selector { labels, fields })
}

/// A number of the query; an empty one is none.
fn number(query: &Query, name: &str) -> Result<Option<i64>, ApiError> {
    let parsed = query.get(name).map(|text| {
        let wrong = |_| {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let why = if is_number {
                "value out of range"
            } else {
                "invalid syntax"
            };
            ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}"))
        };
        text.parse().map_err(wrong)
    });
    parsed.transpose()
}

pub(super) fn list(query: &Query, kind: &Kind) -> Result<ListOptions, ApiError> {
    if query.get("sendInitialEvents").is_some() {
        let why = "sendInitialEvents is forbidden for list";
        return Err(invalid_options(FieldError::forbidden(
            "sendInitialEvents",
            why,
        )));
    }
    number(query, "timeoutSeconds")?;
    let limit = number(query, "limit")?.unwrap_or_default();
    Ok(ListOptions {
        selector: selector(query, kind)?,
        limit: usize::try_from(limit).unwrap_or_default(),
        token: query.text("continue").to_owned(),
        version: query.text("resourceVersion").to_owned(),
        version_match: query.text("resourceVersionMatch").to_owned(),
        as_of: None,
    })
}

pub(super) fn watch(
    query: &Query,
    kind: &Kind,
    accepted: Accepted,
) -> Result<WatchOptions, ApiError> {
    number(query, "limit")?;
    let timeout = number(query, "timeoutSeconds")?
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0);
    Ok(WatchOptions {
        selector: selector(query, kind)?,
        start: start(query)?,
        as_of: None,
        bookmarks: query.flag("allowWatchBookmarks"),
        timeout: timeout.map(Duration::from_secs),
        shape: accepted.shape,
        rows: rows(query, accepted)?,
    })
}

fn start(query: &Query) -> Result<Start, ApiError> {
    let (version, matching) = (
        query.text("resourceVersion"),
        query.text("resourceVersionMatch"),
    );
    let initial = query
        .get("sendInitialEvents")
        .map(|_| query.flag("sendInitialEvents"));
    check_start(initial.is_some(), matching, query.text("continue"))?;
    if version.is_empty() || version == "0" {
        return Ok(match initial {
            Some(true) => Start::PresentThenBookmark(0),
            Some(false) => Start::Now,
            None => Start::Present,
        });
    }
    let revision = parse_version(version)
        .map_err(|why| ApiError::internal(format!("resourceVersion: {why}")))?;
    Ok(if initial == Some(true) {
        Start::PresentThenBookmark(revision)
    } else {
        Start::After(revision)
    })
}

/// The combinations of parameters that a real server forbids.
fn check_start(has_initial: bool, matching: &str, token: &str) -> Result<(), ApiError> {
    const FIELD: &str = "resourceVersionMatch";
    const NOT_OLDER: &str = "NotOlderThan";
    let mut errors = Vec::new();
    if has_initial && matching != NOT_OLDER {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        errors.push(FieldError::forbidden(FIELD, why));
    }
    if !has_initial && !matching.is_empty() {
        let why =
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        errors.push(FieldError::forbidden(FIELD, why));
    }
    if !matches!(matching, "" | NOT_OLDER) {
        errors.push(FieldError::unsupported(
            FIELD,
            &json!(matching),
            &[NOT_OLDER],
        ));
    }
    if !token.is_empty() {
        let why = "resourceVersionMatch is forbidden when continue is provided";
        errors.push(FieldError::forbidden(FIELD, why));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(all_invalid("ListOptions", &errors))
    }
}

/// How tables are made, from `includeObject`.
pub(super) fn rows(query: &Query, accepted: Accepted) -> Result<Rows, ApiError> {
    let include = match query.text("includeObject") {
        // Nobody looks at it elsewhere.
        _ if accepted.shape != Shape::Table => IncludeObject::Metadata,
        "" | "Metadata" => IncludeObject::Metadata,
        "None" => IncludeObject::Nothing,
        "Object" => IncludeObject::Whole,
        other => {
            let why = "must be 'Metadata', 'Object', 'None', or empty";
            return Err(ApiError::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: {why}"
            )));
        }
    };
    Ok(Rows {
        include,
        names_columns: true,
        version: accepted.version,
    })
}
