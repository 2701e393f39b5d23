//! From what was parsed and checked to the code beside the user's function. Emitting never fails.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::argument::Source;
use crate::attribute::{Attribute, Target};
use crate::errors::Errors;
use crate::function::{Function, Parameter};
use crate::kind::Kind;
use crate::{argument, paths};

/// The user's function as it is, and a registration or all mistakes beside it.
pub(crate) fn expand(kind: &Kind, attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let attribute = Attribute::parse(kind, attribute, &mut errors);
    let function = Function::parse(kind.name, item.clone(), &mut errors);
    let beside = match function {
        Some(function) => {
            let parameters = function.parameters.iter();
            let sources: Vec<_> = parameters
                .map(|parameter| argument::source(kind, &attribute, parameter, &mut errors))
                .collect();
            if kind.returns == INDEXED && function.is_silent {
                let text = "an index function returns what the index is to hold of the object: `-> HashMap<String, String>`";
                errors.push(function.returns, text);
            }
            errors
                .is_empty()
                .then(|| registration(kind, &attribute, &function, &sources))
        }
        None => None,
    };
    let beside = beside.unwrap_or_else(|| errors.to_compile_errors());
    if std::env::var_os("KOPFRS_MACROS_DEBUG").is_some() {
        #[expect(clippy::print_stderr, reason = "shown on request, while compiling")]
        {
            eprintln!("{beside}");
        }
    }
    quote! { #item #beside }
}

fn registration(
    kind: &Kind,
    attribute: &Attribute,
    function: &Function,
    sources: &[Source],
) -> TokenStream {
    let import = paths::import(&attribute.krate);
    let (registry, submission) = (paths::item("Registry"), paths::item("Submission"));
    let (inventory, location) = (paths::item("inventory"), location());
    let builder = builder(kind, &attribute.target);
    let options = options(attribute, function);
    let indices = indices(function, sources);
    let shape = (kind.returns == INDEXED).then(|| shape(function));
    let (name, ident) = (function.name.unraw().to_string(), &function.name);
    let identity = paths::item("function");
    let call = call(kind, function, sources);
    let definition = definition(&attribute.target);
    quote! {
        #[doc(hidden)]
        const _: () = {
            #import
            fn __kopfrs_register(__kopfrs_registry: &mut #registry) {
                __kopfrs_registry.push(
                    #builder
                        #(#options)*
                        #(#indices)*
                        #shape
                        .declared_at(#location)
                        .function(#name, #identity(&#ident))
                        #call
                );
                #definition
            }
            #inventory::submit! { #submission::new(__kopfrs_register, #location) }
        };
    }
}

/// What is kept in an index: the types of it are known from the function alone.
const INDEXED: &str = "Indexed";

/// Which arguments are indices: asked of those whose type may be one.
fn indices(function: &Function, sources: &[Source]) -> Vec<TokenStream> {
    let arguments = function.parameters.iter().zip(sources);
    let arguments = arguments.filter(|(parameter, _)| argument::may_be_index(&parameter.ty));
    let indices = arguments.map(|(parameter, _)| {
        let (ty, name) = (&parameter.ty, &parameter.name);
        let stands_for = paths::item("Type");
        quote! { .using((&&#stands_for::<#ty>::new()).kopfrs_index(#name)) }
    });
    indices.collect()
}

/// The types of the index that a function fills: the compiler knows what it would return. The closure that asks it is
/// never called, so its arguments need not be there.
fn shape(function: &Function) -> TokenStream {
    let (ident, ty) = (&function.name, paths::item("Type"));
    let how = if function.is_async {
        "awaited"
    } else {
        "returned"
    };
    let how = syn::Ident::new(how, Span::call_site());
    let arguments = function
        .parameters
        .iter()
        .map(|_| quote! { ::core::unreachable!() });
    let span = Span::call_site().located_at(function.returns);
    quote_spanned! {span=>
        .shaped({
            #[allow(unreachable_code, clippy::diverging_sub_expression)]
            let __kopfrs_type = #ty::#how(|| #ident(#(#arguments),*));
            (&&&&&__kopfrs_type).kopfrs_way().shape()
        })
    }
}

/// Hands in the definition of the type, if it knows one.
fn definition(target: &Target) -> Option<TokenStream> {
    let Target::Type(ty) = target else {
        return None;
    };
    let defining = paths::item("Defining");
    Some(quote! {
        __kopfrs_registry.push_definition((&#defining::<#ty>::new()).kopfrs_definition());
    })
}

/// The options as calls of the builder's methods; `field` first, as builders of `on::field` have
/// nothing else before it.
fn options(attribute: &Attribute, function: &Function) -> Vec<TokenStream> {
    let mut calls: Vec<_> = attribute.calls.iter().collect();
    calls.sort_by_key(|call| call.method != "field");
    let param = argument::param_type(&function.parameters);
    let operation = function.is_operation.then(|| quote! { .is_operation() });
    let calls = calls.into_iter().map(|call| {
        let (method, arguments) = (&call.method, &call.arguments);
        // What the function takes gives literals their type, and blames a mismatch on the value.
        let ty = param.as_ref().filter(|_| method == "param");
        let ty = ty.map(|ty| quote! { ::<#ty> });
        quote_spanned! {method.span()=> .#method #ty(#arguments) }
    });
    calls.chain(operation).collect()
}

fn location() -> TokenStream {
    let location = paths::item("Location");
    quote! {
        #location {
            file: ::core::file!(),
            line: ::core::line!(),
            column: ::core::column!(),
            module: ::core::module_path!(),
        }
    }
}

fn builder(kind: &Kind, target: &Target) -> TokenStream {
    match target {
        Target::None => {
            let function = paths::builder(kind.name, "", Span::call_site());
            quote! { #function() }
        }
        Target::Type(ty) => {
            let function = paths::builder(kind.name, "", ty.span());
            quote_spanned! {ty.span()=> #function::<#ty>() }
        }
        Target::Named(names) => {
            let selector = &names.selector;
            let function = paths::builder(kind.name, "_of", Span::call_site());
            quote! { #function(#selector) }
        }
    }
}

/// Extracts the arguments one by one, each blamed on its type, and calls the function.
fn call(kind: &Kind, function: &Function, sources: &[Source]) -> TokenStream {
    let ident = &function.name;
    let cause = paths::cause(kind.family.cause());
    let locals: Vec<_> = (0..sources.len())
        .map(|i| quote::format_ident!("__kopfrs_{i}", span = Span::mixed_site()))
        .collect();
    let arguments = function.parameters.iter().zip(sources).zip(&locals);
    let arguments =
        arguments.map(|((parameter, source), local)| argument(&cause, parameter, source, local));
    let await_ = function.is_async.then(|| quote! { .await });
    let called = quote! { #ident(#(#locals),*)#await_ };
    let result = if kind.returns == INDEXED {
        indexed(function.returns, &called)
    } else {
        result(kind.returns, function.returns, &called)
    };
    let (arc, invocation) = (paths::item("Arc"), paths::item("Invocation"));
    let body = quote! { #(#arguments)* #result };
    if function.is_async {
        let boxed = paths::item("Box");
        quote! {
            .call(|__kopfrs_invocation: #arc<#invocation<#cause>>| #boxed::pin(async move { #body }))
        }
    } else {
        quote! {
            .call_blocking(|__kopfrs_invocation: #arc<#invocation<#cause>>| { #body })
        }
    }
}

fn argument(
    cause: &TokenStream,
    parameter: &Parameter,
    source: &Source,
    local: &syn::Ident,
) -> TokenStream {
    let (ty, text) = (&parameter.ty, &parameter.name);
    let span = ty.span();
    let (argument, error) = (paths::item("Argument"), paths::item("HandlerError"));
    let (question, name) = (paths::question(&source.question, span), &source.name);
    quote_spanned! {span=>
        let #local = match <#ty as #question<'_, #cause, #name, _>>::from_arg(
            &__kopfrs_invocation,
            &#argument::new(#text),
        ) {
            ::core::result::Result::Ok(__kopfrs_value) => __kopfrs_value,
            ::core::result::Result::Err(__kopfrs_error) => {
                return ::core::result::Result::Err(#error::of_argument(__kopfrs_error));
            }
        };
    }
}

/// What was returned becomes the handler's outcome: a `Result` is told from anything else by the
/// method found first, for any error type, so that an error is never taken for a value to store.
fn result(returns: &str, span: Span, called: &TokenStream) -> TokenStream {
    let returns = paths::returns(returns);
    // Blamed on the type, yet known for generated: lints of the user are not for it.
    let span = Span::call_site().located_at(span);
    quote_spanned! {span=>
        #[allow(clippy::let_unit_value)]
        let __kopfrs_returned = #called;
        (&__kopfrs_returned).kopfrs_returned().outcome(#returns, __kopfrs_returned)
    }
}

/// What was returned goes into an index, as values by keys or as one value.
fn indexed(span: Span, called: &TokenStream) -> TokenStream {
    let ty = paths::item("Type");
    let span = Span::call_site().located_at(span);
    quote_spanned! {span=>
        #[allow(clippy::let_unit_value)]
        let __kopfrs_returned = #called;
        (&&&&&#ty::of(&__kopfrs_returned)).kopfrs_way().outcome(__kopfrs_returned)
    }
}
