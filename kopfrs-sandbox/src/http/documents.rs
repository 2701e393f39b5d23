//! Paths that lead to no resource: discovery, health, version, OpenAPI.

use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::json;

use super::{
    negotiate::{Answer, not_acceptable, only_json, ranges, refused},
    query::Query,
    reply::{JSON, Reply},
};
use crate::{
    cluster::Cluster,
    error::ApiError,
    registry::{Kinds, discovery, openapi},
};

/// The Kubernetes version the sandbox behaves like.
const MINOR: &str = "36";
const VERSION: &str = "v1.36.2";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// The media types of discovery.
const DOCUMENTS: [&str; 4] = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "*/*",
];
const HEALTH: [&str; 3] = ["healthz", "livez", "readyz"];
const CHECKS: [&str; 3] = ["ping", "log", "etcd"];

/// Paths with empty parts lead nowhere.
pub(super) fn misspelt(path: &str) -> Reply {
    if path.starts_with("/api") {
        Reply::error(&ApiError::no_such_resource())
    } else {
        Reply::page_not_found()
    }
}

/// Answers a path that is not a resource's.
pub(super) fn answer<B>(cluster: &Cluster, request: &Request<B>, query: &Query) -> Reply {
    let (method, path) = (request.method(), request.uri().path());
    let headers = request.headers();
    let kinds = cluster.registry.kinds();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if is_strict(&kinds, &parts) {
        if method != Method::GET {
            return Reply::error(&ApiError::method_not_allowed());
        }
        if parts == ["version"] && !accepts(headers, &["application/json", "*/*"]) {
            return Reply::error(&only_json());
        }
        if !accepts(headers, &DOCUMENTS) {
            return Reply::error(&not_acceptable(Answer::Object));
        }
    }
    if let [health, rest @ ..] = &parts[..]
        && HEALTH.contains(health)
    {
        return healthy(health, rest, query);
    }
    let is_of_groups = matches!(parts[..], ["apis"] | ["apis", _] | ["apis", _, _]);
    let reply = found(&kinds, &parts, headers);
    if is_of_groups && reply.is_json() && !accepts(headers, &DOCUMENTS) {
        return Reply::error(&refused());
    }
    reply
}

fn found(kinds: &Kinds, parts: &[&str], headers: &HeaderMap) -> Reply {
    match parts[..] {
        [] => Reply::json(StatusCode::OK, &json!({"paths": paths(kinds)})),
        ["version"] => Reply::json(StatusCode::OK, &version()),
        ["api"] if wants_aggregated(headers) => Reply::bytes(
            StatusCode::OK,
            AGGREGATED,
            discovery::aggregated(kinds, true),
        )
        .varying(),
        ["apis"] if wants_aggregated(headers) => Reply::bytes(
            StatusCode::OK,
            AGGREGATED,
            discovery::aggregated(kinds, false),
        )
        .varying(),
        ["api"] => Reply::json(StatusCode::OK, &discovery::core_versions("127.0.0.1")),
        ["apis"] => Reply::bytes(StatusCode::OK, JSON, discovery::group_list(kinds)).varying(),
        ["apis", group] => match discovery::group(kinds, group) {
            Some(document) => Reply::json(StatusCode::OK, &document),
            None => Reply::page_not_found(),
        },
        ["api", version] => resource_list(kinds, "", version),
        ["apis", group, version] => resource_list(kinds, group, version),
        ["openapi", "v2"] => {
            Reply::bytes(StatusCode::OK, openapi::v2::TYPE, openapi::v2::document())
        }
        ["openapi", "v3"] => Reply::bytes(StatusCode::OK, JSON, openapi::index(kinds)),
        ["openapi", "v3", "api", version] => openapi_document(kinds, "", version),
        ["openapi", "v3", "apis", group, version] => openapi_document(kinds, group, version),
        _ => Reply::page_not_found(),
    }
}

/// The checks of a server that answers at all: each of them, or all.
fn healthy(health: &str, check: &[&str], query: &Query) -> Reply {
    match check {
        [] if query.get("verbose").is_some() => {
            let checks = CHECKS.map(|check| format!("[+]{check} ok\n")).concat();
            Reply::owned_text(format!("{checks}{health} check passed\n"))
        }
        [] => Reply::text(StatusCode::OK, "ok"),
        [check] if CHECKS.contains(check) => Reply::text(StatusCode::OK, "ok"),
        _ => Reply::page_not_found(),
    }
}

/// Whether a document is only for GET, and in the media types there are. The others are for any method.
fn is_strict(kinds: &Kinds, parts: &[&str]) -> bool {
    match *parts {
        ["version" | "api"] => true,
        ["api", version] => kinds.has_version("", version),
        ["apis", group, version] => {
            let mut of_group = kinds.resources().filter(|kind| kind.group == group);
            kinds.has_version(group, version) && of_group.all(|kind| kind.custom().is_none())
        }
        _ => false,
    }
}

fn accepts(headers: &HeaderMap, known: &[&str]) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.trim().is_empty()
        || ranges(accept)
            .iter()
            .any(|range| known.contains(&range.media))
}

fn resource_list(kinds: &Kinds, group: &str, version: &str) -> Reply {
    if kinds.has_version(group, version) {
        Reply::json(StatusCode::OK, &discovery::resources(kinds, group, version))
    } else {
        unknown(kinds, group)
    }
}

fn openapi_document(kinds: &Kinds, group: &str, version: &str) -> Reply {
    match openapi::document(kinds, group, version) {
        Some(document) => Reply::bytes(StatusCode::OK, JSON, document),
        None => Reply::page_not_found(),
    }
}

/// What is unknown inside a built-in group gets a Status, everything else text.
pub(super) fn unknown(kinds: &Kinds, group: &str) -> Reply {
    let built_in = kinds.has_group(group)
        && kinds
            .resources()
            .filter(|kind| kind.group == group)
            .all(|kind| kind.custom().is_none());
    if built_in {
        Reply::error(&ApiError::no_such_resource())
    } else {
        Reply::page_not_found()
    }
}

fn wants_aggregated(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let best = ranges(accept).into_iter().find(|range| {
        let plain = range.parameter("as").is_none();
        matches!(range.media, "application/json" | "*/*")
            && (plain || range.parameter("v") == Some("v2"))
    });
    best.is_some_and(|range| range.parameter("as") == Some("APIGroupDiscoveryList"))
}

fn version() -> serde_json::Value {
    json!({
        "major": "1", "minor": MINOR, "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "rust", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        "emulationMajor": "1", "emulationMinor": MINOR, "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
    })
}

fn paths(kinds: &Kinds) -> Vec<String> {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, versions) in kinds.groups.iter().filter(|(group, _)| !group.is_empty()) {
        paths.push(format!("/apis/{group}"));
        paths.extend(
            versions
                .iter()
                .map(|version| format!("/apis/{group}/{version}")),
        );
    }
    paths.extend(["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
    paths
}
