//! Credentials that end: refused, expired, renewed, or dead for good. No event may be lost, and no
//! server be asked too often.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kopfrs::api::{Actions, Credentials};
use kopfrs::prelude::*;
use kube::client::Body;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Running, Status};
use crate::logs::Log;

/// A server that knows who may come in: those with a token that was not revoked.
#[derive(Clone)]
struct Door {
    client: kube::Client,
    good: Arc<Mutex<HashSet<u32>>>,
    /// Changes with each revocation; watches end then.
    revoked: Arc<watch::Sender<u32>>,
    refused: Arc<AtomicUsize>,
    logins: Arc<AtomicUsize>,
}

impl Door {
    fn new(bench: &Bench, tokens: &[u32]) -> Self {
        Self {
            client: bench.client.clone(),
            good: Arc::new(Mutex::new(tokens.iter().copied().collect())),
            revoked: Arc::new(watch::Sender::new(0)),
            refused: Arc::default(),
            logins: Arc::default(),
        }
    }

    fn admit(&self, token: u32) {
        self.good.lock().unwrap().insert(token);
    }

    fn revoke(&self, token: u32) {
        self.good.lock().unwrap().remove(&token);
        self.revoked.send_modify(|count| *count += 1);
    }

    fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }

    fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Credentials that carry a token.
    fn credentials(&self, token: u32) -> Credentials {
        let door = self.clone();
        let service = tower::service_fn(move |request| door.clone().answer(token, request));
        Credentials::from_client(kube::Client::new(service, "default"))
    }

    async fn answer(
        self,
        token: u32,
        request: Request<Body>,
    ) -> Result<Response<impl http_body::Body<Data = bytes::Bytes, Error = kube::Error>>, kube::Error>
    {
        let mut revoked = self.revoked.subscribe();
        let is_good = self.good.lock().unwrap().contains(&token);
        let response = if is_good {
            self.client.send(request).await?
        } else {
            self.refused.fetch_add(1, Ordering::SeqCst);
            let status = json!({"kind": "Status", "code": 401, "reason": "Unauthorized"});
            let body = Body::from(status.to_string().into_bytes());
            Response::builder().status(401).body(body).unwrap()
        };
        Ok(response.map(|body| {
            let ended = async move { drop(revoked.changed().await) };
            let frames = body.into_data_stream().take_until(Box::pin(ended));
            StreamBody::new(frames.map(|frame| frame.map(http_body::Frame::data)))
        }))
    }
}

fn registry(
    bench: &Bench,
    door: &Door,
    give: impl Fn(usize) -> Result<Credentials> + Clone + Send + Sync + 'static,
) -> Registry {
    let logins = door.logins.clone();
    let login = on::login().id("login").run(move || {
        let given = give(logins.fetch_add(1, Ordering::SeqCst));
        std::future::ready(given)
    });
    Registry::new()
        .add(login)
        .add(on::create::<Demo>().id("create").run(bench.noting()))
}

async fn start(registry: Registry) -> Running {
    Running::start(Operator::builder().registry(registry)).await
}

/// The objects that were handled, each as often as it was.
fn handled(bench: &Bench) -> Vec<String> {
    let mut names: Vec<_> = bench
        .calls
        .all()
        .into_iter()
        .map(|call| call.name)
        .collect();
    names.sort();
    names
}

fn names(count: usize) -> Vec<String> {
    let mut names: Vec<_> = (0..count).map(|n| format!("object-{n}")).collect();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn one_login_is_enough_for_all_requests_that_are_refused() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1, 2]);
    let given = door.clone();
    let operator = start(registry(&bench, &door, move |call| {
        Ok(given.credentials(if call == 0 { 1 } else { 2 }))
    }))
    .await;
    bench.create("object-0", json!({"size": 1})).await;
    bench.until_handled("object-0").await;

    door.revoke(1);
    for n in 1..50 {
        bench
            .create(&format!("object-{n}"), json!({"size": 1}))
            .await;
    }
    for name in names(50) {
        bench.until_handled(&name).await;
    }
    assert_eq!(handled(&bench), names(50));
    assert_eq!(door.logins(), 2);
    assert!(door.refused() > 0);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn many_refusals_at_once_lead_to_one_login() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1, 2]);
    let (given, logins) = (door.clone(), door.clone());
    let registry = registry(&bench, &door, move |call| {
        Ok(given.credentials(if call == 0 { 1 } else { 2 }))
    });
    // The handlers are all at their own requests when the token is taken away.
    let revoking = door.clone();
    let reading = on::update::<Demo>()
        .id("read")
        .run(bench.handler(move |call| {
            let revoking = revoking.clone();
            async move {
                sleep(Duration::from_secs(10)).await;
                revoking.revoke(1);
                let actions = Actions::new(call.environment.client().unwrap().clone());
                let mut map = ConfigMap::default();
                map.metadata.name = Some(format!("of-{}", call.cause.body.name()));
                map.metadata.namespace = Some("default".into());
                actions.create(&mut map).await?;
                Ok(())
            }
        }));
    let operator = start(registry.add(reading)).await;
    for name in names(40) {
        bench.create(&name, json!({"size": 1})).await;
    }
    for name in names(40) {
        bench.until_handled(&name).await;
    }
    bench.calls.clear();
    for name in names(40) {
        bench.merge(&name, json!({"spec": {"size": 2}})).await;
    }
    for name in names(40) {
        bench.until_handled(&name).await;
    }
    assert_eq!(
        handled(&bench),
        names(40),
        "none has failed, none is repeated"
    );
    assert_eq!(logins.logins(), 2);
    assert!(door.refused() >= 40, "{}", door.refused());
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_nobody_may_come_in_is_handled_later() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1]);
    let given = door.clone();
    let operator = start(registry(&bench, &door, move |call| {
        // The second token is not yet good when it is given.
        Ok(given.credentials(if call == 0 { 1 } else { 2 }))
    }))
    .await;
    door.revoke(1);
    sleep(Duration::from_secs(1)).await;
    bench.create("object-0", json!({"size": 1})).await;
    bench.create("object-1", json!({"size": 1})).await;
    bench.merge("object-1", json!({"spec": {"size": 2}})).await;
    sleep(Duration::from_secs(300)).await;
    assert_eq!(handled(&bench), names(0));
    door.admit(2);
    bench.until_handled("object-0").await;
    bench.until_handled("object-1").await;
    assert_eq!(handled(&bench), names(2));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn credentials_are_renewed_shortly_before_they_expire() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1, 2, 3, 4, 5, 6, 7, 8]);
    let given = door.clone();
    let started = Instant::now();
    let base = Timestamp::now();
    let moments = Arc::new(Mutex::new(Vec::new()));
    let noted = moments.clone();
    let operator = start(registry(&bench, &door, move |call| {
        let elapsed = started.elapsed();
        noted.lock().unwrap().push(elapsed.as_secs());
        let expiry =
            base + SignedDuration::try_from(elapsed).unwrap() + SignedDuration::from_mins(10);
        let token = u32::try_from(call).unwrap() + 1;
        Ok(given.credentials(token).valid_until(expiry))
    }))
    .await;
    for minute in 0..30 {
        bench
            .create(&format!("object-{minute}"), json!({"size": 1}))
            .await;
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(handled(&bench), names(30));
    let moments = moments.lock().unwrap().clone();
    assert_eq!(moments.len(), 4, "{moments:?}");
    for pair in moments.windows(2) {
        let between = pair[1] - pair[0];
        assert!((540..600).contains(&between), "{moments:?}");
    }
    assert_eq!(door.refused(), 0);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn dead_credentials_are_asked_for_ever_more_rarely_and_said_once() {
    let log = Log::start();
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1]);
    let same = door.credentials(1);
    let operator = start(registry(&bench, &door, move |_| Ok(same.clone()))).await;
    door.revoke(1);
    bench.create("object-0", json!({"size": 1})).await;
    sleep(Duration::from_secs(600)).await;
    // 1, 2, 4, … 32, then every 60 s.
    assert!((8..=17).contains(&door.logins()), "{}", door.logins());
    assert!(door.refused() <= 100, "{}", door.refused());
    assert_eq!(log.count("goes on asking for credentials"), 1);

    door.admit(1);
    bench.until_handled("object-0").await;
    assert_eq!(handled(&bench), names(1));
    assert_eq!(log.count("logged in to"), 1);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn ever_new_credentials_that_are_refused_are_no_endless_loop() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1]);
    let given = door.clone();
    let operator = start(registry(&bench, &door, move |call| {
        Ok(given.credentials(u32::try_from(call).unwrap() + 1))
    }))
    .await;
    door.revoke(1);
    sleep(Duration::from_secs(600)).await;
    assert!((8..=17).contains(&door.logins()), "{}", door.logins());
    assert!(door.refused() <= 100, "{}", door.refused());
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_login_that_fails_later_is_tried_again() {
    let log = Log::start();
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1, 2]);
    let given = door.clone();
    let operator = start(registry(&bench, &door, move |call| match call {
        0 => Ok(given.credentials(1)),
        1..=5 => Err(PermanentError::new("the identity provider is away").into()),
        _ => Ok(given.credentials(2)),
    }))
    .await;
    door.revoke(1);
    bench.create("object-0", json!({"size": 1})).await;
    bench.until_handled("object-0").await;
    assert_eq!(handled(&bench), names(1));
    assert_eq!(door.logins(), 7);
    assert_eq!(log.count("goes on asking for credentials"), 1);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn credentials_are_used_by_their_rank() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1, 2]);
    let (first, second) = (door.credentials(1), door.credentials(2).priority(10));
    let give = |credentials: Credentials| {
        move || std::future::ready(Ok::<_, kopfrs::handler::HandlerError>(credentials.clone()))
    };
    let registry = registry(&bench, &door, move |_| Ok(first.clone()))
        .add(on::login().id("better").run(give(second)));
    let operator = start(registry).await;
    // Nobody has come with the first token so far, or this would be noticed.
    door.revoke(1);
    bench.create("object-0", json!({"size": 1})).await;
    bench.until_handled("object-0").await;
    assert_eq!(door.refused(), 0);
    door.admit(1);
    door.revoke(2);
    bench.create("object-1", json!({"size": 1})).await;
    bench.until_handled("object-1").await;
    assert_eq!(handled(&bench), names(2));
    assert_eq!(door.logins(), 1, "there were others left");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_without_credentials_does_not_start() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[]);
    for (give, why) in [
        (
            Err("the identity provider is away"),
            "the identity provider is away",
        ),
        (Ok(-1), "have expired already"),
    ] {
        let given = door.clone();
        let registry = registry(&bench, &door, move |_| match give {
            Ok(offset) => Ok(given
                .credentials(1)
                .valid_until(Timestamp::now() + SignedDuration::from_secs(offset))),
            Err(error) => Err(PermanentError::new(error).into()),
        });
        let operator = Operator::builder().registry(registry).build().unwrap();
        let error = operator.run().await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_stops_nobody_while_the_credentials_are_good() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1, 2]);
    let (given, logins) = (door.clone(), door.logins.clone());
    let expiry = Timestamp::now() + SignedDuration::from_mins(10);
    let login = on::login().id("login").run(move || {
        let (given, call) = (given.clone(), logins.fetch_add(1, Ordering::SeqCst));
        async move {
            if call > 0 {
                sleep(Duration::from_secs(90)).await;
                return Ok::<_, kopfrs::handler::HandlerError>(given.credentials(2));
            }
            Ok(given.credentials(1).valid_until(expiry))
        }
    });
    let create = on::create::<Demo>().id("create").run(bench.noting());
    let operator = start(Registry::new().add(login).add(create)).await;
    sleep(Duration::from_secs(545)).await;
    let began = Instant::now();
    bench.create("object-0", json!({"size": 1})).await;
    bench.until_handled("object-0").await;
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    // Meanwhile the old ones end, and the login goes on to its end.
    sleep(Duration::from_secs(120)).await;
    bench.create("object-1", json!({"size": 1})).await;
    bench.until_handled("object-1").await;
    assert_eq!((handled(&bench), door.logins()), (names(2), 2));
    operator.stop().await;
}

#[tokio::test]
async fn a_plugin_is_called_again_before_what_it_gave_expires() {
    let bench = Bench::new(Status::Open).await;
    let server = bench.sandbox.serve().await.unwrap();
    let folder = std::env::temp_dir().join(format!("kopfrs-plugin-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (kubeconfig, calls) = (folder.join("kubeconfig"), folder.join("calls"));
    let write = |name: &str| {
        let script = format!(
            r#"echo {name} >> {calls}; printf '{{"status": {{"token": "{token}", "expirationTimestamp": "%s"}}}}' $(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)"#,
            calls = calls.display(),
            token = server.token(),
        );
        let exec = json!({
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "sh",
                "args": ["-c", script],
                "interactiveMode": "Never",
            },
        });
        let text = server.kubeconfig();
        let token = format!("user:\n    token: {}", server.token());
        assert!(text.contains(&token), "{text}");
        std::fs::write(&kubeconfig, text.replace(&token, &format!("user: {exec}"))).unwrap();
    };
    write("first");
    let credentials = login::kubeconfig(Some(kubeconfig.clone()), None)
        .await
        .unwrap();
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()));
    let builder = Operator::builder()
        .registry(registry)
        .credentials(credentials);
    let operator = Running::start(builder).await;
    // What is in the kubeconfig by then counts.
    write("second");
    let mut count = 0;
    bench
        .until("the second call of the plugin", || {
            let name = format!("object-{count}");
            let (bench, calls) = (&bench, &calls);
            count += 1;
            async move {
                bench.create(&name, json!({"size": 1})).await;
                bench.until_handled(&name).await;
                std::fs::read_to_string(calls).unwrap().contains("second")
            }
        })
        .await;
    let called = std::fs::read_to_string(&calls).unwrap();
    assert_eq!(called.matches("first").count(), 1, "once a login");
    assert_eq!(handled(&bench).len(), count);
    operator.stop().await;
    server.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}
