//! Listing collections, in pages and from the past.

use std::sync::Arc;

use serde_json::json;

use super::{Target, continuation::Continuation, parse_version};
use crate::{
    cluster::Cluster,
    conversion,
    error::{ApiError, FieldError, Subject},
    object::{Object, key_of},
    selector::Selector,
    storage::PageRequest,
    strategy::view,
};

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
    let prefix = target.prefix();
    let start = start(cluster, target, options)?;
    let from = start.from.as_ref().map(|from| format!("{prefix}{from}"));
    let request = PageRequest {
        prefix: &prefix,
        from: from.as_deref(),
        at: start.at,
    };
    let page = cluster
        .store
        .page(&target.kind.resource, &request)
        .map_err(|_| expired(start.from))?;
    let mut objects = page.objects;
    let everything = objects.len();
    // From the watch cache (version 0) a real server gives everything.
    let limit = match options.limit {
        limit if limit > 0 && options.version != "0" => limit,
        _ => everything,
    };
    let mut looked_at = everything.min(limit);
    if options.selector.is_empty() {
        objects.truncate(limit);
    } else {
        objects = conversion::seen(cluster, &target.kind, objects).await?;
        (objects, looked_at) = selected(target, &options.selector, objects, limit);
    }
    // What is left counts though nothing of it may be selected: nobody has looked at it yet.
    let left = everything - looked_at;
    let last = objects.last().filter(|_| left > 0);
    let token = last.map(|last| {
        let key = key_of(&last.value);
        let key = key.strip_prefix(&prefix).unwrap_or(&key);
        Continuation::after(key, page.revision).encode()
    });
    Ok(Listed {
        revision: page.revision,
        remaining: (token.is_some() && options.selector.is_empty()).then_some(left),
        token,
        objects: conversion::seen(cluster, &target.kind, objects).await?,
    })
}

/// The first objects that are selected, and how many were looked at to find them.
fn selected(
    target: &Target,
    selector: &Selector,
    objects: Vec<Arc<Object>>,
    limit: usize,
) -> (Vec<Arc<Object>>, usize) {
    let mut looked_at = 0;
    let matching = objects
        .into_iter()
        .inspect(|_| looked_at += 1)
        .filter(|object| selector.matches(&view::outward(&target.kind, object)));
    let found = matching.take(limit).collect();
    (found, looked_at)
}

/// 410, with a token that goes on from the same place in what there is now.
fn expired(from: Option<String>) -> ApiError {
    let Some(from) = from else {
        return ApiError::expired("The resourceVersion for the provided list is too old.");
    };
    let error = ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. \
         You can start a new list without the continue parameter, or use the continue token in this response to \
         retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - \
         objects that were created, modified, or deleted between the time the first chunk was returned and now may \
         show up in the list.",
    );
    error.with_continue(Continuation { from, at: None }.encode())
}

struct Start {
    /// The first key that is wanted, without the collection's prefix.
    from: Option<String>,
    at: Option<u64>,
}

fn start(cluster: &Cluster, target: &Target, options: &ListOptions) -> Result<Start, ApiError> {
    check_match(options)?;
    let current = options.as_of.unwrap_or_else(|| cluster.store.revision());
    if !options.token.is_empty() {
        let token = Continuation::decode(&options.token)?;
        if !options.version.is_empty() && options.version != "0" {
            let message = "specifying resource version is not allowed when using continue";
            return Err(ApiError::bad_request(message));
        }
        if let Some(wanted) = token.at.filter(|wanted| *wanted > current) {
            return Err(ApiError::too_large_version(wanted, current));
        }
        return Ok(Start {
            from: Some(token.from),
            at: token.at,
        });
    }
    let at = options.as_of;
    if options.version.is_empty() || options.version == "0" {
        return Ok(Start { from: None, at });
    }
    let wanted = parse_version(&options.version).map_err(|why| {
        ApiError::bad_request(format!("invalid resource version: resourceVersion: {why}"))
    })?;
    // Clients of old get pages of exactly the version that they name.
    let from_storage = match options.version_match.as_str() {
        "" => options.limit > 0,
        other => other == "Exact",
    };
    if wanted > current {
        let error = ApiError::too_large_version(wanted, current);
        // Only a cache may catch up.
        return Err(if from_storage {
            error.without_retry()
        } else {
            error
        });
    }
    // What is selected by its name has no pages.
    let is_exact = from_storage && (options.version_match == "Exact" || !is_one(target, options));
    let at = is_exact.then_some(wanted).or(at);
    Ok(Start { from: None, at })
}

/// Whether a list is of the one object that its selector names.
fn is_one(target: &Target, options: &ListOptions) -> bool {
    let is_placed = !target.kind.namespaced || !target.namespace.is_empty();
    is_placed && options.selector.fields.names_one()
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
