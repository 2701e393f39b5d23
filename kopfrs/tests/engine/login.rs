//! Credentials that end: refused, expired, renewed, or dead for good. No event may be lost, and no
//! server be asked too often.

use std::time::Duration;

use http::{Request, Response};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kopfrs::api::{Actions, Credentials};
use kopfrs::prelude::*;
use kube::client::Body;
use tokio::time::sleep;

use crate::bench::{Bench, Demo, Status};
use crate::logs::Log;

use crate::door::{Door, handled, names, registry, start};

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
async fn a_server_that_is_never_reached_is_said_once_with_the_reason() {
    let log = Log::start();
    let bench = Bench::new(Status::Open).await;
    let service = tower::service_fn(|_: Request<Body>| async {
        let reason = std::io::Error::other("the certificate is from somebody else");
        Err::<Response<Body>, _>(kube::Error::Service(reason.into()))
    });
    let credentials = Credentials::from_client(kube::Client::new(service, "default"));
    let operator = Operator::builder()
        .registry(Registry::new().add(on::create::<Demo>().id("create").run(bench.noting())))
        .credentials(credentials)
        .stop_when(sleep(Duration::from_secs(600)))
        .build()
        .unwrap();
    let watched = async {
        sleep(Duration::from_secs(5)).await;
        log.count("is not reached")
    };
    let (ended, soon) = tokio::join!(operator.run(), watched);
    ended.unwrap();
    assert_eq!((soon, log.count("is not reached")), (1, 1));
    assert!(log.count("the certificate is from somebody else") > 0);
}
