//! `on::startup`, `on::cleanup`, `on::login`, `on::probe`: what happens to the operator itself.

use super::{COMMON, ERRORS, Family, Kind};

pub(super) const KINDS: &[Kind] = &[
    activity("startup", "Startup"),
    activity("cleanup", "Cleanup"),
    activity("login", "Login"),
    activity("probe", "Probe"),
];

const fn activity(name: &'static str, returns: &'static str) -> Kind {
    Kind {
        name,
        family: Family::Activity,
        returns,
        has_selector: false,
        options: &[COMMON, ERRORS],
        required: None,
    }
}
