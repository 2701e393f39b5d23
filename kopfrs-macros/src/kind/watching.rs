//! `on::event`: the raw events of the watch. They are never retried, so there are no options for it.

use super::{COMMON, FILTERS, Family, Kind};

pub(super) const KINDS: &[Kind] = &[Kind {
    name: "event",
    family: Family::Watching,
    returns: "Stored",
    has_selector: true,
    options: &[COMMON, FILTERS],
    required: None,
}];
