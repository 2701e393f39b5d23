//! Whole operators whose handlers are programs.

use k8s_openapi::api::core::v1::Pod as PodObject;
use kopfrs::exec::{Pod, handlers};
use kopfrs::lifecycle::Phase;
use kopfrs::prelude::*;
use kopfrs::testing::Cluster;

use crate::subject::{Site, exit, only_pod, say, site};

fn is_in(phase: Phase) -> impl Fn(&Site) -> bool + Clone {
    move |site| site.status.as_ref().and_then(|status| status.phase) == Some(phase)
}

/// The operation that a Pod is for.
fn operation(pod: &PodObject) -> String {
    pod.labels()["exec.kopfrs.dev/operation"].clone()
}

/// Manages files in its folder, each for one site, and writes down what it was asked to do.
#[cfg(unix)]
const MANAGER: &str = r"
import json, os, sys
call = json.load(sys.stdin)
name, spec = call['object']['metadata']['name'], call['object']['spec']
operation = sys.argv[sys.argv.index('--type') + 1]
assert operation == call['operation']
with open('log', 'a') as log:
    log.write(operation + '\n')
size = str(spec['size'])
found = open(name).read() if os.path.exists(name) else None
if operation == 'verify':
    if found is None:
        sys.exit(214)
    sys.exit(211 if found == size else 215)
if operation == 'delete':
    if found is None:
        sys.exit(224)
    os.remove(name)
    sys.exit(221)
if size == '13':
    print('13 is not to be had with ' + spec['password'], file=sys.stderr)
    sys.exit(203)
open(name, 'w').write(size)
last = (call['lastApplied'] or {'size': 'nothing'})['size']
print(json.dumps({'by': operation, 'before': call['payload'] or 'nothing', 'last': last, operation: True}))
sys.exit(201)
";

#[cfg(unix)]
#[kopfrs::test]
async fn a_script_manages_something_from_its_creation_to_its_deletion(cluster: Cluster) {
    if !crate::subject::has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
    let process = kopfrs::exec::Process::new("python3")
        .args(["-c", MANAGER])
        .current_dir(folder.path());
    cluster.install::<Site>().await;
    let operator = cluster
        .operator()
        .handlers(handlers::<Site>(process))
        .start()
        .await;
    let sites = cluster.objects::<Site>();
    sites.create(&site("web")).await;
    let made = sites.until("web", is_in(Phase::Succeeded)).await;
    assert_eq!(read("web").as_deref(), Some("1"));
    let payload = made.status.unwrap().payload;
    assert_eq!(
        payload,
        Some(json!({"by": "create", "before": "nothing", "last": "nothing", "create": true}))
    );

    sites.merge("web", json!({"spec": {"size": 2}})).await;
    let is_updated = |site: &Site| {
        let payload = site
            .status
            .as_ref()
            .and_then(|status| status.payload.as_ref());
        payload.is_some_and(|payload| payload["by"] == "update")
    };
    let updated = sites.until("web", is_updated).await;
    assert_eq!(read("web").as_deref(), Some("2"));
    let before = json!({"by": "create", "before": "nothing", "last": "nothing", "create": true});
    let payload = updated.status.unwrap().payload;
    assert_eq!(
        payload,
        Some(json!({"by": "update", "before": before, "last": 1, "update": true}))
    );

    sites.merge("web", json!({"spec": {"size": 13}})).await;
    let failed = sites.until("web", is_in(Phase::Failed)).await;
    let message = failed.status.unwrap().message;
    assert_eq!(message.as_deref(), Some("13 is not to be had with ***"));
    sites.merge("web", json!({"spec": {"size": 3}})).await;
    sites.until("web", is_in(Phase::Succeeded)).await;

    sites.delete("web").await;
    sites.until_gone("web").await;
    assert_eq!(read("web"), None);
    let log = read("log").unwrap();
    assert!(
        log.starts_with("verify\ncreate\n") && log.ends_with("delete\n"),
        "{log}"
    );
    operator.stop().await;
}

#[kopfrs::test]
async fn pods_manage_something_from_its_creation_to_its_deletion(cluster: Cluster) {
    cluster.install::<Site>().await;
    let manager = handlers::<Site>(Pod::new("manager:1"));
    let operator = cluster.operator().handlers(manager).start().await;
    let sites = cluster.objects::<Site>();
    let pods = cluster.objects::<PodObject>();
    sites.create(&site("web")).await;
    for (expected, code) in [
        ("verify", 214),
        ("create", 202),
        ("verify", 212),
        ("verify", 211),
    ] {
        let pod = only_pod(&cluster).await;
        assert_eq!(operation(&pod), expected);
        exit(&cluster, &pod.name_any(), code, "").await;
        let is_another = async || {
            pods.find(&pod.name_any())
                .await
                .is_none_or(|now| now.metadata.uid != pod.metadata.uid)
        };
        cluster.until("the Pod to go", is_another).await;
    }
    sites.until("web", is_in(Phase::Succeeded)).await;
    sites.delete("web").await;
    for (expected, code) in [
        ("verify", 211),
        ("delete", 222),
        ("verify", 217),
        ("verify", 214),
    ] {
        let pod = only_pod(&cluster).await;
        assert_eq!(operation(&pod), expected);
        exit(&cluster, &pod.name_any(), code, "").await;
        let is_another = async || {
            pods.find(&pod.name_any())
                .await
                .is_none_or(|now| now.metadata.uid != pod.metadata.uid)
        };
        cluster.until("the Pod to go", is_another).await;
    }
    sites.until_gone("web").await;
    operator.stop().await;
}

#[kopfrs::test]
async fn a_killed_operator_leaves_its_pod_to_the_next_one(cluster: Cluster) {
    cluster.install::<Site>().await;
    let manager = handlers::<Site>(Pod::new("manager:1"));
    let operator = cluster.operator().handlers(manager).start().await;
    let sites = cluster.objects::<Site>();
    let pods = cluster.objects::<PodObject>();
    sites.create(&site("web")).await;

    let verify = only_pod(&cluster).await;
    say(
        &cluster,
        &verify.name_any(),
        "Running",
        json!({"running": {}}),
    )
    .await;
    operator.kill().await;
    let operator = operator.start_again().await;
    operator.until_said("is at work on it already").await;
    assert_eq!(only_pod(&cluster).await.metadata.uid, verify.metadata.uid);
    exit(&cluster, &verify.name_any(), 214, "").await;
    pods.until_gone(&verify.name_any()).await;

    // A creation is let come to its end, and what it has said is heard.
    let create = only_pod(&cluster).await;
    assert_eq!(operation(&create), "create");
    say(
        &cluster,
        &create.name_any(),
        "Running",
        json!({"running": {}}),
    )
    .await;
    operator.kill().await;
    let operator = operator.start_again().await;
    operator.until_said(&create.name_any()).await;
    assert_eq!(only_pod(&cluster).await.metadata.uid, create.metadata.uid);
    exit(&cluster, &create.name_any(), 201, "made by the first").await;
    pods.until_gone(&create.name_any()).await;
    let is_done = async || {
        let is_unanswered = |pod: &PodObject| {
            let status = pod.status.as_ref();
            status.is_none_or(|status| status.container_statuses.is_none())
        };
        for verify in pods.list().await.into_iter().filter(is_unanswered) {
            assert_eq!(operation(&verify), "verify");
            exit(&cluster, &verify.name_any(), 211, "").await;
        }
        is_in(Phase::Succeeded)(&sites.get("web").await)
    };
    cluster.until("the verification to be done", is_done).await;
    let made = sites.get("web").await;
    assert_eq!(
        made.status.unwrap().payload,
        Some(json!("made by the first"))
    );
    operator.stop().await;
}
