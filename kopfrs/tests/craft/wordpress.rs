//! CRAFT's WordPress sample, as `examples/wordpress` has it: by processes, and by Jobs.

use std::path::{Path, PathBuf};

use kopfrs::craft::Project;
use kopfrs::exec::{Job, Process, Runner};
use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use crate::kubelet::Kubelet;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/wordpress");
const SITE: &str = include_str!("../../../examples/wordpress/site.yaml");

fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn is_succeeded(site: &Value) -> bool {
    let status = &site["status"];
    status["phase"] == "Succeeded" && status["observedGeneration"] == site["metadata"]["generation"]
}

/// A site that comes, is scaled, loses its folder, gets another password, and goes.
async fn live(cluster: &Cluster, runner: impl Runner + 'static, root: &Path) {
    let project = Project::read(file("controller.json"), file("resource.json")).unwrap();
    let definition = serde_json::to_string(project.definition()).unwrap();
    cluster.apply(&definition).await;
    let operator = cluster
        .operator()
        .handlers(project.handlers(runner))
        .start()
        .await;
    let sites = cluster.kind("wordpressapis.wordpress.example.com").await;
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let drain = || {
        let log = read("log");
        let _ = std::fs::remove_file(root.join("log"));
        let mut calls: Vec<String> = log.lines().map(|line| line.replace(" blog", "")).collect();
        calls.dedup();
        calls
    };

    sites.create_from(SITE).await;
    let made = sites.until("blog", is_succeeded).await;
    assert_eq!(made["status"]["payload"]["url"], "http://blog.example.com");
    assert_eq!(drain(), ["verify", "create", "verify"]);

    sites.merge("blog", json!({"spec": {"replicas": 3}})).await;
    let is_scaled = async || read("blog/wordpress").contains("3 replicas");
    cluster.until("the site to be scaled", is_scaled).await;
    sites.until("blog", is_succeeded).await;
    assert!(drain().contains(&"update".to_owned()));

    std::fs::remove_dir_all(root.join("blog")).unwrap();
    let is_there = async || read("blog/wordpress").contains("3 replicas");
    cluster.until("the site to be made again", is_there).await;

    sites
        .merge("blog", json!({"spec": {"db_password": "another horse"}}))
        .await;
    let is_anew = async || read("blog/database").trim() == "another horse";
    cluster.until("the site to be made anew", is_anew).await;
    let calls = drain().join(" ");
    assert!(calls.contains("delete create"), "{calls}");

    sites.delete("blog").await;
    sites.until_gone("blog").await;
    assert!(!root.join("blog").exists());
    operator.stop().await;
    assert!(!operator.log().contains("correct horse"));
}

#[kopfrs::test]
async fn the_site_of_craft_lives_by_a_script_as_a_process(cluster: Cluster) {
    let root = tempfile::tempdir().unwrap();
    let process = Process::new(file("manager")).env("WORDPRESS", root.path());
    live(&cluster, process, root.path()).await;
}

#[kopfrs::test]
async fn the_site_of_craft_lives_by_a_script_in_jobs(cluster: Cluster) {
    let root = tempfile::tempdir().unwrap();
    let variable = ("WORDPRESS", root.path().to_owned());
    let _kubelet = Kubelet::start(
        cluster.client(),
        cluster.namespace(),
        file("manager"),
        variable,
    );
    live(&cluster, Job::new("manager:1"), root.path()).await;
}
