//! Coming up and going.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{Api, api::ListParams};

use super::process::{patiently, serve};

#[tokio::test]
async fn it_prints_what_to_export_and_nothing_else() {
    let program = serve(&[]).await;
    let kubeconfig = program.kubeconfig.clone();
    let namespaces: Api<Namespace> = Api::all(program.client().await);
    let found = namespaces.list(&ListParams::default()).await;
    assert_eq!(found.expect("a list").items.len(), 4);
    let ended = program.signal("INT").await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    assert!(!kubeconfig.exists(), "a file that nobody asked for is left");
}

#[tokio::test]
async fn it_ends_with_open_watches_when_it_is_asked_to_terminate() {
    use futures::TryStreamExt;
    let program = serve(&[]).await;
    let maps: Api<ConfigMap> = Api::all(program.client().await);
    let events = maps.watch(&kube::api::WatchParams::default(), "0").await;
    let events = events.expect("a watch");
    let begin = Instant::now();
    let (ended, events) = tokio::join!(
        program.signal("TERM"),
        patiently(events.try_collect::<Vec<_>>())
    );
    assert!(ended.status.success(), "{ended:?}");
    assert!(events.expect("a stream that ends as it should").is_empty());
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_kubeconfig_that_was_asked_for_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("my config");
    let program = serve(&["--kubeconfig", file.to_str().expect("text")]).await;
    assert_eq!(program.kubeconfig, file, "quoted for a shell");
    assert!(program.client().await.apiserver_version().await.is_ok());
    assert!(program.signal("INT").await.status.success());
    assert!(file.exists());
}

#[tokio::test]
async fn files_are_loaded_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("written");
    };
    write(
        "1.yaml",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
    );
    write(
        "2.json",
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}"#,
    );
    write("notes.txt", "not for the sandbox");
    let program = serve(&["--load", folder.path().to_str().expect("text")]).await;
    let maps: Api<ConfigMap> = Api::namespaced(program.client().await, "shop");
    assert!(maps.get("a").await.is_ok());
    let ended = program.signal("INT").await;
    assert!(
        ended.stderr.starts_with("applied 2 objects of "),
        "{ended:?}"
    );
}
