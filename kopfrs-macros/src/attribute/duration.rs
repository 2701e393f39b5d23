//! Durations: `"1m30s"`, a number of seconds, or any expression of type `Duration`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, Result};

use crate::paths;

const HELP: &str = "write a text like \"10s\", \"1m30s\", \"500ms\", or a number of seconds";

/// A duration as an expression of that type.
pub(super) fn duration(expr: &Expr) -> Result<TokenStream> {
    if let Expr::Unary(unary) = expr
        && matches!(unary.op, syn::UnOp::Neg(_))
    {
        return Err(Error::new(
            expr.span(),
            format!("a duration cannot be negative; {HELP}"),
        ));
    }
    let Expr::Lit(literal) = expr else {
        return Ok(quote! { #expr });
    };
    let parsed = match &literal.lit {
        Lit::Str(text) => parse(&text.value()),
        Lit::Int(number) => number.base10_parse().ok().map(Duration::from_secs),
        Lit::Float(number) => {
            let seconds = number.base10_parse::<f64>().ok();
            seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        }
        _ => None,
    };
    let Some(duration) = parsed else {
        return Err(Error::new(
            expr.span(),
            format!("this is not a duration; {HELP}"),
        ));
    };
    let (path, seconds, nanos) = (
        paths::item("Duration"),
        duration.as_secs(),
        duration.subsec_nanos(),
    );
    Ok(quote_spanned! {expr.span()=> #path::new(#seconds, #nanos) })
}

/// `"1h"`, `"1m30s"`, `"500ms"`, `"1.5s"`; units from the largest to the smallest, each once.
fn parse(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 5] = [
        ("d", 86_400.0),
        ("h", 3600.0),
        ("m", 60.0),
        ("s", 1.0),
        ("ms", 0.001),
    ];
    let (mut total, mut rest, mut units) = (Duration::ZERO, text.trim(), &UNITS[..]);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let at = units.iter().position(|(name, _)| *name == unit)?;
        let seconds = number.parse::<f64>().ok()? * units[at].1;
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        (rest, units) = (tail.trim_start(), &units[at + 1..]);
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("10s", Some(ms(10_000))),
            ("1m30s", Some(ms(90_000))),
            ("1m 30s", Some(ms(90_000))),
            ("500ms", Some(ms(500))),
            ("1.5s", Some(ms(1500))),
            ("1h", Some(ms(3_600_000))),
            ("1d2h", Some(ms(93_600_000))),
            ("0s", Some(ms(0))),
            ("", None),
            ("10", None),
            ("s", None),
            ("10x", None),
            ("30s1m", None),
            ("1s1s", None),
            ("1..5s", None),
            ("-1s", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
