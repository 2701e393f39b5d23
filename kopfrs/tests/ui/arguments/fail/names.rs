#![allow(unused)]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

// Nearly known, and surely no extractors.
#[on::create(Pod)]
fn misspelt(nmae: &str, labels_: u8, retrys: u32, annotation: BTreeMap<String, String>) {}

// Not known at all.
#[on::create(Pod)]
fn unknown(colour: String) {}
#[on::startup]
fn unknown_to_activities(colour: Option<u8>) {}

// Known elsewhere.
#[on::event(Pod)]
fn of_changes(old: &Value, diff: &Diff, reason: Reason, retry: u32) {}
#[on::create(Pod)]
fn of_events(event: &RawEvent, r#type: EventType) {}
#[on::create(Pod)]
fn of_activities(settings: SettingsHandle, activity: Activity) {}
#[on::startup]
fn of_objects(name: &str, spec: Value, body: &Body, patch: &Patch) {}

// Not given.
#[on::create(Pod)]
fn param_without_a_param(param: &str) {}

// Texts cannot be borrowed from JSON.
#[on::create(Pod)]
fn borrowed(status: &str, spec: Option<&str>) {}

fn main() {}
