//! From the attributes all over the program to a registry.
//!
//! The linker keeps the submissions in no useful order, and in different ones in debug and release
//! builds; handlers are called in the order of the source, so they are sorted by where they stand.

use super::Registry;
use crate::handler::Location;

/// What an attribute leaves beside its function.
#[derive(Clone, Copy, Debug)]
pub struct Submission {
    register: fn(&mut Registry),
    location: Location,
}

inventory::collect!(Submission);

impl Submission {
    /// A declaration at a place.
    pub const fn new(register: fn(&mut Registry), location: Location) -> Self {
        Self { register, location }
    }
}

impl Registry {
    /// All handlers that are declared by attributes anywhere in the program.
    ///
    /// Of libraries, those that the program links: `use my_handlers as _;`.
    pub fn collect() -> Self {
        Self::collect_where(|_| true)
    }

    /// The handlers that are declared by attributes in one module and in those inside of it:
    /// `Registry::module(module_path!())`.
    pub fn module(path: &str) -> Self {
        Self::collect_where(|location| {
            let rest = location.module.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    }

    fn collect_where(is_wanted: impl Fn(&Location) -> bool) -> Self {
        let all = inventory::iter::<Submission>.into_iter();
        let mut wanted: Vec<_> = all.filter(|s| is_wanted(&s.location)).collect();
        wanted.sort_by_key(|submission| submission.location);
        let mut registry = Self::new();
        for submission in wanted {
            (submission.register)(&mut registry);
        }
        registry
    }
}
