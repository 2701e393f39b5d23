use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[kopfrs::test]
async fn a_status_calls_nobody_and_a_spec_does(cluster: Cluster) {
    let handlers = Registry::new().add(handler().run(async || {}));
    let (sites, operator) = start(&cluster, handlers).await;
    sites.create(&site("a", 1)).await;
    let seen = |generation| {
        move |site: &Site| {
            let status = site.status.clone().unwrap_or_default();
            status.observed_generation == Some(generation)
        }
    };
    sites.until("a", seen(1)).await;
    sites
        .merge_status("a", json!({"status": {"phase": "x"}}))
        .await;
    operator.until_settled().await;
    assert_eq!(operator.calls().ids(), ["apply"]);
    sites.merge("a", json!({"spec": {"size": 2}})).await;
    let site = sites.until("a", seen(2)).await;
    let status = site.status.unwrap();
    assert_eq!(status.phase.as_deref(), Some("x"));
    let ready = &status.conditions.unwrap()[0];
    assert_eq!((&*ready.r#type, &*ready.status), ("Ready", "True"));
    operator.until_settled().await;
    assert_eq!(operator.calls().ids(), ["apply", "apply"]);
    operator.stop().await;
}

#[kopfrs::test]
async fn a_requeue_comes_after_its_time(cluster: Cluster) {
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = times.clone();
    let apply = move || {
        let mut times = noted.lock().unwrap();
        times.push(tokio::time::Instant::now());
        let action = match times.len() {
            1 | 2 => Action::requeue(Duration::from_secs(2)),
            _ => Action::Done,
        };
        std::future::ready(action)
    };
    let (sites, operator) = start(&cluster, Registry::new().add(handler().run(apply))).await;
    sites.create(&site("a", 1)).await;
    operator
        .until_calls("three calls", |calls| calls.ids().len() == 3)
        .await;
    operator.stop().await;
    let times = times.lock().unwrap();
    for pause in times.windows(2).map(|two| two[1] - two[0]) {
        assert!(
            pause >= Duration::from_secs(2) && pause < Duration::from_secs(12),
            "{pause:?}"
        );
    }
}

#[kopfrs::test]
async fn what_is_not_selected_is_left_alone_and_the_rest_looked_at_from_time_to_time(
    cluster: Cluster,
) {
    let handler = on::reconcile::<Site>().id("apply").label("tier", "web");
    let handler = handler.resync(Duration::from_secs(1)).run(async || {});
    let delete = on::delete::<Site>()
        .id("release")
        .label("tier", "web")
        .run(async || {});
    let (sites, operator) = start(&cluster, Registry::new().add(handler).add(delete)).await;
    sites.create(&site("other", 1)).await;
    let mut web = site("web", 1);
    web.metadata.labels = Some([("tier".to_owned(), "web".to_owned())].into());
    sites.create(&web).await;
    operator
        .until_calls("resyncs", |calls| calls.of("web").ids().len() >= 4)
        .await;
    let other = sites.get("other").await;
    assert_eq!(
        (other.metadata.finalizers, other.status.is_none()),
        (None, true)
    );
    operator.stop().await;
    assert!(operator.calls().of("other").ids().is_empty());
}

#[kopfrs::test]
async fn never_more_than_asked_for_at_once(cluster: Cluster) {
    let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, most) = (now.clone(), peak.clone());
    let apply = move || {
        let (running, most) = (running.clone(), most.clone());
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(100)).await;
            running.fetch_sub(1, Ordering::SeqCst);
        }
    };
    cluster.install::<Site>().await;
    let sites = cluster.objects::<Site>();
    for i in 0..20 {
        sites.create(&site(&format!("s{i}"), 1)).await;
    }
    let handlers = Registry::new().add(handler().concurrency(2).run(apply));
    let operator = cluster.operator().handlers(handlers).start().await;
    operator
        .until_calls("all sites", |calls| calls.succeeded().ids().len() >= 20)
        .await;
    operator.stop().await;
    assert_eq!(operator.calls().ids().len(), 20);
    assert_eq!(peak.load(Ordering::SeqCst), 2);
}

#[kopfrs::test]
async fn a_stop_lets_the_running_call_finish(cluster: Cluster) {
    let gate = Arc::new(tokio::sync::Notify::new());
    let opened = gate.clone();
    let apply = move |patch: Patch| {
        let opened = opened.clone();
        async move {
            opened.notified().await;
            patch.status(json!({"phase": "Applied"}));
        }
    };
    let (sites, operator) = start(&cluster, Registry::new().add(handler().run(apply))).await;
    sites.create(&site("a", 1)).await;
    operator.until_called("apply").await;
    let opening = async {
        tokio::task::yield_now().await;
        gate.notify_one();
    };
    tokio::join!(operator.stop(), opening);
    let status = sites.get("a").await.status.unwrap();
    assert_eq!(status.phase.as_deref(), Some("Applied"));
}
