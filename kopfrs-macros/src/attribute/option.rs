//! The table of options, and how the value of each is read.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprArray, Lit, LitStr, Result, Token};

use super::criterion::{self, Subject};
use super::duration::duration;
use super::{operations, relation};
use crate::errors::Errors;
use crate::{paths, suggest};

/// How the value of an option is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Where the run-time crate is.
    Crate,
    Id,
    /// Any expression.
    Value,
    ErrorsMode,
    /// A duration; `true` if it may be zero.
    Duration(bool),
    /// A duration, or a function of the cause that tells one.
    Delay,
    /// A whole number from 1.
    Count,
    /// `owns(Deployment, "services")`.
    Kinds,
    /// `watches(Secret => map)`.
    Maps,
    /// A function of the cause.
    Predicate,
    Field,
    Criterion,
    /// `option(key = criterion, …)`.
    Pairs,
    Flag,
    /// `["CREATE", "UPDATE"]`.
    Operations,
    /// A text that is not empty; what it names.
    Text(&'static str),
}

/// All options there are; which kinds have them is in the table of kinds.
const OPTIONS: &[(&str, Syntax)] = &[
    ("crate", Syntax::Crate),
    ("id", Syntax::Id),
    ("param", Syntax::Value),
    ("errors", Syntax::ErrorsMode),
    ("timeout", Syntax::Duration(false)),
    ("retries", Syntax::Count),
    ("backoff", Syntax::Duration(true)),
    ("labels", Syntax::Pairs),
    ("annotations", Syntax::Pairs),
    ("when", Syntax::Predicate),
    ("field", Syntax::Field),
    ("value", Syntax::Criterion),
    ("old", Syntax::Criterion),
    ("new", Syntax::Criterion),
    ("deleted", Syntax::Flag),
    ("optional", Syntax::Flag),
    ("poll", Syntax::Duration(false)),
    ("resync", Syntax::Duration(true)),
    ("once", Syntax::Flag),
    ("park", Syntax::Flag),
    ("orphan", Syntax::Flag),
    ("owns", Syntax::Kinds),
    ("watches", Syntax::Maps),
    ("depends", Syntax::Maps),
    ("owner", Syntax::Maps),
    ("uses", Syntax::Maps),
    ("concurrency", Syntax::Count),
    ("initial_delay", Syntax::Delay),
    ("finalizer", Syntax::Flag),
    ("cancellation_backoff", Syntax::Duration(true)),
    ("cancellation_timeout", Syntax::Duration(true)),
    ("cancellation_polling", Syntax::Duration(false)),
    ("interval", Syntax::Duration(false)),
    ("sharp", Syntax::Flag),
    ("idle", Syntax::Duration(true)),
    ("operations", Syntax::Operations),
    ("subresource", Syntax::Text("status")),
    ("persistent", Syntax::Flag),
    ("side_effects", Syntax::Flag),
    ("ignore_failures", Syntax::Flag),
    ("from", Syntax::Text("v1alpha1")),
    ("to", Syntax::Text("v1")),
];

/// A call of a method of the handler's builder.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Ident,
    pub(crate) arguments: TokenStream,
}

/// How an option is written; `None` if there is no such option.
pub(super) fn syntax(name: &str) -> Option<Syntax> {
    OPTIONS
        .iter()
        .find(|(option, _)| *option == name)
        .map(|(_, syntax)| *syntax)
}

/// Reads what follows an option's name.
pub(super) fn read(
    name: &Ident,
    syntax: Syntax,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Result<Vec<Call>> {
    if matches!(syntax, Syntax::Kinds | Syntax::Maps) {
        return relation::read(name, input, errors);
    }
    if syntax == Syntax::Pairs {
        let method = if name == "labels" {
            "label"
        } else {
            "annotation"
        };
        let pairs = criterion::pairs(name, input, errors)?;
        let call = |(key, criterion): (LitStr, TokenStream)| Call {
            method: Ident::new(method, key.span()),
            arguments: quote! { #key, #criterion },
        };
        return Ok(pairs.into_iter().map(call).collect());
    }
    let is_bare = !input.peek(Token![=]);
    if is_bare && syntax == Syntax::Flag {
        return Ok(vec![Call {
            method: name.clone(),
            arguments: quote! { true },
        }]);
    }
    if is_bare {
        return Err(Error::new(
            name.span(),
            format!("`{name}` has no value: write `{}`", example(name, syntax)),
        ));
    }
    input.parse::<Token![=]>()?;
    let arguments = argument(name, syntax, &input.parse()?)?;
    Ok(vec![Call {
        method: name.clone(),
        arguments,
    }])
}

fn argument(name: &Ident, syntax: Syntax, expr: &Expr) -> Result<TokenStream> {
    match syntax {
        Syntax::Id => id(expr),
        Syntax::ErrorsMode => errors_mode(expr),
        Syntax::Duration(may_be_zero) => {
            if !may_be_zero && is_zero(expr) {
                return Err(Error::new(expr.span(), zero(name)));
            }
            duration(expr)
        }
        Syntax::Delay => delay(name, expr),
        Syntax::Count => count(name, expr),
        Syntax::Field => field(expr),
        Syntax::Criterion => criterion::criterion(expr, Subject::Json),
        Syntax::Predicate => predicate(name, expr),
        Syntax::Operations => operations::operations(expr),
        Syntax::Text(example) => text(name, example, expr),
        Syntax::Flag
        | Syntax::Value
        | Syntax::Pairs
        | Syntax::Kinds
        | Syntax::Maps
        | Syntax::Crate => Ok(quote! { #expr }),
    }
}

fn example(name: &Ident, syntax: Syntax) -> String {
    let value = match syntax {
        Syntax::Crate => "path::to::kopfrs",
        Syntax::Id => "\"name\"",
        Syntax::Value | Syntax::Criterion => "…",
        Syntax::ErrorsMode => "temporary",
        Syntax::Duration(_) | Syntax::Delay => "\"10s\"",
        Syntax::Count => "5",
        Syntax::Predicate => "|cause| …",
        Syntax::Field => "\"spec.field\"",
        Syntax::Flag => "true",
        Syntax::Operations => "[\"CREATE\"]",
        Syntax::Text(example) => return format!("{name} = \"{example}\""),
        Syntax::Pairs => return format!("{name}(key = \"value\")"),
        Syntax::Kinds | Syntax::Maps => return relation::example(name),
    };
    format!("{name} = {value}")
}

/// The id is a part of keys of annotations.
fn id(expr: &Expr) -> Result<TokenStream> {
    if let Expr::Lit(literal) = expr {
        let Lit::Str(text) = &literal.lit else {
            return Err(Error::new(expr.span(), "an id is a text: `id = \"name\"`"));
        };
        let text = text.value();
        if text.is_empty() {
            return Err(Error::new(expr.span(), "an id cannot be empty"));
        }
        if let Some(odd) = text
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && !"-_./".contains(*c))
        {
            return Err(Error::new(
                expr.span(),
                format!(
                    "{odd:?} cannot be in an id; ids have letters, digits, `-`, `_`, `.` and `/`"
                ),
            ));
        }
    }
    Ok(quote! { #expr })
}

fn text(name: &Ident, example: &str, expr: &Expr) -> Result<TokenStream> {
    if let Expr::Lit(literal) = expr {
        let is_filled = matches!(&literal.lit, Lit::Str(text) if !text.value().is_empty());
        if !is_filled {
            return Err(Error::new(
                expr.span(),
                format!("`{name}` is a text: write `{name} = \"{example}\"`"),
            ));
        }
    }
    Ok(quote! { #expr })
}

fn errors_mode(expr: &Expr) -> Result<TokenStream> {
    const MODES: [(&str, &str); 3] = [
        ("temporary", "Temporary"),
        ("permanent", "Permanent"),
        ("ignored", "Ignored"),
    ];
    let Expr::Path(path) = expr else {
        return Ok(quote! { #expr });
    };
    let Some(word) = path.path.get_ident() else {
        return Ok(quote! { #expr });
    };
    let Some((_, variant)) = MODES.iter().find(|(mode, _)| word == mode) else {
        let written = word.to_string().to_lowercase();
        let hint = suggest::did_you_mean(&written, MODES.map(|(mode, _)| mode));
        let hint = hint.unwrap_or_else(|| "; it is `temporary`, `permanent`, or `ignored`".into());
        return Err(Error::new(
            expr.span(),
            format!("unknown mode of errors `{word}`{hint}"),
        ));
    };
    let (path, variant) = (paths::item("ErrorsMode"), Ident::new(variant, expr.span()));
    Ok(quote_spanned! {expr.span()=> #path::#variant })
}

fn count(name: &Ident, expr: &Expr) -> Result<TokenStream> {
    let what = if name == "retries" {
        "attempts in total"
    } else {
        "calls at once"
    };
    let is_literal = matches!(expr, Expr::Lit(_) | Expr::Unary(_));
    let number = match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse::<u32>().ok(),
            _ => None,
        },
        _ => None,
    };
    if is_literal && number.is_none_or(|number| number == 0) {
        let help = format!("`{name}` counts {what}, and is a whole number from 1");
        return Err(Error::new(expr.span(), help));
    }
    Ok(quote! { #expr })
}

fn predicate(name: &Ident, expr: &Expr) -> Result<TokenStream> {
    match expr {
        Expr::Closure(closure) if closure.inputs.len() != 1 => Err(Error::new(
            expr.span(),
            format!("the function gets one argument, the cause: `{name} = |cause| …`"),
        )),
        Expr::Lit(_) => Err(Error::new(
            expr.span(),
            format!("`{name}` takes a function of the cause: `{name} = |cause| …`"),
        )),
        _ => Ok(quote! { #expr }),
    }
}

/// What is wrong with an option that is zero.
fn zero(name: &Ident) -> String {
    match name.to_string().as_str() {
        "interval" => "with an `interval` of zero the handler would be called without a pause; \
                       leave it out to have it called once"
            .to_owned(),
        "cancellation_polling" => "it would be told without a pause that the handler is still \
                                   running; leave it out for what the settings say"
            .to_owned(),
        name => format!("with a `{name}` of zero the handler would never be called"),
    }
}

/// A duration, or a function of the cause that tells one.
fn delay(name: &Ident, expr: &Expr) -> Result<TokenStream> {
    match expr {
        Expr::Closure(_) => {
            let ask = predicate(name, expr)?;
            let function = paths::item_at("delay_of", expr.span());
            Ok(quote_spanned! {expr.span()=> #function(#ask) })
        }
        _ => duration(expr),
    }
}

/// `"spec.field"` or `["spec", "a.b"]`, as an expression of a `FieldPath`.
fn field(expr: &Expr) -> Result<TokenStream> {
    const HELP: &str = "write `field = \"spec.field\"`, or `field = [\"spec\", \"a.b\"]`";
    let segments: Vec<LitStr> = match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text
                .value()
                .split('.')
                .map(|segment| LitStr::new(segment, text.span()))
                .collect(),
            _ => {
                return Err(Error::new(
                    expr.span(),
                    format!("this is not a path to a field; {HELP}"),
                ));
            }
        },
        Expr::Array(ExprArray { elems, .. }) => {
            let texts = elems.iter().map(|element| match element {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Ok(text.clone()),
                    _ => Err(Error::new(
                        element.span(),
                        format!("this is not a segment of a path; {HELP}"),
                    )),
                },
                _ => Err(Error::new(
                    element.span(),
                    format!("this is not a segment of a path; {HELP}"),
                )),
            });
            texts.collect::<Result<_>>()?
        }
        _ => return Ok(quote! { #expr }),
    };
    if segments.is_empty() || segments.iter().any(|segment| segment.value().is_empty()) {
        return Err(Error::new(
            expr.span(),
            format!("the path to a field has an empty segment; {HELP}"),
        ));
    }
    let path = paths::item("FieldPath");
    Ok(quote_spanned! {expr.span()=> #path::new([#(#segments),*]) })
}

fn is_zero(expr: &Expr) -> bool {
    let Expr::Lit(literal) = expr else {
        return false;
    };
    match &literal.lit {
        Lit::Int(number) => number.base10_digits() == "0",
        Lit::Float(number) => number
            .base10_parse::<f64>()
            .is_ok_and(|number| number == 0.0),
        Lit::Str(text) => text.value().trim_end_matches(char::is_alphabetic) == "0",
        _ => false,
    }
}
