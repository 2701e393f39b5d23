//! `on::validate`, `on::mutate`, `on::convert`: what the API server asks about before it stores or shows an object.

use super::{COMMON, FILTERS, Family, Kind};

pub(super) const KINDS: &[Kind] = &[
    review("validate", Family::Validating),
    review("mutate", Family::Mutating),
    Kind {
        name: "convert",
        family: Family::Conversion,
        returns: "Converted",
        has_selector: true,
        options: &[COMMON, VERSIONS],
        required: Some(("from", "from = \"v1alpha1\", to = \"v1\"")),
    },
];

/// How the API server asks.
const REVIEW: &[&str] = &[
    "operations",
    "subresource",
    "persistent",
    "side_effects",
    "ignore_failures",
];

/// What a conversion leads from and to.
const VERSIONS: &[&str] = &["from", "to"];

const fn review(name: &'static str, family: Family) -> Kind {
    Kind {
        name,
        family,
        returns: "Admitted",
        has_selector: true,
        options: &[COMMON, FILTERS, REVIEW],
        required: None,
    }
}
