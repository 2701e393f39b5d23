//! The user's test function: what of its shape cannot be a test.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Block, FnArg, Ident, ItemFn, ReturnType, Token, Visibility};

use crate::errors::Errors;

/// A function that can be a test, taken apart.
pub(crate) struct Test {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
    pub(super) inputs: Punctuated<FnArg, Token![,]>,
    pub(super) output: ReturnType,
    pub(super) body: Block,
    /// Where its argument's type is.
    pub(super) argument: Span,
}

impl Test {
    /// Checks the item under the attribute.
    pub(super) fn parse(item: TokenStream, errors: &mut Errors) -> Option<Self> {
        let span = item.span();
        let Ok(function) = syn::parse2::<ItemFn>(item) else {
            errors.push(
                span,
                "`kopfrs::test` goes on a function: `async fn name(cluster: Cluster)`",
            );
            return None;
        };
        check(&function, errors);
        let argument = match function.sig.inputs.first() {
            Some(FnArg::Typed(argument)) => argument.ty.span(),
            Some(FnArg::Receiver(_)) | None => function.sig.ident.span(),
        };
        Some(Self {
            attributes: function.attrs,
            visibility: function.vis,
            name: function.sig.ident,
            inputs: function.sig.inputs,
            output: function.sig.output,
            body: *function.block,
            argument,
        })
    }

    /// Its name as a text.
    pub(super) fn text(&self) -> String {
        self.name.unraw().to_string()
    }
}

fn check(function: &ItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        errors.push(
            signature.fn_token.span,
            "a test of operators is an `async fn`",
        );
    }
    let is_one = matches!(signature.inputs.first(), Some(FnArg::Typed(_)));
    if signature.inputs.len() != 1 || !is_one {
        let span = match signature.inputs.iter().nth(1) {
            Some(second) => second.span(),
            None => signature.ident.span(),
        };
        errors.push(
            span,
            "a test of operators takes one argument, `cluster: Cluster`; without a cluster, it is a `#[tokio::test]`",
        );
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        errors.push(
            signature.generics.span(),
            "a test cannot be generic: there is nothing to tell its types from",
        );
    }
    for attribute in &function.attrs {
        let path = attribute.path();
        let is_test = path
            .segments
            .last()
            .is_some_and(|last| last.ident == "test");
        if is_test {
            errors.push(
                attribute.span(),
                "`kopfrs::test` makes it a test already: leave this one out",
            );
        }
    }
}
