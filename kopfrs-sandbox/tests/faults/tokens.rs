//! Tokens that come and go.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs_sandbox::{OpenWatches, Proxy, Sandbox};
use kube::{
    Api, Client,
    api::{ListParams, WatchParams},
};

use crate::subject::refusal;

fn maps(client: Client) -> Api<ConfigMap> {
    Api::default_namespaced(client)
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_gets_the_401_of_a_real_server() {
    let sandbox = Sandbox::new();
    let tokens = sandbox.tokens();
    let token = tokens.issue("alice", ["developers"]);
    let maps = maps(sandbox.client_with_token(&token));
    maps.list(&ListParams::default()).await.expect("admitted");
    assert_eq!(sandbox.journal().requests()[0].user(), "alice");

    assert!(tokens.revoke(&token, OpenWatches::Keep));
    assert!(!tokens.revoke(&token, OpenWatches::Keep));
    let status = refusal(maps.list(&ListParams::default()).await);
    assert_eq!((status.code, &*status.reason), (401, "Unauthorized"));
    assert_eq!(status.message, "Unauthorized");
    assert_eq!(sandbox.journal().requests().status(401).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_for_some_time_ends_by_itself() {
    let sandbox = Sandbox::new();
    let token = sandbox
        .tokens()
        .issue_for(Duration::from_secs(60), "alice", ["developers"]);
    let maps = maps(sandbox.client_with_token(&token));
    tokio::time::sleep(Duration::from_secs(59)).await;
    maps.list(&ListParams::default()).await.expect("admitted");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(refusal(maps.list(&ListParams::default()).await).code, 401);
}

#[tokio::test(start_paused = true)]
async fn open_watches_of_a_revoked_token_go_on_or_end_as_asked() {
    for (watches, goes_on) in [(OpenWatches::Keep, true), (OpenWatches::End, false)] {
        let sandbox = Sandbox::new();
        let token = sandbox.tokens().issue("alice", ["developers"]);
        let events = maps(sandbox.client_with_token(&token))
            .watch(&WatchParams::default().timeout(30), "0")
            .await
            .expect("watching");
        sandbox.tokens().revoke(&token, watches);
        let yaml = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
        sandbox.apply_yaml(yaml).await.expect("applied");
        let seen: Vec<_> = events.try_collect().await.expect("no error");
        assert_eq!(!seen.is_empty(), goes_on, "{seen:?}");
    }
}

#[tokio::test]
async fn a_proxy_knows_its_own_tokens_and_passes_others_on() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.expect("serving");
    let proxy = Proxy::start(server.config()).await.expect("a proxy");
    let client = |token: &str| Client::try_from(proxy.config_with_token(token)).expect("a client");
    let list = async |client: Client| maps(client).list(&ListParams::default()).await;

    // The sandbox sees whom it has given the token to.
    let foreign = sandbox.tokens().issue("bob", ["developers"]);
    list(client(&foreign)).await.expect("admitted");
    let seen = sandbox.journal().requests();
    assert_eq!(seen.last().expect("a request").user(), "bob");

    // The proxy's own tokens stand for its credentials.
    let own = proxy.tokens().issue("carol", ["developers"]);
    list(client(&own)).await.expect("admitted");
    let seen = sandbox.journal().requests();
    assert_eq!(seen.last().expect("a request").user(), "kubernetes-admin");
    let seen = proxy.journal().requests();
    assert_eq!(seen.last().expect("a request").user(), "carol");

    proxy.tokens().revoke(&own, OpenWatches::End);
    assert_eq!(refusal(list(client(&own)).await).code, 401);
    let mut config = proxy.config();
    config.auth_info = kube::config::AuthInfo::default();
    let nobody = Client::try_from(config).expect("a client");
    assert_eq!(refusal(list(nobody).await).code, 401);
}

#[tokio::test]
async fn a_proxy_streams_watches_as_they_come() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.expect("serving");
    let proxy = Proxy::start(server.config()).await.expect("a proxy");
    let client = Client::try_from(proxy.config()).expect("a client");
    let events = maps(client)
        .watch(&WatchParams::default(), "0")
        .await
        .expect("watching");
    let mut events = events.boxed();
    for name in ["a", "b"] {
        let yaml = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}");
        sandbox.apply_yaml(&yaml).await.expect("applied");
        let event = events.next().await.expect("an event").expect("no error");
        let kube::api::WatchEvent::Added(map) = event else {
            panic!("{event:?}");
        };
        assert_eq!(map.metadata.name.as_deref(), Some(name));
    }
    let watches = proxy.journal().requests().verb("watch");
    assert!(watches[0].is_open() && watches[0].response_bytes() > 0);
    drop(events);
    proxy.stop().await;
}
