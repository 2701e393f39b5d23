//! All filters: what the handlers are for stands in their names, and `not_…` are never called.
//!
//! The object has the label `somelabel=somevalue`, the annotation `someannotation=somevalue` and
//! `spec.field: value`, which is changed to `changed`.

use kopfrs::prelude::*;

// By labels: a value, a presence, an absence, or a function of what is there.

#[on::create("kopfexamples", labels(somelabel = "somevalue"))]
fn label_has_the_value() {}

#[on::create("kopfexamples", labels(somelabel = "othervalue"))]
fn not_label_has_another_value() {}

#[on::create("kopfexamples", labels(somelabel = PRESENT))]
fn label_is_present() {}

#[on::create("kopfexamples", labels(otherlabel = ABSENT))]
fn label_is_absent() {}

#[on::create("kopfexamples", labels(somelabel = ABSENT))]
fn not_label_is_absent() {}

#[on::create("kopfexamples", labels(somelabel = |value| value.is_some_and(|v| v.starts_with("some"))))]
fn label_begins_with_some() {}

// By annotations: the same. All criteria of a handler must hold.

#[on::create("kopfexamples", annotations(someannotation = "somevalue", other = ABSENT))]
fn annotation_has_the_value() {}

#[on::create("kopfexamples", annotations(someannotation = "somevalue", other = PRESENT))]
fn not_both_annotations_are_there() {}

#[on::create("kopfexamples", annotations("kopf.dev/some.name" = |value| value.is_none()))]
fn annotation_is_not_there() {}

// By anything, as a function of the cause.

#[on::create("kopfexamples", when = |cause| cause.body["spec"]["field"] == "value")]
fn field_is_as_it_should() {}

#[on::create("kopfexamples", when = is_boring)]
fn not_boring() {}

fn is_boring(cause: &ChangingCause) -> bool {
    cause.body.name().contains("boring")
}

// By a field: it is there, or it has a value.

#[on::create("kopfexamples", field = "spec.field", value = PRESENT)]
fn field_is_present() {}

#[on::create("kopfexamples", field = "spec.field", value = "value")]
fn field_has_the_value() {}

#[on::create("kopfexamples", field = "spec.field", value = |value| value == Some(&json!("other")))]
fn not_field_has_another_value() {}

#[on::create("kopfexamples", field = "spec.otherfield", value = ABSENT)]
fn another_field_is_absent() {}

// By a transition of the field: what it was and what it is.

#[on::update("kopfexamples", field = "spec.field", old = "value", new = "changed")]
async fn field_has_changed(old: String, new: String) {
    info!("from {old} to {new}");
}

#[on::update("kopfexamples", field = "spec.field", value = "value")]
fn field_has_the_value_before_or_after() {}

#[on::update("kopfexamples", field = "spec.field", old = "changed")]
fn not_field_has_changed_back() {}

#[on::update("kopfexamples", field = "spec.items")]
fn not_items_have_changed() {}

// Daemons and timers run for as long as the object matches.

#[on::daemon("kopfexamples", field = "spec.field", value = "value")]
async fn field_has_the_value_for_a_while(stopped: Stopped) {
    stopped.until_set().await;
    info!("no more: {}", stopped.reason());
}

#[on::timer("kopfexamples", field = "spec.field", value = "other", interval = 1)]
fn not_field_has_another_value_for_a_while() {}

kopfrs::main!();
