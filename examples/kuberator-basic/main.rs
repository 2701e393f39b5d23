//! Tells of config maps that come, change and go: what kuberator's `basic_operator` does.

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::prelude::*;

#[on::reconcile(ConfigMap, resync = 0)]
fn apply(body: &Body) {
    info!("ConfigMap {} was created or updated", body.key());
}

#[on::delete(ConfigMap)]
fn clean_up(body: &Body) {
    info!("ConfigMap {} is being deleted, cleaning up", body.key());
}

kopfrs::main!();
