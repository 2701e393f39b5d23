#![allow(unused)]

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

// Options of the other one, and of other kinds.
#[on::daemon(Pod, interval = 5)]
fn interval_of_a_daemon() {}
#[on::timer(Pod, cancellation_timeout = 5)]
fn cancellation_of_a_timer() {}
#[on::create(Pod, idle = 5)]
fn idle_of_a_creation() {}
#[on::daemon(Pod, field = "spec.a", old = 5)]
fn transition_of_a_daemon() {}
#[on::daemon(Pod, optional)]
fn optional_daemon() {}
#[on::timer(Pod, intervall = 5)]
fn misspelt() {}

// Values.
#[on::timer(Pod, interval = 0)]
fn no_interval() {}
#[on::timer(Pod, interval = "often")]
fn no_duration() {}
#[on::daemon(Pod, initial_delay)]
fn no_delay() {}
#[on::daemon(Pod, initial_delay = "soon")]
fn strange_delay() {}
#[on::daemon(Pod, initial_delay = || Duration::ZERO)]
fn delay_of_nothing() {}
#[on::daemon(Pod, cancellation_polling = 0)]
fn no_polling() {}

// Types.
#[on::timer(Pod, initial_delay = |cause| 5)]
fn delay_as_a_number() {}
#[on::timer(Pod, initial_delay = String::new())]
fn delay_as_a_text() {}
#[on::timer(Pod, sharp = 5)]
fn sharp_as_a_number() {}

fn main() {}
