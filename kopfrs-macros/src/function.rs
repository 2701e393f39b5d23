//! The user's function: what of its shape cannot be a handler.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ItemFn, Pat, PatType, ReturnType, Safety, Signature, Type};

use crate::errors::Errors;

/// A function that can be a handler, as far as its shape goes.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
    pub(crate) parameters: Vec<Parameter>,
    /// Where the returned type is written, or else where the function is.
    pub(crate) returns: Span,
    /// Whether it returns nothing.
    pub(crate) is_silent: bool,
    /// Whether the returned type, as it is written, is an outcome of a lifecycle.
    pub(crate) is_operation: bool,
}

/// One argument of the function.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Without the leading underscores and `r#`.
    pub(crate) name: String,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
}

impl Function {
    /// Checks the item under an attribute.
    pub(crate) fn parse(kind: &str, item: TokenStream, errors: &mut Errors) -> Option<Self> {
        let span = item.span();
        let Ok(function) = syn::parse2::<ItemFn>(item) else {
            errors.push(
                span,
                format!("`on::{kind}` goes on a function: `async fn` or `fn`"),
            );
            return None;
        };
        Some(Self::check(&function.sig, errors))
    }

    fn check(signature: &Signature, errors: &mut Errors) -> Self {
        check_qualifiers(signature, errors);
        let parameters = signature.inputs.iter();
        let parameters = parameters.filter_map(|input| match input {
            FnArg::Typed(argument) => parameter(argument, errors),
            FnArg::Receiver(receiver) => {
                errors.push(
                    receiver.span(),
                    "a handler is a plain function, not a method; shared state comes as an argument: `state: State<T>`",
                );
                None
            }
        });
        Self {
            name: signature.ident.clone(),
            is_async: signature.asyncness.is_some(),
            parameters: parameters.collect(),
            returns: match &signature.output {
                ReturnType::Type(_, ty) => ty.span(),
                ReturnType::Default => signature.ident.span(),
            },
            is_silent: match &signature.output {
                ReturnType::Type(_, ty) => {
                    matches!(&**ty, Type::Tuple(none) if none.elems.is_empty())
                }
                ReturnType::Default => true,
            },
            is_operation: names_outcome(signature.output.to_token_stream()),
        }
    }
}

/// Whether tokens name a type of outcomes that is only understood beside a verify handler.
fn names_outcome(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Applied" || ident == "Deleted",
        TokenTree::Group(group) => names_outcome(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn check_qualifiers(signature: &Signature, errors: &mut Errors) {
    if let Safety::Unsafe(token) = &signature.safety {
        errors.push(token.span(), "a handler cannot be `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        errors.push(
            abi.span(),
            "a handler is a plain Rust function, not `extern`",
        );
    }
    if let Some(variadic) = &signature.variadic {
        errors.push(variadic.span(), "a handler cannot have variadic arguments");
    }
    let generics = &signature.generics;
    let mut is_explained = false;
    for generic in &generics.params {
        let text = match generic {
            syn::GenericParam::Lifetime(_) => {
                "a handler needs no named lifetimes: borrowed arguments live as long as the call; write `&str`"
            }
            syn::GenericParam::Type(_) | syn::GenericParam::Const(_) => {
                "a handler cannot be generic: there is nothing to tell its types from"
            }
        };
        errors.push(generic.span(), text);
        is_explained = true;
    }
    if let Some(clause) = generics.where_clause.as_ref().filter(|_| !is_explained) {
        errors.push(clause.span(), "a handler cannot have a `where` clause");
    }
}

fn parameter(argument: &PatType, errors: &mut Errors) -> Option<Parameter> {
    if let Some(attribute) = argument
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("cfg"))
    {
        errors.push(
            attribute.span(),
            "an argument of a handler cannot be conditional; put `cfg` on two functions",
        );
    }
    check_type(&argument.ty, errors);
    let ident = match &*argument.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            pattern.ident.clone()
        }
        pattern => {
            errors.push(
                pattern.span(),
                "an argument of a handler is a name, not a pattern: the name says what to pass; take it apart in the body",
            );
            return None;
        }
    };
    let name = ident.to_string();
    let name = name
        .strip_prefix("r#")
        .unwrap_or(&name)
        .trim_start_matches('_');
    Some(Parameter {
        name: name.to_owned(),
        ident,
        ty: (*argument.ty).clone(),
    })
}

fn check_type(ty: &Type, errors: &mut Errors) {
    if let Type::Reference(reference) = ty {
        if let Some(mutability) = &reference.mutability {
            errors.push(
                mutability.span(),
                "handlers get no `&mut`: `&Patch`, `Memo<T>` and `SettingsHandle` are handles that change what they stand for",
            );
        }
        if let Some(lifetime) = reference.lifetime.as_ref().filter(|l| l.ident == "static") {
            errors.push(
                lifetime.span(),
                "arguments are borrowed for the time of the call: leave `'static` out, or take an owned type",
            );
        }
    }
    if let Some(span) = find_impl(ty.to_token_stream()) {
        errors.push(
            span,
            "an argument of a handler has a named type, not `impl …`",
        );
    }
}

fn find_impl(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "impl" => Some(ident.span()),
        TokenTree::Group(group) => find_impl(group.stream()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn messages(item: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        Function::parse("create", item, &mut errors);
        errors.messages()
    }

    #[test]
    fn all_mistakes_in_the_shape_come_together() {
        let item = quote! {
            unsafe extern "C" fn f<'a, T>(self, (a, b): (u8, u8), x: impl Clone, y: &mut Patch, z: &'static str) {}
        };
        let found = messages(item);
        assert_eq!(found.len(), 9, "{found:#?}");
    }

    #[test]
    fn names_lose_their_underscores() {
        let mut errors = Errors::default();
        let item = quote! { async fn f(_name: &str, mut spec: Value, r#type: EventType) {} };
        let function = Function::parse("create", item, &mut errors).unwrap();
        let names: Vec<_> = function.parameters.iter().map(|p| &*p.name).collect();
        assert_eq!(names, ["name", "spec", "type"]);
        assert!(errors.is_empty() && function.is_async);
    }

    #[test]
    fn only_functions_are_accepted() {
        assert_eq!(
            messages(quote! { struct A; }),
            ["`on::create` goes on a function: `async fn` or `fn`"]
        );
    }
}
