#![allow(unused)]

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

#[on::update(Pod)]
fn stopped_of_a_change(stopped: Stopped) {}
#[on::update(Pod)]
fn flag_of_a_change(flag: &Stopped) {}
#[on::create(Pod)]
fn live_of_a_change(live: Live) {}
#[on::daemon(Pod)]
fn diff_of_a_daemon(diff: &Diff) {}
#[on::daemon(Pod)]
fn changes_of_a_daemon(changes: &Diff) {}
#[on::timer(Pod)]
fn old_of_a_timer(old: &Value) {}
#[on::timer(Pod)]
fn reason_of_a_timer(reason: Reason) {}
#[on::daemon(Pod)]
fn event_of_a_daemon(event: &RawEvent) {}
#[on::daemon(Pod)]
fn misspelt(stoped: bool) {}
#[on::daemon(Pod)]
fn stopped_as_a_flag(stopped: bool) {}
#[on::daemon(Pod)]
fn cause_of_another_family(cause: &ChangingCause) {}

fn main() {}
