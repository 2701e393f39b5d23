use std::sync::atomic::{AtomicUsize, Ordering};

use kopfrs::settings::WebhookServer;
use kube::api::PostParams;

use super::*;

/// How many requests are sent at most until certificates have changed, and how many more after that.
const REQUESTS: (usize, usize) = (200, 20);
/// Renewed after 40 s, shown 7 s later, and 13 s before the old one has expired: a busy machine may be late.
const LIFETIME: Duration = Duration::from_secs(60);

async fn rotated(cluster: Cluster, replicas: usize) {
    cluster.install::<Ticket>().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let mut running = Vec::new();
    for _ in 0..replicas {
        let count = asked.clone();
        let check = move || {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(())
        };
        let handler = on::validate::<Ticket>().id("check").persistent(true);
        let handlers = Registry::new().add(handler.run(check));
        let server = WebhookServer::new()
            .lifetime(LIFETIME)
            .secret(cluster.namespace(), "webhooks");
        let setup = cluster.operator().handlers(handlers);
        let setup = setup.settings(|settings| settings.admission.server = Some(server));
        running.push(setup.webhooks().start().await);
    }
    let api = api(&cluster);
    let secrets = cluster.objects::<k8s_openapi::api::core::v1::Secret>();
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let mut shown: Vec<Value> = Vec::new();
    let (mut sent, mut more) = (0, REQUESTS.1);
    while sent < REQUESTS.0 && more > 0 {
        let made = api.create(&dry, &ticket(&format!("t{sent}"), 1)).await;
        assert!(made.is_ok(), "request {sent}: {made:?}");
        sent += 1;
        let secret = secrets.get("webhooks").await.data.unwrap_or_default();
        let present = json!(secret["tls.crt"]);
        if shown.last() != Some(&present) {
            shown.push(present);
        }
        if shown.len() > 1 {
            more -= 1;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(asked.load(Ordering::Relaxed), sent);
    assert!(shown.len() > 1, "the certificate has not changed");
    for operator in running {
        operator.stop().await;
    }
}

#[kopfrs::test(wire)]
async fn no_request_fails_while_certificates_change(cluster: Cluster) {
    rotated(cluster, 1).await;
}

#[kopfrs::test(wire)]
async fn replicas_share_the_certificates_of_a_secret(cluster: Cluster) {
    rotated(cluster, 2).await;
}

#[kopfrs::test]
async fn a_secret_of_somebody_else_is_left_alone(cluster: Cluster) {
    let name = "foreign";
    let yaml = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: {name}}}, stringData: {{a: b}}}}"
    );
    cluster.apply(&yaml).await;
    cluster.install::<Ticket>().await;
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(async || {}));
    let server = WebhookServer::new().secret(cluster.namespace(), name);
    let setup = cluster.operator().handlers(handlers);
    let setup = setup.settings(|settings| settings.admission.server = Some(server));
    let operator = setup.webhooks().launch().await;
    operator.until_said("is not of our making").await;
    let secret = cluster
        .objects::<k8s_openapi::api::core::v1::Secret>()
        .get(name)
        .await;
    assert_eq!(secret.data.unwrap().len(), 1);
    operator.stop().await;
}

/// A port that nobody listens on.
pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Sends a question as the API server does, and gives the code and the text of the answer.
pub(super) async fn ask(url: &str, question: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let length = question.len();
    let request = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nx-test: Yes\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{question}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (code, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[kopfrs::test(wire)]
async fn questions_that_make_no_sense_are_told_so(cluster: Cluster) {
    cluster.install::<Ticket>().await;
    let port = free_port();
    let server = WebhookServer::new()
        .insecure(true)
        .port(port)
        .path("/hooks");
    let check = async |cause: Arc<Invocation<AdmissionCause>>| {
        assert_eq!(cause.cause.headers.get("X-Test"), Some("Yes"));
    };
    let second = async |warnings: Warnings| warnings.push("second");
    let handlers = Registry::new()
        .add(on::validate::<Ticket>().id("check").run(check))
        .add(on::validate::<Ticket>().id("second").run(second));
    let setup = cluster.operator().handlers(handlers);
    let setup = setup.settings(|settings| settings.admission.server = Some(server));
    let operator = setup.start().await;
    operator.until_said("serving webhooks at").await;
    let url = format!("http://127.0.0.1:{port}/hooks");
    let question = |resource: &str| {
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "operation": "CREATE", "namespace": cluster.namespace(),
            "resource": {"group": "admission.kopfrs.dev", "version": "v1", "resource": resource},
            "userInfo": {"username": "x"},
            "object": {"metadata": {"name": "a"}},
        }})
    };
    let mut lacking = question("tickets");
    lacking["request"]["userInfo"].take();
    let mut nothing = question("tickets");
    nothing["request"]["object"].take();
    for (path, question, expected) in [
        ("/", "no json".to_owned(), (400, "no JSON")),
        (
            "/",
            json!({"kind": "Pod"}).to_string(),
            (400, "Pod is neither"),
        ),
        (
            "/",
            json!({"kind": "AdmissionReview"}).to_string(),
            (400, "`request` is missing"),
        ),
        (
            "/",
            lacking.to_string(),
            (400, "`request.userInfo` is missing"),
        ),
        (
            "/",
            nothing.to_string(),
            (400, "`request.oldObject` are missing"),
        ),
        (
            "/check",
            question("others").to_string(),
            (404, "no handler here is for others.v1.admission.kopfrs.dev"),
        ),
    ] {
        let (code, text) = ask(&format!("{url}{path}"), &question).await;
        assert!(
            code == expected.0 && text.contains(expected.1),
            "{code} {text}"
        );
    }
    // The bare path asks everybody, others ask one.
    let good = question("tickets").to_string();
    for (path, warnings) in [
        ("", json!(["second"])),
        ("/second", json!(["second"])),
        ("/check", Value::Null),
    ] {
        let (code, text) = ask(&format!("{url}{path}"), &good).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, &answer["response"]["allowed"]), (200, &json!(true)));
        assert_eq!(answer["response"]["warnings"], warnings);
        assert_eq!(answer["response"]["uid"], "u");
    }
    operator.stop().await;
}

/// Says something to an operator's endpoint and nothing more, and gives what is answered until it closes the connection.
async fn stalled(cluster: &Cluster, said: &str, patience: Duration) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    cluster.install::<Ticket>().await;
    let port = free_port();
    let server = WebhookServer::new().insecure(true).port(port);
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(async || {}));
    let setup = cluster.operator().handlers(handlers);
    let setup = setup.settings(|settings| settings.admission.server = Some(server));
    let operator = setup.start().await;
    operator.until_said("serving webhooks at").await;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    stream.write_all(said.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    let _ = tokio::time::timeout(patience, read).await.unwrap();
    operator.stop().await;
    answer
}

#[kopfrs::test(wire)]
async fn whoever_does_not_say_what_it_wants_is_cut(cluster: Cluster) {
    let patience = Duration::from_secs(15);
    assert_eq!(stalled(&cluster, "POST /check HT", patience).await, "");
}

#[kopfrs::test(wire)]
async fn whoever_does_not_send_what_it_has_announced_is_told_so(cluster: Cluster) {
    let said = "POST /check HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    let answer = stalled(&cluster, said, Duration::from_secs(60)).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[kopfrs::test(wire)]
async fn whoever_announces_too_much_is_refused(cluster: Cluster) {
    let said = "POST /check HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n{";
    let answer = stalled(&cluster, said, Duration::from_secs(15)).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}
