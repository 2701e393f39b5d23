//! The sandbox over TLS.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs_sandbox::Sandbox;
use kube::{
    Api, Client, Discovery,
    api::{ObjectMeta, PostParams, WatchParams},
};

#[tokio::test]
async fn a_client_with_the_token_gets_in_and_others_do_not() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.expect("serving");
    let client = Client::try_from(server.config()).expect("a client");
    let version = client.apiserver_version().await.expect("a version");
    assert_eq!(version.minor, "36");

    let mut config = server.config();
    config.auth_info = kube::config::AuthInfo::default();
    let stranger = Client::try_from(config).expect("a client");
    let maps: Api<ConfigMap> = Api::default_namespaced(stranger);
    let error = maps.get("x").await.expect_err("refused");
    assert!(matches!(error, kube::Error::Api(status) if status.code == 401));
    server.stop().await;
}

#[tokio::test]
async fn discovery_finds_all_kinds() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.expect("serving");
    let client = Client::try_from(server.config()).expect("a client");
    let old = Discovery::new(client.clone())
        .run()
        .await
        .expect("discovered");
    let new = Discovery::new(client)
        .run_aggregated()
        .await
        .expect("discovered");
    for discovery in [old, new] {
        assert!(discovery.has_group("apps"));
        let core = discovery.get("").expect("the core group");
        assert!(core.recommended_kind("ConfigMap").is_some());
    }
}

#[tokio::test]
async fn stopping_ends_watches() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.expect("serving");
    let maps: Api<ConfigMap> =
        Api::default_namespaced(Client::try_from(server.config()).expect("a client"));
    let events = maps
        .watch(&WatchParams::default(), "0")
        .await
        .expect("watching")
        .boxed();
    let metadata = ObjectMeta {
        name: Some("a".to_owned()),
        ..ObjectMeta::default()
    };
    maps.create(
        &PostParams::default(),
        &ConfigMap {
            metadata,
            ..ConfigMap::default()
        },
    )
    .await
    .expect("created");
    let (seen, ()) = tokio::join!(events.try_collect::<Vec<_>>(), server.stop());
    assert!(seen.is_ok_and(|events| events.len() <= 1));
}

#[cfg(unix)]
#[tokio::test]
async fn the_kubeconfig_is_private_and_complete() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.expect("serving");
    let file = std::env::temp_dir().join(format!("kopfrs-sandbox-test-{}", server.addr().port()));
    server.write_kubeconfig(&file).expect("written");
    let mode = std::fs::metadata(&file)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let kubeconfig = kube::config::Kubeconfig::read_from(&file).expect("read");
    std::fs::remove_file(&file).expect("removed");
    let config = kube::Config::from_custom_kubeconfig(
        kubeconfig,
        &kube::config::KubeConfigOptions::default(),
    )
    .await;
    let client = Client::try_from(config.expect("a configuration")).expect("a client");
    assert!(client.apiserver_version().await.is_ok());
}
