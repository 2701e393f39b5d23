#![allow(unused)]

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

// Sub-handlers are parts of changes.
#[on::event(Pod)]
fn subhandlers_of_an_event(subs: &Subhandlers) {}
#[on::daemon(Pod)]
fn subhandlers_of_a_daemon(subs: Subhandlers) {}
#[on::timer(Pod)]
fn subhandlers_of_a_timer(subs: &Subhandlers) {}
#[on::index(Pod)]
fn subhandlers_of_an_index(subs: &Subhandlers) -> Vec<((), ())> {
    Vec::new()
}
#[on::startup]
fn subhandlers_of_an_activity(subs: &Subhandlers) {}

// Daemons and timers are told when to stop, and see what becomes of their object.
#[on::event(Pod)]
fn stopped_of_an_event(stopped: Stopped) {}
#[on::index(Pod)]
fn stopped_of_an_index(flag: &Stopped) -> Vec<((), ())> {
    Vec::new()
}
#[on::cleanup]
fn stopped_of_an_activity(flag: Stopped) {}
#[on::probe]
fn live_of_an_activity(live: Live) {}
#[on::index(Pod)]
fn live_of_an_index(live: Live) -> Vec<((), ())> {
    Vec::new()
}
#[on::event(Pod)]
fn live_of_an_event(seen: &Live) {}

// Events are an argument of all handlers, by value.
#[on::create(Pod)]
fn events_by_reference(events: &Events) {}
#[on::startup]
fn events_as_texts(events: Vec<String>) {}
#[on::event(Pod)]
fn event_for_events(event: Events) {}

fn main() {}
