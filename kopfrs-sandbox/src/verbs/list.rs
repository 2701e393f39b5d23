//! Listing collections, in pages and from the past.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::Target;
use crate::{
    cluster::Cluster,
    conversion,
    error::{ApiError, FieldError, Subject},
    object::{Object, key_of},
    selector::Selector,
    storage::PageRequest,
    strategy::view,
};

/// What tokens of this kind are known by.
const TOKEN_VERSION: &str = "meta.k8s.io/v1";

/// What a list request asks for.
#[derive(Debug, Default)]
pub(crate) struct ListOptions {
    pub(crate) selector: Selector,
    pub(crate) limit: usize,
    pub(crate) token: String,
    pub(crate) version: String,
    pub(crate) version_match: String,
    /// The revision that is taken for the newest one, if it is not.
    pub(crate) as_of: Option<u64>,
}

/// A list, or a page of one.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<Arc<Object>>,
    /// Where to go on, if there is more.
    pub(crate) token: Option<String>,
    /// How many are left, where that is cheap to know.
    pub(crate) remaining: Option<usize>,
}

/// Lists objects, in the target's version.
pub(crate) async fn list(
    cluster: &Cluster,
    target: &Target,
    options: &ListOptions,
) -> Result<Listed, ApiError> {
    let start = start(cluster, options)?;
    let prefix = target.prefix();
    let request = PageRequest {
        prefix: &prefix,
        after: start.after.as_deref(),
        at: start.at,
    };
    let page = cluster
        .store
        .page(&target.kind.resource, &request)
        .map_err(|compacted| expired(options, start.at.unwrap_or_default(), compacted.oldest))?;
    let mut objects = page.objects;
    if !options.selector.is_empty() {
        objects = conversion::seen(cluster, &target.kind, objects).await?;
        objects.retain(|object| {
            options
                .selector
                .matches(&view::outward(&target.kind, object))
        });
    }
    // From the watch cache (version 0) a real server gives everything.
    let limit = if options.version == "0" {
        0
    } else {
        options.limit
    };
    let total = objects.len();
    if limit == 0 || total <= limit {
        return Ok(Listed {
            revision: page.revision,
            objects: conversion::seen(cluster, &target.kind, objects).await?,
            token: None,
            remaining: None,
        });
    }
    objects.truncate(limit);
    let last = objects
        .last()
        .map(|object| key_of(&object.value))
        .unwrap_or_default();
    let token = json!({"v": TOKEN_VERSION, "rv": page.revision, "start": last});
    Ok(Listed {
        revision: page.revision,
        objects: conversion::seen(cluster, &target.kind, objects).await?,
        token: Some(URL_SAFE_NO_PAD.encode(token.to_string())),
        remaining: options.selector.is_empty().then_some(total - limit),
    })
}

fn expired(options: &ListOptions, asked: u64, oldest: u64) -> ApiError {
    if options.token.is_empty() {
        return ApiError::expired(format!("too old resource version: {asked} ({oldest})"));
    }
    ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. \
         You must start a new list without the continue parameter.",
    )
}

struct Start {
    after: Option<String>,
    at: Option<u64>,
}

fn start(cluster: &Cluster, options: &ListOptions) -> Result<Start, ApiError> {
    check_match(options)?;
    if !options.token.is_empty() {
        if !options.version.is_empty() && options.version != "0" {
            let message = "specifying resource version is not allowed when using continue";
            return Err(ApiError::bad_request(message));
        }
        return resume(&options.token);
    }
    if options.version.is_empty() || options.version == "0" {
        return Ok(Start {
            after: None,
            at: options.as_of,
        });
    }
    let version = &options.version;
    let Ok(wanted) = version.parse::<u64>() else {
        let why = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
        let message =
            format!("invalid resource version: resourceVersion: Invalid value: {version:?}: {why}");
        return Err(ApiError::bad_request(message));
    };
    let current = options.as_of.unwrap_or_else(|| cluster.store.revision());
    if wanted > current {
        return Err(ApiError::too_large_version(wanted, current));
    }
    let exact =
        options.version_match == "Exact" || (options.version_match.is_empty() && options.limit > 0);
    Ok(Start {
        after: None,
        at: exact.then_some(wanted).or(options.as_of),
    })
}

fn resume(token: &str) -> Result<Start, ApiError> {
    let invalid = |why: String| {
        let message = format!("invalid continue token: continue key is not valid: {why}");
        ApiError::bad_request(message)
    };
    let decoded = URL_SAFE_NO_PAD
        .decode(token.trim_end_matches('='))
        .map_err(|_| invalid("illegal base64 data".to_owned()))?;
    let token: Value =
        serde_json::from_slice(&decoded).map_err(|error| invalid(error.to_string()))?;
    let version = token["v"].as_str().unwrap_or_default();
    if version != TOKEN_VERSION {
        return Err(invalid(format!(
            "server does not recognize this encoded version {version}"
        )));
    }
    let (revision, key) = (token["rv"].as_i64(), token["start"].as_str());
    let (Some(revision), Some(key)) = (revision.filter(|revision| *revision != 0), key) else {
        return Err(invalid(format!(
            "incorrect encoded start resourceVersion (version {version})"
        )));
    };
    // A key that leads elsewhere than it says.
    if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(invalid(key.to_owned()));
    }
    Ok(Start {
        after: Some(key.to_owned()),
        // A negative one stands for the newest.
        at: u64::try_from(revision).ok(),
    })
}

/// The combinations of parameters that a real server forbids.
fn check_match(options: &ListOptions) -> Result<(), ApiError> {
    const FIELD: &str = "resourceVersionMatch";
    let given = options.version_match.as_str();
    if given.is_empty() {
        return Ok(());
    }
    let mut errors = Vec::new();
    if options.version.is_empty() {
        let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        errors.push(FieldError::forbidden(FIELD, why));
    }
    if !options.token.is_empty() {
        let why = "resourceVersionMatch is forbidden when continue is provided";
        errors.push(FieldError::forbidden(FIELD, why));
    }
    match given {
        "Exact" if options.version == "0" => {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            errors.push(FieldError::forbidden(FIELD, why));
        }
        "Exact" | "NotOlderThan" => {}
        other => {
            let known = ["Exact", "NotOlderThan", ""];
            errors.push(FieldError::unsupported(FIELD, &json!(other), &known));
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(all_invalid_options(&errors))
    }
}

/// 422 about list options.
pub(crate) fn invalid_options(error: FieldError) -> ApiError {
    all_invalid_options(&[error])
}

fn all_invalid_options(errors: &[FieldError]) -> ApiError {
    let subject = Subject {
        group: "meta.k8s.io",
        resource: "ListOptions",
        name: "",
    };
    ApiError::invalid(subject, errors)
}
