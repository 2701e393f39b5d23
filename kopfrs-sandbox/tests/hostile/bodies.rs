//! Bodies that are broken, too large, too deep, or not what they say.

use http::Method;

use crate::subject::{Answer, MAPS, get, sandbox, write};

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Creates with each body; what comes is the code, and a message that contains the text.
async fn check(rows: &[(&str, &[u8], u16, &str)]) {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    for (content_type, body, code, text) in rows {
        let Answer(found, message) =
            write(&client, (Method::POST, MAPS), content_type, *body).await;
        let sent = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert_eq!(found, *code, "{content_type} {sent}: {message:.300}");
        assert!(
            message.contains(text),
            "{content_type} {sent}: {message:.300}"
        );
    }
    assert_eq!(get(&client, "/readyz").await, Answer(200, "ok".to_owned()));
}

#[tokio::test]
async fn what_is_not_in_the_format_it_says_is_a_bad_request() {
    let unrecognised = "the object provided is unrecognized (must be of type ConfigMap): ";
    check(&[
        (JSON, b"", 400, unrecognised),
        (JSON, b"{\"a\":", 400, unrecognised),
        (JSON, b"[]", 400, unrecognised),
        (JSON, b"\0\0\0", 400, unrecognised),
        (JSON, b"{} x", 400, unrecognised),
        (JSON, b"\xff\xfe", 400, unrecognised),
        (YAML, b"a: [b", 400, unrecognised),
        (YAML, b"a: \xff", 400, unrecognised),
        (YAML, b"%YAML 9.9\n---\n!!binary x", 400, ""),
        (
            PROTOBUF,
            b"\x01\x02\x03",
            400,
            "expected prefix [107 56 115 0]",
        ),
        (PROTOBUF, b"k8s\0\xff\xff\xff\xff", 400, "unexpected EOF"),
        (
            PROTOBUF,
            b"k8s\0\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            400,
            "unexpected EOF",
        ),
        (
            "application/cbor",
            b"\xd9\xd9\xf7\xff",
            415,
            "accepted media types include",
        ),
        ("text/plain", b"x", 415, "accepted media types include"),
        (";;;", b"{}", 415, "accepted media types include"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_the_limit() {
    let map = |size: usize| {
        let data = "x".repeat(size);
        format!(r#"{{"metadata":{{"name":"big"}},"data":{{"a":"{data}"}}}}"#).into_bytes()
    };
    let annotated = |size: usize| {
        let data = "x".repeat(size);
        let text = format!(r#"{{"metadata":{{"name":"big","annotations":{{"a":"{data}"}}}}}}"#);
        text.into_bytes()
    };
    let limit = "Request entity too large: limit is 3145728";
    check(&[
        (JSON, &map(4 * 1024 * 1024), 413, limit),
        (YAML, &map(3 * 1024 * 1024), 413, limit),
        (
            JSON,
            &map(1024 * 1024 + 1),
            422,
            "[]: Too long: may not be more than 1048576 bytes",
        ),
        (
            JSON,
            &annotated(300_000),
            422,
            "Too long: may not be more than 262144 bytes",
        ),
        (JSON, &map(1024 * 1024 - 1), 201, ""),
    ])
    .await;
}

#[tokio::test]
async fn what_is_too_deep_is_refused_before_anything_recurses() {
    let nested = |open: &str, close: &str, depth: usize| {
        let (open, close) = (open.repeat(depth), close.repeat(depth));
        format!(r#"{{"metadata":{{"name":"deep"}},"x":{open}1{close}}}"#).into_bytes()
    };
    // Messages of a recursive type in one another, each with its length.
    let mut schema = Vec::new();
    for _ in 0..60_000 {
        let mut length = schema.len();
        let mut outer = vec![0x0a];
        while length >= 0x80 {
            outer.push(0x80 | u8::try_from(length & 0x7f).expect("seven bits"));
            length >>= 7;
        }
        outer.push(u8::try_from(length).expect("seven bits"));
        outer.extend(&schema);
        schema = if outer.len() > 2000 { break } else { outer };
    }
    let mut envelope = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x80\x10".to_vec();
    envelope.extend(&schema);
    check(&[
        (
            JSON,
            &nested("[", "]", 100_000),
            400,
            "recursion limit exceeded",
        ),
        (
            JSON,
            &nested("{\"a\":", "}", 100_000),
            400,
            "recursion limit exceeded",
        ),
        (JSON, &b"[".repeat(1_000_000), 400, ""),
        (YAML, &nested("[", "]", 100_000), 400, ""),
        (YAML, &nested("{\"a\":", "}", 20_000), 400, ""),
        (YAML, &b"- ".repeat(100_000), 400, ""),
        (YAML, &b"? ".repeat(100_000), 400, ""),
        (JSON, &nested("[", "]", 100), 201, ""),
        (PROTOBUF, &envelope, 400, ""),
    ])
    .await;
}

#[tokio::test]
async fn bodies_of_deletions_and_reviews_are_as_bad_as_others() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let one = format!("{MAPS}/a");
    for body in [
        "{\"a\":",
        "[]",
        "\"x\"",
        "{\"preconditions\": 5}",
        "{\"kind\":\"Pod\"}",
    ] {
        let answer = write(&client, (Method::DELETE, &one), JSON, body).await;
        assert!(
            (400..500).contains(&answer.0) || answer.0 == 200,
            "{body}: {answer:?}"
        );
    }
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for body in [
        "",
        "[]",
        "{\"spec\":7}",
        "{\"spec\":{\"resourceAttributes\":[]}}",
    ] {
        let answer = write(&client, (Method::POST, reviews), JSON, body).await;
        assert!(answer.0 < 500, "{body}: {answer:?}");
    }
    let token = "/api/v1/namespaces/default/serviceaccounts/default/token";
    for body in [
        "[]",
        "{\"spec\":{\"expirationSeconds\":-9223372036854775808}}",
    ] {
        let answer = write(&client, (Method::POST, token), JSON, body).await;
        assert!(answer.0 < 500, "{body}: {answer:?}");
    }
}
