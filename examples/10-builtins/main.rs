//! Kinds that are built in: each pod is deleted half a minute after it was seen, unless that happens earlier.
//!
//! The task that does so belongs to the pod: its handle is in the pod's memo, where the delete handler finds it.

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;
use kube::api::{DeleteParams, Preconditions};
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// How long a pod may live.
const TIME: Duration = Duration::from_secs(30);

/// The task that waits to delete a pod.
#[derive(Default)]
struct Killer {
    task: Option<AbortHandle>,
    /// It waits no more.
    is_at_it: bool,
}

/// Pods of the cluster itself are left alone.
fn is_ours(cause: &ChangingCause) -> bool {
    let namespace = cause.body.namespace().unwrap_or_default();
    !namespace.starts_with("kube-")
}

#[on::resume(Pod, when = is_ours)]
#[on::create(Pod, when = is_ours)]
async fn pod_in_sight(pod: Arc<Pod>, actions: Actions, memo: Memo<Killer>) {
    info!("{} has {TIME:?} to live", pod.name_any());
    let task = tokio::spawn(kill(pod, actions, memo.clone()));
    memo.update(|killer| killer.task = Some(task.abort_handle()));
}

#[on::delete(Pod, when = is_ours)]
async fn pod_is_deleted(name: &str, memo: Memo<Killer>) {
    let killer = memo.set(Killer::default());
    match killer.task {
        Some(task) if !killer.is_at_it => {
            task.abort();
            info!("{name} is deleted, before its time");
        }
        _ => info!("{name} is deleted, as it was time"),
    }
}

/// Deletes a pod when its time has come.
async fn kill(pod: Arc<Pod>, actions: Actions, memo: Memo<Killer>) {
    sleep(TIME).await;
    memo.update(|killer| killer.is_at_it = true);
    info!("the time of {} has come", pod.name_any());
    let this_one = Preconditions {
        uid: pod.uid(),
        resource_version: None,
    };
    let params = DeleteParams::background().preconditions(this_one);
    let deleted = actions.delete_with(&*pod, &params).await;
    if let Err(error) = deleted.ignore_not_found() {
        warn!("{} cannot be deleted: {error}", pod.name_any());
    }
}

kopfrs::main!();
