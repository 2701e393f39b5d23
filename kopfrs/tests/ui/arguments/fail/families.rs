#![allow(unused)]

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

#[on::event(Pod)]
fn diff_of_an_event(changes: &Diff) {}
#[on::event(Pod)]
fn attempt_of_an_event(a: Attempt) {}
#[on::create(Pod)]
fn event_of_a_change(raw: RawEvent) {}
#[on::create(Pod)]
fn settings_of_a_change(handle: SettingsHandle) {}
#[on::startup]
fn body_of_an_activity(object: &Body) {}
#[on::startup]
fn object_of_an_activity(object: Arc<Pod>) {}
#[on::update(Pod)]
fn cause_of_another_family(cause: &WatchingCause) {}

#[on::event(Pod)]
fn old_in_an_arc(old: Arc<Pod>) {}

fn main() {}
