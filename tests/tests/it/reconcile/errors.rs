use kopfrs::reconcile::StatusError;
use thiserror::Error;

use super::*;

#[derive(Debug, Error, StatusError)]
enum SiteError {
    #[error("{0} is too small")]
    TooSmall(i32),
}

async fn check(site: Arc<Site>) -> Result<()> {
    if site.spec.size < 1 {
        Err(SiteError::TooSmall(site.spec.size))?;
    }
    Ok(())
}

#[kopfrs::test]
async fn an_error_is_told_in_the_status_until_it_is_mended(cluster: Cluster) {
    let handler = handler().backoff(Duration::from_hours(1)).run(check);
    let (sites, operator) = start(&cluster, Registry::new().add(handler)).await;
    sites.create(&site("bad", 0)).await;
    sites.create(&site("good", 1)).await;
    let has_failed = |site: &Site| site.status.as_ref().is_some_and(|s| s.error.is_some());
    let status = sites.until("bad", has_failed).await.status.unwrap();
    let error = status.error.unwrap();
    assert_eq!(
        (&*error.r#type, &*error.message),
        ("TooSmall", "0 is too small")
    );
    let ready = &status.conditions.unwrap()[0];
    assert_eq!((&*ready.status, &*ready.reason), ("False", "TooSmall"));
    operator
        .until_calls("both", |calls| {
            calls.of("good").succeeded().ids().len() == 1
        })
        .await;
    sites.merge("bad", json!({"spec": {"size": 1}})).await;
    let is_mended = |site: &Site| {
        let status = site.status.clone().unwrap_or_default();
        status.observed_generation == Some(2) && status.error.is_none()
    };
    sites.until("bad", is_mended).await;
    operator.stop().await;
}

#[kopfrs::test]
async fn a_failing_object_does_not_hold_up_others(cluster: Cluster) {
    let handler = handler()
        .concurrency(1)
        .backoff(Duration::from_millis(500))
        .run(check);
    let (sites, operator) = start(&cluster, Registry::new().add(handler)).await;
    sites.create(&site("bad", 0)).await;
    operator
        .until_calls("retries", |calls| calls.of("bad").failed().ids().len() >= 3)
        .await;
    for i in 0..5 {
        sites.create(&site(&format!("good-{i}"), 1)).await;
    }
    operator
        .until_calls("the others", |calls| calls.succeeded().ids().len() == 5)
        .await;
    operator.stop().await;
}

#[kopfrs::test]
async fn a_cleanup_that_fails_keeps_the_object(cluster: Cluster) {
    let release = async |attempt: Attempt| match attempt.retry {
        0 | 1 => Err("not yet"),
        _ => Ok(()),
    };
    let delete = on::delete::<Site>()
        .id("release")
        .backoff(Duration::from_millis(500));
    let handlers = Registry::new()
        .add(handler().run(check))
        .add(delete.run(release));
    let (sites, operator) = start(&cluster, handlers).await;
    sites.create(&site("a", 1)).await;
    operator.until_succeeded("apply").await;
    let finalizers = sites.get("a").await.metadata.finalizers.unwrap_or_default();
    assert_eq!(finalizers.len(), 1);
    sites.delete("a").await;
    sites.until_gone("a").await;
    operator.stop().await;
    let calls = operator.calls();
    assert_eq!(calls.handler("release").ids().len(), 3);
    assert_eq!(calls.handler("release").failed().ids().len(), 2);
}
