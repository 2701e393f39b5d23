//! What stands in the parentheses of the attribute.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser as _;
use syn::spanned::Spanned as _;
use syn::{LitInt, LitStr, Path};

use crate::errors::Errors;
use crate::{paths, suggest};

/// Where and how a test runs.
pub(crate) struct Options {
    pub(super) krate: Path,
    wire: Option<Path>,
    backend: Option<LitStr>,
    time: Option<LitStr>,
    flavor: Option<LitStr>,
    worker_threads: Option<LitInt>,
}

const NAMES: [&str; 6] = [
    "wire",
    "backend",
    "time",
    "flavor",
    "worker_threads",
    "crate",
];
/// How many threads a test has that asks for several, as with tokio's attribute: what is enough for races.
const THREADS: usize = 2;

impl Options {
    pub(super) fn parse(attribute: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self {
            krate: paths::default_crate(),
            wire: None,
            backend: None,
            time: None,
            flavor: None,
            worker_threads: None,
        };
        let parser = syn::meta::parser(|meta| options.take(&meta, errors));
        if let Err(error) = parser.parse2(attribute) {
            errors.add(error);
        }
        options.check(errors);
        options
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>, errors: &mut Errors) -> syn::Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string);
        let name = name.unwrap_or_default();
        match &*name {
            "wire" if meta.input.peek(syn::Token![=]) => {
                let value = meta.value()?.parse::<syn::Expr>()?;
                errors.push(
                    value.span(),
                    "`wire` has no value: it is there or it is not",
                );
            }
            "wire" => self.wire = Some(meta.path.clone()),
            "backend" => self.backend = one_of(meta, &["in-process", "sandbox"], errors)?,
            "time" => self.time = one_of(meta, &["paused", "real"], errors)?,
            "flavor" => self.flavor = one_of(meta, &["current_thread", "multi_thread"], errors)?,
            "worker_threads" => self.worker_threads = Some(meta.value()?.parse()?),
            "crate" => self.krate = meta.value()?.parse()?,
            _ => {
                let hint = suggest::did_you_mean(&name, NAMES)
                    .unwrap_or_else(|| format!("; there are {}", suggest::list(NAMES)));
                let span = meta.path.span();
                errors.push(span, format!("unknown option `{name}`{hint}"));
                // What follows is part of it.
                if meta.input.peek(syn::Token![=]) {
                    meta.value()?.parse::<syn::Expr>()?;
                }
            }
        }
        Ok(())
    }

    /// What does not go together.
    fn check(&self, errors: &mut Errors) {
        let is = |option: &Option<LitStr>, value: &str| {
            option
                .as_ref()
                .filter(|literal| literal.value() == value)
                .cloned()
        };
        let is_multi = is(&self.flavor, "multi_thread").is_some();
        if let Some(paused) = is(&self.time, "paused") {
            if let Some(wire) = &self.wire {
                errors.push(
                    wire.span(),
                    "over a wire time passes as it does: leave `wire` or `time = \"paused\"` out",
                );
            }
            if is_multi {
                errors.push(
                    paused.span(),
                    "with several threads time passes as it does: leave `flavor` or `time = \"paused\"` out",
                );
            }
            if is(&self.backend, "sandbox").is_some() {
                errors.push(
                    paused.span(),
                    "over TLS time passes as it does: write `backend = \"in-process\"`",
                );
            }
        }
        if let (Some(backend), Some(_)) = (is(&self.backend, "in-process"), &self.wire) {
            errors.push(
                backend.span(),
                "no wire leads to the sandbox in the test's process: write `backend = \"sandbox\"`",
            );
        }
        if let Some(threads) = &self.worker_threads {
            if !is_multi {
                errors.push(
                    threads.span(),
                    "`worker_threads` needs `flavor = \"multi_thread\"`",
                );
            }
            if !threads
                .base10_parse::<usize>()
                .is_ok_and(|threads| threads > 0)
            {
                errors.push(threads.span(), "a test has at least one thread");
            }
        }
    }

    /// The calls that set them.
    pub(super) fn calls(&self) -> Vec<TokenStream> {
        let is = |option: &Option<LitStr>, value: &str| {
            option
                .as_ref()
                .is_some_and(|literal| literal.value() == value)
        };
        let mut calls = Vec::new();
        if is(&self.backend, "in-process") || is(&self.time, "paused") {
            calls.push(quote! { backend(__kopfrs::Backend::InProcess) });
        } else if is(&self.backend, "sandbox") {
            calls.push(quote! { backend(__kopfrs::Backend::Sandbox) });
        }
        if self.wire.is_some() {
            calls.push(quote! { wire() });
        }
        if is(&self.time, "real") {
            calls.push(quote! { real_time() });
        }
        if is(&self.flavor, "multi_thread") {
            let threads = match &self.worker_threads {
                Some(threads) => quote! { #threads },
                None => quote! { #THREADS },
            };
            calls.push(quote! { threads(#threads) });
        }
        calls
    }
}

/// A text that is one of a few.
fn one_of(
    meta: &ParseNestedMeta<'_>,
    known: &[&str],
    errors: &mut Errors,
) -> syn::Result<Option<LitStr>> {
    let literal: LitStr = meta.value()?.parse()?;
    if known.contains(&&*literal.value()) {
        return Ok(Some(literal));
    }
    let known: Vec<String> = known.iter().map(|known| format!("`{known:?}`")).collect();
    let name = meta
        .path
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default();
    errors.push(
        literal.span(),
        format!("`{name}` is {}", known.join(" or ")),
    );
    Ok(None)
}
