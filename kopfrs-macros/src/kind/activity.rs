//! `on::startup`, `on::cleanup`, `on::login`: what happens to the operator itself.

use super::{COMMON, ERRORS, Family, Kind};

pub(super) const KINDS: &[Kind] = &[activity("startup"), activity("cleanup"), activity("login")];

const fn activity(name: &'static str) -> Kind {
    Kind {
        name,
        family: Family::Activity,
        has_selector: false,
        options: &[COMMON, ERRORS],
        required: None,
    }
}
