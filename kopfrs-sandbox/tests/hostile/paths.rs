//! Paths that pretend to lead elsewhere.

use kube::Client;

use crate::subject::{Answer, MAPS, exchange, get, head, sandbox};

#[tokio::test]
async fn paths_lead_where_a_real_server_says_they_lead() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let nothing = "the server could not find the requested resource";
    let map = |path: &str| format!("{MAPS}/{path}");
    for (path, code, text) in [
        (map("a%2Fb"), 404, nothing),
        (map("%61"), 200, ""),
        (map("a%zz"), 400, "400 Bad Request"),
        (map("a%"), 400, "400 Bad Request"),
        (map("a%00b"), 404, "not found"),
        (map("a%ff"), 404, "not found"),
        (
            map("a%250"),
            400,
            "Name parameter invalid: \"a%0\": may not contain '%'",
        ),
        (
            map(".."),
            400,
            "Name parameter invalid: \"..\": may not be '..'",
        ),
        (
            map("%2e%2e"),
            400,
            "Name parameter invalid: \"..\": may not be '..'",
        ),
        (
            map("."),
            400,
            "Name parameter invalid: \".\": may not be '.'",
        ),
        (map(&"a".repeat(60_000)), 404, "not found"),
        (map(&"a/".repeat(20_000)), 404, nothing),
        (
            "/api/v1/namespaces/default%2Fkube-system/configmaps".to_owned(),
            404,
            nothing,
        ),
        (
            "/api/v1/namespaces/default/../../../version".to_owned(),
            404,
            nothing,
        ),
        ("/api/v1//namespaces/default".to_owned(), 404, nothing),
        (
            "//api//v1//namespaces".to_owned(),
            404,
            "404 page not found",
        ),
        ("/api/v1/namespaces/default/".to_owned(), 200, ""),
        ("/etc/passwd".to_owned(), 404, "404 page not found"),
        ("/apis/%2e%2e/%2e%2e/v1".to_owned(), 404, ""),
    ] {
        let Answer(found, message) = get(&client, &path).await;
        let shown = &path[..path.len().min(80)];
        assert_eq!(found, code, "{shown}: {message:.200}");
        assert!(message.contains(text), "{shown}: {message:.200}");
    }
}

#[tokio::test]
async fn encoded_slashes_reach_nothing_that_is_forbidden() {
    let sandbox = kopfrs_sandbox::Sandbox::builder().rbac(true).build();
    sandbox
        .apply_yaml(
            "
{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: kube-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules: [{apiGroups: [''], resources: [secrets], verbs: ['*']}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}]
",
        )
        .await
        .expect("applied");
    let token = sandbox.tokens().issue("alice", ["developers"]);
    let client: Client = sandbox.client_with_token(&token);
    assert_eq!(
        get(&client, "/api/v1/namespaces/default/secrets").await.0,
        200
    );
    for path in [
        "/api/v1/namespaces/kube-system/secrets/s",
        "/api/v1/namespaces/default/..%2Fkube-system/secrets/s",
        "/api/v1/namespaces/default%2F..%2Fkube-system/secrets/s",
        "/api/v1/namespaces/default/secrets/..%2F..%2Fkube-system%2Fsecrets%2Fs",
        "/api/v1/namespaces/default/secrets/%2e%2e/s",
        "/api/v1/namespaces//secrets/s",
        "/api/v1/secrets",
    ] {
        let answer = get(&client, path).await;
        assert!((400..500).contains(&answer.0), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn heads_of_requests_are_judged_as_by_a_real_server() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let version = head(&server, "GET /version HTTP/1.1") + "Connection: close\r\n";
    let post = head(&server, &format!("POST {MAPS} HTTP/1.1")) + "Connection: close\r\n";
    let long = format!("X-Long: {}\r\n", "a".repeat(100_000));
    let longer = format!("X-Long: {}\r\n", "a".repeat(2_000_000));
    let many: String = (0..500).fold(String::new(), |all, n| all + &format!("X-{n}: a\r\n"));
    for (bytes, expected) in [
        (format!("{version}\r\n"), "HTTP/1.1 200"),
        (format!("{version}{long}\r\n"), "HTTP/1.1 200"),
        (format!("{version}{many}\r\n"), "HTTP/1.1 200"),
        (format!("{version}foo bar\r\n\r\n"), "HTTP/1.1 400"),
        (
            format!("{post}Content-Length: -2\r\n\r\n{{}}"),
            "HTTP/1.1 400",
        ),
        (
            format!("{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
            "HTTP/1.1 400",
        ),
        (
            format!("{post}Content-Length: 99999999999999999999\r\n\r\n{{}}"),
            "HTTP/1.1 400",
        ),
        (
            format!("{post}Transfer-Encoding: bogus\r\n\r\n"),
            "HTTP/1.1 400",
        ),
        (
            format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
            "HTTP/1.1 400",
        ),
        (
            format!("{post}Content-Length: 5\r\n\r\n{{\"metadata\"}}"),
            "HTTP/1.1 400",
        ),
        (
            "GET /version HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
            "HTTP/1.1 400",
        ),
        (
            "GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(),
            "HTTP/1.1 401",
        ),
        ("GET /version\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        ("\0\u{1}garbage\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        (
            head(&server, "GET /version HTTP/1.0") + "\r\n",
            "HTTP/1.0 200",
        ),
        (
            head(&server, "FOO /version HTTP/1.1") + "Connection: close\r\n\r\n",
            "HTTP/1.1 405",
        ),
        (
            head(&server, "GET http://evil/version HTTP/1.1") + "Connection: close\r\n\r\n",
            "HTTP/1.1 200",
        ),
    ] {
        let answer = exchange(&server, &bytes).await;
        let shown = &bytes[..bytes.len().min(200)];
        assert!(answer.starts_with(expected), "{shown}\n{answer:.300}");
    }
    // Sent whole before the answer is read, so that it may be lost when the other side closes.
    let answer = exchange_lossy(&server, &format!("{version}{longer}\r\n")).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer:.300}"
    );
    server.stop().await;
}

async fn exchange_lossy(endpoint: &kopfrs_sandbox::Endpoint, text: &str) -> String {
    use tokio::io::AsyncWriteExt;
    let mut stream = crate::subject::connect(endpoint, &[b"http/1.1"]).await;
    let _ = stream.write_all(text.as_bytes()).await;
    crate::subject::read_to_end(&mut stream).await
}
