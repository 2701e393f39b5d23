//! `on::create`, `on::update`, `on::delete`, `on::resume`, `on::field`: what happens to objects.

use super::{COMMON, ERRORS, FILTERS, Family, Kind, TRANSITION};

pub(super) const KINDS: &[Kind] = &[
    changing("create", &[COMMON, ERRORS, FILTERS], None),
    changing("update", &[COMMON, ERRORS, FILTERS, TRANSITION], None),
    changing("delete", &[COMMON, ERRORS, FILTERS, &["optional"]], None),
    changing("resume", &[COMMON, ERRORS, FILTERS, &["deleted"]], None),
    changing(
        "field",
        &[COMMON, ERRORS, FILTERS, TRANSITION],
        Some(("field", "field = \"spec.field\"")),
    ),
];

const fn changing(
    name: &'static str,
    options: &'static [&'static [&'static str]],
    required: Option<(&'static str, &'static str)>,
) -> Kind {
    Kind {
        name,
        family: Family::Changing,
        returns: "Stored",
        has_selector: true,
        options,
        required,
    }
}
