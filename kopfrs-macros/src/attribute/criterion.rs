//! Criteria: what a label, an annotation, or a field must be.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, LitStr, Result, Token, parenthesized, token};

use crate::errors::Errors;
use crate::paths;

/// Whether a criterion is for texts (labels, annotations) or for any JSON (fields).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Text,
    Json,
}

/// `"x"`, `PRESENT`, `ABSENT`, `|value| …`, a path or any other expression.
pub(super) fn criterion(expr: &Expr, subject: Subject) -> Result<TokenStream> {
    let span = expr.span();
    if subject == Subject::Text
        && let Expr::Lit(literal) = expr
        && !matches!(literal.lit, Lit::Str(_))
    {
        let text = literal.to_token_stream();
        return Err(Error::new(
            span,
            format!("labels and annotations are texts: write \"{text}\" in quotes"),
        ));
    }
    // Only a bound on the very call gives a closure's argument its type and lifetime.
    let function = match (expr, subject) {
        (Expr::Closure(closure), _) if closure.inputs.len() != 1 => {
            return Err(Error::new(
                span,
                "the function gets one argument: the value, `None` where it is absent",
            ));
        }
        (Expr::Closure(_), Subject::Text) => "text_check",
        (Expr::Closure(_), Subject::Json) => "json_check",
        (_, Subject::Text) => "text_criterion",
        (_, Subject::Json) => "json_criterion",
    };
    let function = paths::item_at(function, span);
    let value = presence(expr).unwrap_or_else(|| quote! { #expr });
    Ok(quote_spanned! {span=> #function(#value) })
}

/// `PRESENT` and `ABSENT` work without an import.
fn presence(expr: &Expr) -> Option<TokenStream> {
    let Expr::Path(path) = expr else { return None };
    let name = path.path.get_ident()?;
    let is_known = name == "PRESENT" || name == "ABSENT";
    is_known.then(|| paths::item_at(&name.to_string(), name.span()))
}

/// `(app = "x", "example.com/tier" = PRESENT)`: builder calls, one a pair.
pub(super) fn pairs(
    option: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Result<Vec<(LitStr, TokenStream)>> {
    if !input.peek(token::Paren) {
        return Err(Error::new(
            option.span(),
            format!("write `{option}(app = \"x\", \"example.com/tier\" = PRESENT)`"),
        ));
    }
    let content;
    parenthesized!(content in input);
    let mut pairs: Vec<(LitStr, TokenStream)> = Vec::new();
    while !content.is_empty() {
        match pair(&content) {
            Ok((key, _)) if pairs.iter().any(|(other, _)| other.value() == key.value()) => {
                errors.push(
                    key.span(),
                    format!("`{}` is given twice in `{option}`", key.value()),
                );
            }
            Ok(pair) => pairs.push(pair),
            Err(error) => {
                errors.add(error);
                super::skip_to_comma(&content);
            }
        }
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    if pairs.is_empty() && errors.is_empty() {
        return Err(Error::new(
            option.span(),
            format!("`{option}` has no keys in it"),
        ));
    }
    Ok(pairs)
}

fn pair(input: ParseStream<'_>) -> Result<(LitStr, TokenStream)> {
    let key = if input.peek(LitStr) {
        input.parse::<LitStr>()?
    } else if input.peek(syn::Ident::peek_any) {
        let ident = input.call(Ident::parse_any)?;
        LitStr::new(&ident.unraw().to_string(), ident.span())
    } else {
        return Err(
            input.error("a key is a word, or a text in quotes: `app` or `\"example.com/tier\"`")
        );
    };
    if key.value().is_empty() {
        return Err(Error::new(key.span(), "a key cannot be empty"));
    }
    if !input.peek(Token![=]) {
        return Err(Error::new(
            key.span(),
            format!(
                "write what it must be: `{0} = \"…\"`, `{0} = PRESENT`, `{0} = ABSENT`, or `{0} = |value| …`",
                key.value()
            ),
        ));
    }
    input.parse::<Token![=]>()?;
    let criterion = criterion(&input.parse()?, Subject::Text)?;
    Ok((key, criterion))
}
