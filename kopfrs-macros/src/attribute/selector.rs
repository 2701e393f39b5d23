//! Selectors: the kinds of objects that a handler is for.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, LitStr, Result, Token, Type, parenthesized, token};

use crate::paths;

/// What a handler is for.
#[derive(Debug, Default)]
pub(crate) enum Target {
    /// The operator itself, or not known because of a mistake.
    #[default]
    None,
    /// A type: `Demo`.
    Type(Box<Type>),
    /// Names: an expression of a `Selector`.
    Named(Names),
}

/// Names of a kind.
#[derive(Debug)]
pub(crate) struct Names {
    /// An expression of a `Selector`.
    pub(crate) selector: TokenStream,
    /// Whether a group or a version may be among them already.
    is_qualified: bool,
}

/// Options that name a kind of objects.
pub(super) const OPTIONS: &[&str] = &["kind", "plural", "singular", "shortcut", "category"];

/// Options that say more of the kind that is named.
pub(super) const REFINEMENTS: &[&str] = &["group", "version"];

pub(super) const HELP: &str = "write a type (`Demo`), a name (`\"demos\"`, \"demos.v1.example.com\"), \
    names (`(\"example.com\", \"v1\", \"demos\")`), `kind = \"Demo\"`, `category = \"all\"`, or `EVERYTHING`";

/// `Demo`, `"demos"`, `("example.com", "v1", "demos")`, `EVERYTHING`.
pub(super) fn positional(input: ParseStream<'_>) -> Result<Target> {
    if input.peek(LitStr) {
        let name: LitStr = input.parse()?;
        checked(&name, true)?;
        let is_qualified = name.value().contains('.');
        return Ok(named("name", name.span(), &quote! { #name }, is_qualified));
    }
    if input.peek(token::Paren) {
        return tuple(input);
    }
    if !input.peek(syn::Ident)
        && !input.peek(Token![::])
        && !input.peek(Token![crate])
        && !input.peek(Token![self])
        && !input.peek(Token![super])
        && !input.peek(Token![<])
    {
        return Err(input.error(format!("this does not name a kind of objects; {HELP}")));
    }
    let ty: Type = input.parse()?;
    if let Type::Path(path) = &ty
        && path
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "EVERYTHING")
    {
        let everything = selector("everything", ty.span());
        return Ok(Target::Named(Names {
            selector: quote! { #everything() },
            is_qualified: false,
        }));
    }
    Ok(Target::Type(Box::new(ty)))
}

/// `kind = "Demo"`.
pub(super) fn option(name: &Ident, input: ParseStream<'_>) -> Result<Target> {
    if !input.peek(LitStr) {
        return Err(input.error(format!("`{name}` takes a text: `{name} = \"…\"`")));
    }
    let value: LitStr = input.parse()?;
    checked(&value, false)?;
    Ok(named(
        &name.to_string(),
        value.span(),
        &quote! { #value },
        false,
    ))
}

/// `group = "example.com"`, `version = "v1"`: one of the refinements of a kind that is named.
pub(super) fn refinement(name: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    if !input.peek(LitStr) {
        return Err(input.error(format!("`{name}` takes a text: `{name} = \"…\"`")));
    }
    let value: LitStr = input.parse()?;
    // The core group is the empty text.
    if name != "group" || !value.value().is_empty() {
        checked(&value, name == "group")?;
    }
    Ok(value)
}

impl Target {
    /// Narrows a kind that is named down to a group or a version.
    pub(super) fn refined(&mut self, name: &Ident, value: &LitStr) -> Result<()> {
        let wrong = |why| {
            let text = format!("{why}; leave `{name}` out");
            Err(Error::new(name.span(), text))
        };
        match self {
            Self::None => Ok(()),
            Self::Type(_) => wrong("a type has its group and version already"),
            Self::Named(names) if names.is_qualified => {
                wrong("the group and the version stand among the names of the kind already")
            }
            Self::Named(names) => {
                let (method, selector) = (quote::format_ident!("with_{name}"), &names.selector);
                names.selector = quote_spanned! {value.span()=> #selector.#method(#value) };
                Ok(())
            }
        }
    }
}

fn tuple(input: ParseStream<'_>) -> Result<Target> {
    let content;
    let parens = parenthesized!(content in input);
    let span = parens.span.join();
    let wrong = || {
        Error::new(
            span,
            "names of a kind are `(group, version, name)` or `(group, name)`, all of them texts",
        )
    };
    let parts = Punctuated::<LitStr, Token![,]>::parse_terminated(&content).map_err(|_| wrong())?;
    let parts: Vec<LitStr> = parts.into_iter().collect();
    let constructor = match parts.len() {
        1 => "name",
        2 => "group_name",
        3 => "full",
        _ => return Err(wrong()),
    };
    // The core group is the empty text; nothing else may be empty.
    let is_core = |i: usize| i == 0 && parts.len() > 1 && parts[0].value().is_empty();
    for (i, part) in parts.iter().enumerate().filter(|(i, _)| !is_core(*i)) {
        checked(part, i + 1 < parts.len() || parts.len() == 1)?;
    }
    Ok(named(constructor, span, &quote! { #(#parts),* }, true))
}

/// An empty name selects nothing, and so is a mistake.
fn checked(text: &LitStr, may_be_dotted: bool) -> Result<()> {
    let value = text.value();
    if value.split('.').any(str::is_empty) {
        return Err(Error::new(
            text.span(),
            format!("{value:?} has an empty part; {HELP}"),
        ));
    }
    if let Some(odd) = value
        .chars()
        .find(|c| !c.is_alphanumeric() && !"-./".contains(*c))
    {
        return Err(Error::new(
            text.span(),
            format!("{odd:?} cannot be in the name of a kind; {HELP}"),
        ));
    }
    if !may_be_dotted && value.contains('.') {
        return Err(Error::new(
            text.span(),
            format!("{value:?} is one name, and has no dots in it"),
        ));
    }
    Ok(())
}

fn named(constructor: &str, span: Span, arguments: &TokenStream, is_qualified: bool) -> Target {
    let (constructor, checked) = (selector(constructor, span), paths::item("selector"));
    Target::Named(Names {
        selector: quote_spanned! {span=> #checked(#constructor(#arguments)) },
        is_qualified,
    })
}

fn selector(constructor: &str, span: Span) -> TokenStream {
    let (path, constructor) = (paths::item("Selector"), Ident::new(constructor, span));
    quote_spanned! {span=> #path::#constructor }
}
