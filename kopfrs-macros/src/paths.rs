//! The one place that names items of the `kopfrs` crate.
//!
//! Emitted code reaches all of them through one alias, so that `crate = path` has one place too.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

/// The first lines of every registration: the alias, and the traits whose methods are called.
pub(crate) fn import(krate: &syn::Path) -> TokenStream {
    quote! {
        use #krate::__private as __kopfrs;
        #[allow(unused_imports)]
        use __kopfrs::{
            Defined as _, FindsEntries as _, FindsIndex as _, FindsNoIndex as _, FindsOption as _,
            FindsResult as _, FindsResultOption as _, FindsValue as _, ReturnedResult as _,
            ReturnedValue as _, Undefined as _,
        };
    }
}

/// Where the run-time crate is, unless `crate = path` says otherwise.
pub(crate) fn default_crate() -> syn::Path {
    syn::parse_quote!(::kopfrs)
}

/// The builder of a kind of handlers: `on::create`.
pub(crate) fn builder(kind: &str, suffix: &str, span: Span) -> TokenStream {
    let function = Ident::new(&format!("{kind}{suffix}"), span);
    quote_spanned! {span=> __kopfrs::on::#function }
}

/// The cause of a family of handlers.
pub(crate) fn cause(cause: &str) -> TokenStream {
    let cause = Ident::new(cause, Span::call_site());
    quote! { __kopfrs::#cause }
}

/// The name of an argument, as a type.
pub(crate) fn argument_name(name: &str) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    quote! { __kopfrs::names::#name }
}

/// The trait that makes an argument, blamed on the argument's type.
pub(crate) fn question(path: &[&str], span: Span) -> TokenStream {
    let path = path.iter().map(|segment| Ident::new(segment, span));
    quote_spanned! {span=> __kopfrs::ask #(::#path)* }
}

/// What is done with returned values.
pub(crate) fn returns(returns: &str) -> TokenStream {
    let returns = Ident::new(returns, Span::call_site());
    quote! { __kopfrs::returns::#returns }
}

/// An item under `__private`.
pub(crate) fn item(name: &str) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    quote! { __kopfrs::#name }
}

/// The same, blamed on what the user wrote.
pub(crate) fn item_at(name: &str, span: Span) -> TokenStream {
    let name = Ident::new(name, span);
    quote_spanned! {span=> __kopfrs::#name }
}
