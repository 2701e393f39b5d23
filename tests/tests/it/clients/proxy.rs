//! The proxy in front of the cluster: what tests of operators rely on, on every cluster.

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::testing::Cluster;
use kopfrs_sandbox::{
    OpenWatches, Proxy,
    fault::{Fault, On, Rule, StreamFault},
};
use kube::api::{ObjectMeta, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

async fn proxy(cluster: &Cluster) -> Proxy {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let proxy = Proxy::start(config.expect("a configuration")).await;
    proxy.expect("a proxy")
}

fn maps(proxy: &Proxy, namespace: &str) -> Api<ConfigMap> {
    let mut config = proxy.config();
    // What goes wrong shall be seen.
    config.default_retry = false;
    Api::namespaced(Client::try_from(config).expect("a client"), namespace)
}

fn map(name: &str) -> ConfigMap {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    };
    ConfigMap {
        metadata,
        ..ConfigMap::default()
    }
}

fn code<T: std::fmt::Debug>(result: kube::Result<T>) -> u16 {
    match result {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("no refusal: {other:?}"),
    }
}

#[kopfrs::test(wire)]
async fn a_write_takes_effect_though_its_answer_is_lost(cluster: Cluster) {
    let proxy = proxy(&cluster).await;
    let maps = maps(&proxy, cluster.namespace());
    let creates = On::verb("create").resource("configmaps");
    let lost = Rule::new(creates.clone(), Fault::reset().after_effect()).times(1);
    let refused = Rule::new(creates, Fault::status(500)).times(1);
    proxy.faults().inject(lost);
    proxy.faults().inject(refused);
    assert!(
        maps.create(&PostParams::default(), &map("a"))
            .await
            .is_err()
    );
    assert_eq!(
        code(maps.create(&PostParams::default(), &map("b")).await),
        500
    );
    assert!(maps.get("a").await.is_ok());
    assert_eq!(code(maps.get("b").await), 404);
}

#[kopfrs::test(wire)]
async fn watches_of_the_cluster_break_expire_and_end_with_their_token(cluster: Cluster) {
    let proxy = proxy(&cluster).await;
    let maps = maps(&proxy, cluster.namespace());
    let made = maps.create(&PostParams::default(), &map("a")).await;
    made.expect("created");
    // Bookmarks come when a server likes.
    let fields = WatchParams::default()
        .fields("metadata.name=a")
        .disable_bookmarks();

    let watches = On::verb("watch").resource("configmaps");
    let expired = Fault::stream(StreamFault::Expired).after_events(1);
    proxy.faults().inject(Rule::new(watches, expired).times(1));
    let events = maps.watch(&fields, "0").await.expect("watching");
    let events: Vec<_> = events.try_collect().await.expect("no broken stream");
    let is_so = matches!(
        &events[..],
        [WatchEvent::Added(_), WatchEvent::Error(status)] if status.code == 410
    );
    assert!(is_so, "{events:?}");

    let events = maps.watch(&fields, "0").await.expect("watching");
    let token = proxy.token().to_owned();
    proxy.tokens().revoke(&token, OpenWatches::End);
    events.try_collect::<Vec<_>>().await.expect("an end");
    assert_eq!(code(maps.get("a").await), 401);
}
