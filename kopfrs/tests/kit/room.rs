//! Each test has a room of its own, and leaves it empty.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kopfrs::prelude::*;
use kopfrs::testing::{Backend, Cluster, Test};
use kube::api::{Api, ListParams};

use crate::subject::{Gauge, gauge, showing};

/// Makes all that a test can leave behind, a finalizer included that nobody is going to remove.
async fn litter(cluster: Cluster) -> [String; 3] {
    cluster.install::<Gauge>().await;
    let operator = cluster.operator().handlers(showing()).start().await;
    cluster.objects().create(&gauge("a", 1)).await;
    operator.until_settled().await;
    let held = cluster.objects::<Gauge>().get("a").await;
    assert_eq!(held.metadata.finalizers.map(|all| all.len()), Some(1));
    let role = cluster.another_namespace("role").await;
    cluster
        .apply(&format!("{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: {role}}}}}"))
        .await;
    let other = cluster.another_namespace("other").await;
    [cluster.namespace().to_owned(), other, role]
}

#[test]
fn nothing_stays_behind() {
    let [own, other, role] = Test::new("litter").wire().run(litter);
    Test::new("after").wire().run(async |cluster: Cluster| {
        let namespaces: Api<Namespace> = Api::all(cluster.client());
        for name in [own, other] {
            cluster
                .until(format!("the end of {name}"), async || {
                    namespaces.get_opt(&name).await.unwrap().is_none()
                })
                .await;
        }
        let roles: Api<ClusterRole> = Api::all(cluster.client());
        assert!(roles.get_opt(&role).await.unwrap().is_none());
    });
}

#[test]
fn what_a_failed_test_has_made_is_removed_as_well() {
    let name = std::sync::Mutex::new(String::new());
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Test::new("failed").wire().run(async |cluster: Cluster| {
            let [own, ..] = litter(cluster).await;
            name.lock().unwrap().clone_from(&own);
            panic!("after all that");
        });
    }));
    assert!(failed.is_err());
    let name = name
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    Test::new("after").wire().run(async |cluster: Cluster| {
        let namespaces: Api<Namespace> = Api::all(cluster.client());
        let gone = async || namespaces.get_opt(&name).await.unwrap().is_none();
        cluster.until(format!("the end of {name}"), gone).await;
    });
}

async fn alone(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let operator = cluster.operator().handlers(showing()).start().await;
    cluster.objects().create(&gauge("same-name", 1)).await;
    operator.until_settled().await;
    assert_eq!(operator.calls().ids(), ["create"]);
    assert_eq!(cluster.objects::<Gauge>().list().await.len(), 1);
    operator.stop().await;
    assert_eq!(cluster.log().count("the size is"), 1, "{}", cluster.log());
}

#[test]
fn tests_run_side_by_side() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Test::new("alone").run(alone));
            scope.spawn(|| Test::new("alone").wire().run(alone));
        }
    });
}

#[kopfrs::test]
async fn the_default_namespace_of_the_client_is_that_of_the_test(cluster: Cluster) {
    cluster
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
        .await;
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let all = maps
        .list(&ListParams::default().fields("metadata.name=a"))
        .await
        .unwrap();
    assert_eq!(
        all.items[0].namespace().as_deref(),
        Some(cluster.namespace())
    );
}

#[kopfrs::test(wire)]
async fn other_programs_find_their_way(cluster: Cluster) {
    let text = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    assert!(text.contains("current-context") && cluster.sandbox().is_none());
}

#[kopfrs::test(backend = "in-process")]
#[should_panic(expected = "write #[kopfrs::test(wire)]")]
async fn nobody_finds_the_way_into_the_process(cluster: Cluster) {
    cluster.kubeconfig();
}

#[kopfrs::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_test_may_have_several_threads(cluster: Cluster) {
    let runtime = tokio::runtime::Handle::current();
    assert_eq!(runtime.metrics().num_workers(), 3);
    alone(cluster).await;
}

#[kopfrs::test(backend = "in-process", time = "real")]
async fn time_may_pass_as_it_does(cluster: Cluster) {
    assert_eq!(cluster.backend(), Backend::InProcess);
    let (began, brief) = (std::time::Instant::now(), Duration::from_millis(20));
    tokio::time::sleep(brief).await;
    assert!(began.elapsed() >= brief);
}
