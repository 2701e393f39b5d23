//! `operations = ["CREATE", "UPDATE"]`: checked here, as the API server would refuse what it does not know.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprArray, Ident, Lit, Result};

use crate::{paths, suggest};

const OPERATIONS: [(&str, &str); 4] = [
    ("CREATE", "Create"),
    ("UPDATE", "Update"),
    ("DELETE", "Delete"),
    ("CONNECT", "Connect"),
];

const HELP: &str = "write `operations = [\"CREATE\", \"UPDATE\"]`";

/// The list as an expression of operations.
pub(super) fn operations(expr: &Expr) -> Result<TokenStream> {
    match expr {
        Expr::Array(ExprArray { elems, .. }) if elems.is_empty() => Err(Error::new(
            expr.span(),
            "with no operations the handler would never be called; leave `operations` out for all of them",
        )),
        Expr::Array(ExprArray { elems, .. }) => {
            let operations = elems.iter().map(operation).collect::<Result<Vec<_>>>()?;
            Ok(quote! { [#(#operations),*] })
        }
        Expr::Lit(_) => {
            let operation = operation(expr)?;
            Ok(quote! { [#operation] })
        }
        _ => Ok(quote! { #expr }),
    }
}

fn operation(expr: &Expr) -> Result<TokenStream> {
    let Expr::Lit(literal) = expr else {
        return Ok(quote! { #expr });
    };
    let Lit::Str(text) = &literal.lit else {
        return Err(Error::new(
            expr.span(),
            format!("an operation is a text; {HELP}"),
        ));
    };
    let written = text.value();
    let known = OPERATIONS.iter().find(|(name, _)| *name == written);
    let Some((_, variant)) = known else {
        let upper = written.to_uppercase();
        let hint = suggest::did_you_mean(&upper, OPERATIONS.map(|(name, _)| name));
        let hint =
            hint.unwrap_or_else(|| "; it is `CREATE`, `UPDATE`, `DELETE`, or `CONNECT`".to_owned());
        return Err(Error::new(
            expr.span(),
            format!("unknown operation `{written}`{hint}"),
        ));
    };
    let (path, variant) = (
        paths::item("Operation"),
        Ident::new(variant, Span::call_site()),
    );
    Ok(quote_spanned! {expr.span()=> #path::#variant })
}
