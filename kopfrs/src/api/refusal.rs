//! What the server means by an answer that is none: its status, when to come again, and what it would
//! take to be let in.

use std::time::Duration;

use http::header::{DATE, HeaderMap, RETRY_AFTER};
use http::{Method, Response};
use http_body_util::BodyExt as _;
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822;
use kube::core::Status;
use kube::core::response::StatusDetails;

use super::ApiError;

/// Nobody is made to wait longer, whatever the server says.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Reads the answer to a request that was not done.
pub(super) async fn refusal<B>(
    method: &Method,
    path: &str,
    response: Response<B>,
    now: Timestamp,
) -> ApiError
where
    B: http_body::Body,
{
    let (parts, body) = response.into_parts();
    let bytes = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let bytes = bytes.unwrap_or_default();
    let mut status = serde_json::from_slice::<Status>(&bytes).unwrap_or_else(|_| Status {
        message: String::from_utf8_lossy(&bytes).trim().to_owned(),
        reason: parts
            .status
            .canonical_reason()
            .unwrap_or_default()
            .to_owned(),
        ..Status::default()
    });
    status.code = parts.status.as_u16();
    if let Some(pause) = retry_after(&parts.headers, now) {
        let details = status.details.get_or_insert_with(|| StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        });
        details.retry_after_seconds = pause;
    }
    if let Some(details) = &mut status.details {
        let asked = Duration::from_secs(details.retry_after_seconds.into());
        details.retry_after_seconds = seconds(asked);
    }
    if status.code == 403
        && let Some(rule) = rule(method, path)
    {
        status.message = format!("{}; what allows it is {rule}", status.message);
    }
    ApiError::Status(Box::new(status))
}

/// The header, in seconds or as a date; a date is compared with the server's own clock if it is told.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    let date = |text: &str| Some(rfc2822::parse(text).ok()?.timestamp());
    let pause = match asked.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = text(DATE).and_then(date).unwrap_or(now);
            let pause = date(asked)?.duration_since(now);
            Duration::try_from(pause).unwrap_or_default()
        }
    };
    Some(seconds(pause))
}

/// As many as anybody is made to wait.
fn seconds(pause: Duration) -> u32 {
    let pause = pause.min(LONGEST_PAUSE);
    u32::try_from(pause.as_secs() + u64::from(pause.subsec_nanos() > 0)).unwrap_or(u32::MAX)
}

/// The rule of a role that would allow a request for resources.
fn rule(method: &Method, path: &str) -> Option<String> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    let group = match parts.next()? {
        "api" => "",
        "apis" => parts.next()?,
        _ => return None,
    };
    let _version = parts.next()?;
    let mut rest: Vec<&str> = parts.collect();
    if rest.len() > 2 && rest[0] == "namespaces" {
        rest.drain(..2);
    }
    let (plural, name) = (rest.first()?, rest.get(1));
    let is_watch = query
        .split('&')
        .any(|pair| pair == "watch=true" || pair == "watch=1");
    let verb = match (method.as_str(), name) {
        ("GET", _) if is_watch => "watch",
        ("GET", Some(_)) => "get",
        ("GET", None) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", Some(_)) => "delete",
        ("DELETE", None) => "deletecollection",
        _ => return None,
    };
    let resource = match rest.get(2) {
        Some(subresource) => format!("{plural}/{subresource}"),
        None => (*plural).to_owned(),
    };
    Some(format!(
        r#"{{apiGroups: ["{group}"], resources: ["{resource}"], verbs: ["{verb}"]}}"#
    ))
}

#[cfg(test)]
mod tests {
    use kube::client::Body;

    use super::super::Failure;
    use super::*;

    fn now() -> Timestamp {
        "1994-11-06T08:49:00Z".parse().unwrap()
    }

    fn pause(headers: &[(&str, &str)]) -> Option<u32> {
        let mut response = Response::builder();
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        retry_after(response.body(()).unwrap().headers(), now())
    }

    #[test]
    fn the_server_may_say_when_to_come_again() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (headers, seconds) in [
            (&[][..], None),
            (&[("retry-after", "7")], Some(7)),
            (&[("retry-after", "0")], Some(0)),
            (&[("retry-after", "86400")], Some(300)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", date)], Some(37)),
            (
                &[
                    ("retry-after", date),
                    ("date", "Sun, 06 Nov 1994 08:49:30 GMT"),
                ],
                Some(7),
            ),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
        ] {
            assert_eq!(pause(headers), seconds, "{headers:?}");
        }
    }

    #[test]
    fn what_is_forbidden_names_the_rule_that_allows_it() {
        for (method, path, wanted) in [
            (
                Method::PATCH,
                "/apis/example.com/v1/namespaces/a/demos/b/status",
                Some(
                    r#"{apiGroups: ["example.com"], resources: ["demos/status"], verbs: ["patch"]}"#,
                ),
            ),
            (
                Method::GET,
                "/api/v1/pods?watch=true&resourceVersion=1",
                Some(r#"{apiGroups: [""], resources: ["pods"], verbs: ["watch"]}"#),
            ),
            (
                Method::GET,
                "/api/v1/namespaces?limit=500",
                Some(r#"{apiGroups: [""], resources: ["namespaces"], verbs: ["list"]}"#),
            ),
            (
                Method::GET,
                "/api/v1/namespaces/a",
                Some(r#"{apiGroups: [""], resources: ["namespaces"], verbs: ["get"]}"#),
            ),
            (Method::GET, "/version", None),
        ] {
            assert_eq!(rule(&method, path).as_deref(), wanted, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_days_whichever_way_the_server_asks_for_it() {
        let body = r#"{"kind": "Status", "code": 429, "details": {"retryAfterSeconds": 864000}}"#;
        let response = Response::builder().status(429);
        let response = response.body(Body::from(body.as_bytes().to_vec())).unwrap();
        let error = refusal(&Method::GET, "/api/v1/pods", response, now()).await;
        assert_eq!(error.suggested_pause(), Some(LONGEST_PAUSE));
    }

    #[tokio::test]
    async fn an_answer_that_is_no_status_is_told_as_it_is() {
        let response = Response::builder().status(502);
        let response = response.body(Body::from(b"bad gateway".to_vec())).unwrap();
        let error = refusal(&Method::GET, "/api/v1/pods", response, now()).await;
        assert_eq!(error.failure(), Failure::Transient);
        assert_eq!(error.to_string(), "bad gateway (status 502)");
    }
}
