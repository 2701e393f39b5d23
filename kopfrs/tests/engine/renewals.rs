//! Credentials that are renewed before they expire.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Running, Status};

use crate::door::{Door, handled, names, registry, start};

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

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_before_the_old_credentials_end() {
    let bench = Bench::new(Status::Open).await;
    let door = Door::new(&bench, &[1, 2]);
    let given = door.clone();
    let expiry = Timestamp::now() + SignedDuration::from_mins(10);
    let operator = start(registry(&bench, &door, move |call| match call {
        0 => Ok(given.credentials(1).valid_until(expiry)),
        1 => Err(PermanentError::new("the identity provider is away").into()),
        _ => Ok(given.credentials(2)),
    }))
    .await;
    sleep(Duration::from_secs(545)).await;
    for n in 0..5 {
        bench
            .create(&format!("object-{n}"), json!({"size": 1}))
            .await;
        bench.until_handled(&format!("object-{n}")).await;
        sleep(Duration::from_secs(5)).await;
    }
    assert_eq!((handled(&bench), door.logins()), (names(5), 3));
    // Nobody talks to the server with the old ones any more.
    door.revoke(1);
    bench.create("object-5", json!({"size": 1})).await;
    bench.until_handled("object-5").await;
    assert_eq!((door.logins(), door.refused()), (3, 0));
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
