//! `on::create`, `on::update`, `on::delete`, `on::resume`, `on::verify`, `on::complete`,
//! `on::reconcile`, `on::field`: what happens to objects.

use super::{COMMON, ERRORS, FILTERS, Family, Kind, TRANSITION};

pub(super) const KINDS: &[Kind] = &[
    changing("create", "Applied", &[COMMON, ERRORS, FILTERS]),
    changing("update", "Applied", &[COMMON, ERRORS, FILTERS, TRANSITION]),
    changing(
        "delete",
        "Deleted",
        &[COMMON, ERRORS, FILTERS, &["optional"]],
    ),
    changing("resume", "Stored", &[COMMON, ERRORS, FILTERS, &["deleted"]]),
    changing("verify", "Verified", &[COMMON, ERRORS, FILTERS, POLICY]),
    changing("complete", "Stored", &[COMMON, ERRORS, FILTERS]),
    changing(
        "reconcile",
        "Reconciled",
        &[COMMON, ERRORS, FILTERS, RELATIONS],
    ),
    Kind {
        required: Some(("field", "field = \"spec.field\"")),
        ..changing("field", "Stored", &[COMMON, ERRORS, FILTERS, TRANSITION])
    },
];

/// How a lifecycle goes on by itself.
const POLICY: &[&str] = &[
    "poll", "resync", "once", "park", "orphan", "depends", "owner",
];

/// How often a handler is called, and for what happens to which other objects.
const RELATIONS: &[&str] = &["owns", "watches", "uses", "concurrency", "resync"];

const fn changing(
    name: &'static str,
    returns: &'static str,
    options: &'static [&'static [&'static str]],
) -> Kind {
    Kind {
        name,
        family: Family::Changing,
        returns,
        has_selector: true,
        options,
        required: None,
    }
}
