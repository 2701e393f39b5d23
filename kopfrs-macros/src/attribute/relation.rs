//! `owns(Deployment)`, `watches(Secret => map)`, `uses(Secret => names)`, `depends(Secret => names)`,
//! `owner(Site => name)`: other kinds that a handler is for.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Error, Expr, Result, Token, parenthesized, token};

use super::option::Call;
use super::selector::{self, Target};
use crate::errors::Errors;
use crate::paths;

/// How a relation is written.
pub(super) fn example(name: &Ident) -> String {
    if name == "owns" {
        "owns(Deployment)".to_owned()
    } else {
        format!("{name}(Secret => function)")
    }
}

/// Reads the kinds in the parentheses; each is a relation.
pub(super) fn read(name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Result<Vec<Call>> {
    let wrong = |span| {
        let text = format!("`{name}` takes kinds of objects: `{}`", example(name));
        Error::new(span, text)
    };
    if !input.peek(token::Paren) {
        return Err(wrong(name.span()));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(wrong(name.span()));
    }
    let mut calls = Vec::new();
    while !content.is_empty() {
        match relation(name, &content) {
            Ok(call) => calls.push(call),
            Err(error) => {
                errors.add(error);
                super::skip_to_comma(&content);
            }
        }
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(calls)
}

fn relation(name: &Ident, input: ParseStream<'_>) -> Result<Call> {
    let span = input.span();
    let target = selector::positional(input)?;
    let (selector, ty) = match &target {
        Target::Type(ty) => {
            let selector = paths::item_at("Selector", ty.span());
            (
                quote_spanned! {ty.span()=> #selector::of::<#ty>() },
                Some(ty),
            )
        }
        Target::Named(names) => (names.selector.clone(), None),
        Target::None => return Err(Error::new(span, selector::HELP)),
    };
    if name == "owns" {
        if input.peek(Token![=>]) {
            return Err(input.error(
                "`owns` needs no function, as owner references tell; `watches(Kind => function)` has one",
            ));
        }
        return Ok(call("owned", span, None, &quote! { #selector }));
    }
    if !input.peek(Token![=>]) {
        let text = format!(
            "`{name}` needs a function for each kind: `{}`",
            example(name)
        );
        return Err(Error::new(span, text));
    }
    input.parse::<Token![=>]>()?;
    let function: Expr = input.parse()?;
    // What the function takes: the other object, or the object itself.
    let (constructor, ty) = match name.to_string().as_str() {
        "watches" => ("watched", ty),
        "owner" => ("owner", None),
        _ => ("used", None),
    };
    let generics = ty.map(|ty| quote_spanned! {ty.span()=> ::<#ty, _> });
    let arguments = quote_spanned! {function.span()=> #selector, #function };
    Ok(call(
        constructor,
        function.span(),
        generics.as_ref(),
        &arguments,
    ))
}

fn call(
    constructor: &str,
    span: Span,
    generics: Option<&TokenStream>,
    arguments: &TokenStream,
) -> Call {
    let relation = paths::item_at("Relation", span);
    let constructor = Ident::new(constructor, span);
    Call {
        method: Ident::new("related", span),
        arguments: quote_spanned! {span=> #relation::#constructor #generics(#arguments) },
    }
}
