//! `on::index`: what is kept of objects for others to look up.

use super::{COMMON, ERRORS, FILTERS, Family, Kind};

pub(super) const KINDS: &[Kind] = &[Kind {
    name: "index",
    family: Family::Indexing,
    returns: "Indexed",
    has_selector: true,
    options: &[COMMON, ERRORS, FILTERS],
    required: None,
}];
