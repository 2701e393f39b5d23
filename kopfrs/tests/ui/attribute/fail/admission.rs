#![allow(unused)]

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

// Options of reviews on other kinds.
#[on::create(Pod, operations = ["CREATE"])]
fn operations_of_a_creation() {}
#[on::event(Pod, subresource = "status")]
fn subresource_of_an_event() {}
#[on::daemon(Pod, persistent)]
fn persistent_daemon() {}
#[on::timer(Pod, side_effects)]
fn side_effects_of_a_timer() {}
#[on::index(Pod, ignore_failures)]
fn failures_of_an_index() {}
#[on::startup(persistent)]
fn persistent_activity() {}
#[on::convert("sites.example.com", from = "v1", to = "v2", operations = ["CREATE"])]
fn operations_of_a_conversion(old: &Value) -> Value {
    old.clone()
}

// Options of other kinds on reviews: they are asked once, and answer at once.
#[on::validate(Pod, retries = 3)]
fn retried_review() {}
#[on::mutate(Pod, backoff = 5)]
fn review_with_a_pause() {}
#[on::validate(Pod, errors = permanent)]
fn review_with_a_mode() {}
#[on::mutate(Pod, timeout = 5)]
fn review_with_a_limit() {}
#[on::validate(Pod, field = "spec.a", old = 1)]
fn transition_of_a_review() {}
#[on::mutate(Pod, optional)]
fn optional_review() {}
#[on::validate(Pod, initial_delay = 5)]
fn delayed_review() {}
#[on::validate(Pod, from = "v1")]
fn review_of_a_version() {}

// Misspelt ones.
#[on::validate(Pod, operation = "CREATE")]
fn one_operation() {}
#[on::validate(Pod, persistant)]
fn misspelt_flag() {}
#[on::mutate(Pod, side_effect)]
fn one_side_effect() {}
#[on::mutate(Pod, ignore_failure = true)]
fn one_failure() {}
#[on::create(Pod, subresorce = "status")]
fn misspelt_elsewhere() {}

// Values.
#[on::validate(Pod, operations = [])]
fn no_operations() {}
#[on::validate(Pod, operations)]
fn bare_operations() {}
#[on::validate(Pod, operations = ["create", "UPDATES"])]
fn strange_operations() {}
#[on::validate(Pod, operations = ["PATCH"])]
fn no_operation() {}
#[on::validate(Pod, operations = ["CREATE", 5])]
fn operation_as_a_number() {}
#[on::validate(Pod, operations = 5)]
fn operations_as_a_number() {}
#[on::mutate(Pod, subresource)]
fn bare_subresource() {}
#[on::mutate(Pod, subresource = "")]
fn no_subresource() {}
#[on::mutate(Pod, subresource = 5)]
fn subresource_as_a_number() {}
#[on::convert("sites.example.com")]
fn conversion_of_nothing(old: &Value) -> Value {
    old.clone()
}

// Types.
#[on::validate(Pod, persistent = "yes")]
fn persistent_as_a_text() {}
#[on::validate(Pod, side_effects = 1)]
fn side_effects_as_a_number() {}
#[on::mutate(Pod, ignore_failures = "no")]
fn failures_as_a_text() {}

fn main() {}
