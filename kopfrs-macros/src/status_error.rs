//! `#[derive(StatusError)]`: errors that are told in statuses.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, LitStr, Path, Variant};

use crate::errors::Errors;
use crate::{paths, suggest};

/// What is said of a type, or of a variant.
#[derive(Default)]
struct Said {
    field: Option<LitStr>,
    tag: Option<LitStr>,
    krate: Option<Path>,
}

/// Implements the trait, and makes the type known.
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let is_enum = matches!(item.data, Data::Enum(_));
    let options: &[&str] = if is_enum {
        &["field", "crate"]
    } else {
        &["field", "tag", "crate"]
    };
    let said = said(&item.attrs, options, &mut errors);
    if !item.generics.params.is_empty() {
        errors.push(
            item.generics.span(),
            "an error that is told in a status has no generic parameters: it is recognised by its type at run time",
        );
    }
    let rows = rows(&item, &said, &mut errors);
    if !errors.is_empty() {
        return errors.to_compile_errors();
    }
    implementation(&item.ident, &said, &rows)
}

/// What each variant looks like in a pattern, and the type that is told of it.
fn rows(item: &DeriveInput, said: &Said, errors: &mut Errors) -> Vec<(TokenStream, LitStr)> {
    match &item.data {
        Data::Enum(data) if data.variants.is_empty() => {
            errors.push(
                item.ident.span(),
                "there is nothing to tell of an error without variants",
            );
            Vec::new()
        }
        Data::Enum(data) => {
            let rows = data.variants.iter().map(|variant| row(variant, errors));
            let rows: Vec<_> = rows.collect();
            for (i, (_, tag)) in rows.iter().enumerate() {
                if rows[..i]
                    .iter()
                    .any(|(_, other)| other.value() == tag.value())
                {
                    let text = format!("{:?} is told of another variant already", tag.value());
                    errors.push(tag.span(), text);
                }
            }
            rows
        }
        Data::Struct(_) => vec![(quote! { _ }, tag(&item.ident, said.tag.as_ref()))],
        Data::Union(_) => {
            let text = "`StatusError` is for enumerations and structures";
            errors.push(item.ident.span(), text);
            Vec::new()
        }
    }
}

fn row(variant: &Variant, errors: &mut Errors) -> (TokenStream, LitStr) {
    let said = said(&variant.attrs, &["tag"], errors);
    let ident = &variant.ident;
    let pattern = match &variant.fields {
        Fields::Named(_) => quote! { Self::#ident { .. } },
        Fields::Unnamed(_) => quote! { Self::#ident(..) },
        Fields::Unit => quote! { Self::#ident },
    };
    (pattern, tag(ident, said.tag.as_ref()))
}

fn tag(ident: &Ident, said: Option<&LitStr>) -> LitStr {
    let name = || LitStr::new(&ident.to_string(), ident.span());
    said.cloned().unwrap_or_else(name)
}

/// Reads `#[status_error(…)]`, of which only these options may be there.
fn said(attributes: &[Attribute], options: &[&str], errors: &mut Errors) -> Said {
    let mut said = Said::default();
    let attributes = attributes
        .iter()
        .filter(|a| a.path().is_ident("status_error"));
    for attribute in attributes {
        let read = attribute.parse_nested_meta(|meta| {
            let name = meta
                .path
                .get_ident()
                .map(ToString::to_string)
                .unwrap_or_default();
            if !options.contains(&&*name) {
                return Err(meta.error(unknown(&name, options)));
            }
            if name == "crate" {
                said.krate = Some(meta.value()?.call(Path::parse_mod_style)?);
                return Ok(());
            }
            let value: LitStr = meta.value()?.parse()?;
            let slot = if name == "field" {
                word(&value, "the field of a status")?;
                &mut said.field
            } else {
                word(&value, "a type of errors")?;
                &mut said.tag
            };
            if slot.replace(value).is_some() {
                return Err(meta.error(format!("`{name}` is given twice")));
            }
            Ok(())
        });
        if let Err(error) = read {
            errors.add(error);
        }
    }
    said
}

fn unknown(name: &str, options: &[&str]) -> String {
    if matches!(name, "field" | "tag" | "crate") {
        let place = if name == "tag" {
            "a variant, or a structure"
        } else {
            "the type"
        };
        return format!("`{name}` belongs to {place}");
    }
    let hint = suggest::did_you_mean(name, options.iter().copied());
    let hint =
        hint.unwrap_or_else(|| format!("; there is {}", suggest::list(options.iter().copied())));
    format!("unknown option `{name}`{hint}")
}

/// Types may be told in conditions as well, whose reasons may have underscores.
fn word(text: &LitStr, what: &str) -> syn::Result<()> {
    let value = text.value();
    let is_word = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !value.ends_with('_');
    if is_word {
        return Ok(());
    }
    let text_of = format!("{value:?} cannot be {what}: write one word of letters and digits");
    Err(syn::Error::new(text.span(), text_of))
}

fn implementation(ident: &Ident, said: &Said, rows: &[(TokenStream, LitStr)]) -> TokenStream {
    let krate = said.krate.clone().unwrap_or_else(paths::default_crate);
    let import = paths::import(&krate);
    let field = said.field.clone();
    let field = field.unwrap_or_else(|| LitStr::new("error", Span::call_site()));
    let (patterns, tags): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
    let (trait_, known) = (paths::item("StatusError"), paths::item("StatusErrorType"));
    let inventory = paths::item("inventory");
    quote! {
        #[doc(hidden)]
        const _: () = {
            #import
            #[automatically_derived]
            impl #trait_ for #ident {
                const FIELD: &'static str = #field;
                const TYPES: &'static [&'static str] = &[#(#tags),*];

                fn error_type(&self) -> &'static str {
                    match self {
                        #(#patterns => #tags,)*
                    }
                }
            }
            #inventory::submit! { #known::of::<#ident>() }
        };
    }
}
