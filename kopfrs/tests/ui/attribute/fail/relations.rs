#![allow(unused)]

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kopfrs::prelude::*;

struct NoKind;

fn of_pod(pod: Arc<Pod>) -> Option<String> {
    None
}

fn numbers(secret: Arc<Secret>) -> [u32; 1] {
    [5]
}

#[on::reconcile(ConfigMap, owns)]
fn no_kinds() {}
#[on::reconcile(ConfigMap, owns())]
fn empty() {}
#[on::reconcile(ConfigMap, owns = Secret)]
fn assigned() {}
#[on::reconcile(ConfigMap, owns(5))]
fn number() {}
#[on::reconcile(ConfigMap, owns("secrets..v1"))]
fn empty_part() {}
#[on::reconcile(ConfigMap, owns(Secret => of_pod))]
fn function_of_owned() {}
#[on::reconcile(ConfigMap, watches(Secret))]
fn no_function() {}
#[on::reconcile(ConfigMap, watches(Secret => ))]
fn nothing_after_the_arrow() {}
#[on::reconcile(ConfigMap, owns(Secret), owns(Pod))]
fn twice() {}
#[on::reconcile(ConfigMap, concurrency = 0)]
fn no_concurrency() {}
#[on::reconcile(ConfigMap, concurrency = "many")]
fn concurrency_as_text() {}
#[on::reconcile(ConfigMap, resync = "often")]
fn no_duration() {}
#[on::reconcile(ConfigMap, concurency = 5)]
fn misspelt() {}
#[on::reconcile(ConfigMap, old = "x", field = "data")]
fn transition() {}
#[on::create(ConfigMap, owns(Secret))]
fn owned_by_a_change() {}
#[on::reconcile(ConfigMap, owns(NoKind))]
fn owns_no_kind() {}
#[on::reconcile(ConfigMap, watches(Secret => of_pod))]
fn function_of_something_else() {}
#[on::reconcile(ConfigMap, watches(Secret => numbers))]
fn names_that_are_numbers() {}
#[on::reconcile(ConfigMap)]
fn value() -> u32 {
    5
}

fn main() {}
