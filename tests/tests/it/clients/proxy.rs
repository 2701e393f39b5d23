//! The proxy in front of the cluster: what tests of operators rely on, on every cluster.

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs_sandbox::{
    OpenWatches, Proxy,
    fault::{Fault, On, Rule, StreamFault},
};
use kopfrs_tests::backend::Cluster;
use kube::api::{ObjectMeta, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};

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

#[test]
fn a_write_takes_effect_though_its_answer_is_lost() {
    let cluster = Cluster::get();
    cluster.block_on(async {
        let namespace = cluster.namespace("proxy").await;
        let proxy = cluster.proxy().await;
        let maps = maps(&proxy, namespace.name());
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
        namespace.delete().await;
    });
}

#[test]
fn watches_of_the_cluster_break_expire_and_end_with_their_token() {
    let cluster = Cluster::get();
    cluster.block_on(async {
        let namespace = cluster.namespace("proxy").await;
        let proxy = cluster.proxy().await;
        let maps = maps(&proxy, namespace.name());
        let made = maps.create(&PostParams::default(), &map("a")).await;
        made.expect("created");
        let fields = WatchParams::default().fields("metadata.name=a");

        let watches = On::verb("watch").resource("configmaps");
        let expired = Fault::stream(StreamFault::Expired).after_events(1);
        proxy.faults().inject(Rule::new(watches, expired).times(1));
        let events = maps.watch(&fields, "0").await.expect("watching");
        let events: Vec<_> = events.try_collect().await.expect("no broken stream");
        assert!(matches!(
            &events[..],
            [WatchEvent::Added(_), WatchEvent::Error(status)] if status.code == 410
        ));

        let events = maps.watch(&fields, "0").await.expect("watching");
        let token = proxy.token().to_owned();
        proxy.tokens().revoke(&token, OpenWatches::End);
        events.try_collect::<Vec<_>>().await.expect("an end");
        assert_eq!(code(maps.get("a").await), 401);
        namespace.delete().await;
    });
}
