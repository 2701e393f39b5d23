#![allow(unused)]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

// What only reviews have, by name.
#[on::create(Pod)]
fn warnings_of_a_change(warnings: &Warnings) {}
#[on::update(Pod)]
fn userinfo_of_a_change(userinfo: &UserInfo) {}
#[on::event(Pod)]
fn headers_of_an_event(headers: &Headers) {}
#[on::daemon(Pod)]
fn sslpeer_of_a_daemon(sslpeer: SslPeer) {}
#[on::timer(Pod)]
fn operation_of_a_timer(operation: Operation) {}
#[on::index(Pod)]
fn dryrun_of_an_index(dryrun: bool) -> Vec<((), ())> {
    Vec::new()
}
#[on::startup]
fn subresource_of_an_activity(subresource: Option<&str>) {}

// The same by type.
#[on::create(Pod)]
fn warnings_by_type(issued: &Warnings) {}
#[on::event(Pod)]
fn userinfo_by_type(who: UserInfo) {}
#[on::daemon(Pod)]
fn headers_by_type(sent: &Headers) {}
#[on::index(Pod)]
fn sslpeer_by_type(caller: &SslPeer) -> Vec<((), ())> {
    Vec::new()
}
#[on::startup]
fn operation_by_type(what: Operation) {}

// What reviews do not have.
#[on::validate(Pod)]
fn stopped_of_a_review(stopped: Stopped) {}
#[on::mutate(Pod)]
fn live_of_a_review(seen: &Live) {}
#[on::validate(Pod)]
fn subhandlers_of_a_review(subs: &Subhandlers) {}
#[on::mutate(Pod)]
fn reason_of_a_review(reason: Reason) {}
#[on::validate(Pod)]
fn event_of_a_review(raw: &RawEvent) {}

// Others are not of the types that they have.
#[on::validate(Pod)]
fn warnings_as_texts(warnings: Vec<String>) {}
#[on::validate(Pod)]
fn userinfo_as_a_text(userinfo: String) {}
#[on::validate(Pod)]
fn headers_as_a_map(headers: BTreeMap<String, String>) {}
#[on::validate(Pod)]
fn sslpeer_as_a_flag(sslpeer: bool) {}
#[on::validate(Pod)]
fn operation_as_a_text(operation: &str) {}
#[on::validate(Pod)]
fn dryrun_as_a_text(dryrun: &str) {}
#[on::validate(Pod)]
fn subresource_as_a_text(subresource: &str) {}
#[on::validate(Pod)]
fn misspelt(warning: &Warnings, dry_run: bool) {}

fn main() {}
