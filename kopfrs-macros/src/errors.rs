//! Collects everything that is wrong, so that the user learns all of it at once.

use proc_macro2::{Span, TokenStream};

/// All mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Adds a mistake at a place.
    pub(crate) fn push(&mut self, span: Span, message: impl std::fmt::Display) {
        self.0.push(syn::Error::new(span, message));
    }

    /// Adds a mistake.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What makes the compiler report all of it.
    pub(crate) fn to_compile_errors(&self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }

    /// The messages, for tests of this crate.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        let all = self.0.iter().flat_map(|error| error.clone().into_iter());
        all.map(|error| error.to_string()).collect()
    }
}
