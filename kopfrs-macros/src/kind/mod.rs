//! What exists: kinds of handlers, their families, and which options each of them has.
//!
//! A new family is one file here plus a row in [`KINDS`], in [`crate::argument`] if it brings
//! arguments of its own, and in the list of exported attributes.

mod activity;
mod admission;
mod changing;
mod indexing;
mod spawning;
mod watching;

/// Handlers of one family share a cause, and so their arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Activity,
    Indexing,
    Watching,
    Changing,
    Spawning,
    Validating,
    Mutating,
    Conversion,
}

/// One kind of handlers: one attribute.
#[derive(Debug)]
pub(crate) struct Kind {
    /// As in `on::create`.
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    /// What is done with what its handlers return.
    pub(crate) returns: &'static str,
    /// Whether it is about objects, so that a selector says of which kinds.
    pub(crate) has_selector: bool,
    /// Groups of names of options.
    pub(crate) options: &'static [&'static [&'static str]],
    /// An option that cannot be left out, and how to write it.
    pub(crate) required: Option<(&'static str, &'static str)>,
}

const KINDS: &[&[Kind]] = &[
    activity::KINDS,
    changing::KINDS,
    spawning::KINDS,
    indexing::KINDS,
    watching::KINDS,
    admission::KINDS,
];

/// Options that every handler has.
const COMMON: &[&str] = &["id", "param", "crate"];
/// What happens after errors.
const ERRORS: &[&str] = &["errors", "timeout", "retries", "backoff"];
/// Which objects it is for.
const FILTERS: &[&str] = &["labels", "annotations", "when", "field", "value"];
/// Which transitions it is for.
const TRANSITION: &[&str] = &["old", "new"];

impl Family {
    /// The name of its cause.
    pub(crate) fn cause(self) -> &'static str {
        match self {
            Self::Activity => "ActivityCause",
            Self::Indexing => "IndexingCause",
            Self::Watching => "WatchingCause",
            Self::Changing => "ChangingCause",
            Self::Spawning => "SpawningCause",
            Self::Validating | Self::Mutating => "AdmissionCause",
            Self::Conversion => "ConversionCause",
        }
    }
}

impl Kind {
    /// Whether it has an option.
    pub(crate) fn has_option(&self, name: &str) -> bool {
        self.option_names().any(|option| option == name)
    }

    /// All of its options.
    pub(crate) fn option_names(&self) -> impl Iterator<Item = &'static str> {
        self.options.iter().flat_map(|group| group.iter().copied())
    }
}

/// All kinds.
pub(crate) fn all() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().flat_map(|kinds| kinds.iter())
}

/// The kind of this name.
pub(crate) fn find(name: &str) -> &'static Kind {
    all()
        .find(|kind| kind.name == name)
        .expect("every exported attribute has a row in the table of kinds")
}

/// "`on::update`, `on::field`": the kinds for which something holds.
pub(crate) fn list(holds: impl Fn(&Kind) -> bool) -> String {
    let kinds = all().filter(|kind| holds(kind));
    let names: Vec<_> = kinds.map(|kind| format!("`on::{}`", kind.name)).collect();
    names.join(", ")
}
