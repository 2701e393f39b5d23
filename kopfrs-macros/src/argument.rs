//! Arguments: which names there are, in which families, and how each name reaches the run-time
//! crate.
//!
//! A name alone decides nothing where the type is an extractor, and types are not known here. So a
//! wrong name is an error right away only for types that are surely plain; for others it becomes a
//! name under which extractors alone are accepted, and the compiler judges.

mod names;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Type;
use syn::spanned::Spanned;

use self::names::{NAMES, Name, Shape};
use crate::attribute::{Attribute, Target};
use crate::errors::Errors;
use crate::function::Parameter;
use crate::kind::{self, Family, Kind};
use crate::{paths, suggest};

/// How an argument is asked for.
#[derive(Debug)]
pub(crate) struct Source {
    /// The trait that makes it; each has a message of its own.
    pub(crate) question: Vec<&'static str>,
    /// The name, as a type.
    pub(crate) name: TokenStream,
}

/// How an argument is asked for; mistakes are collected.
pub(crate) fn source(
    kind: &Kind,
    attribute: &Attribute,
    parameter: &Parameter,
    errors: &mut Errors,
) -> Source {
    let written = &*parameter.name;
    match NAMES.iter().find(|name| name.text == written) {
        Some(name) if name.families.contains(&kind.family) => {
            if name.text == "param" && !attribute.has("param") {
                let text = format!(
                    "`on::{}` gives no `param`: add `param = …` to the attribute",
                    kind.name
                );
                errors.push(parameter.ident.span(), text);
            }
            if matches!(name.text, "spec" | "status" | "old" | "new") && is_text(&parameter.ty) {
                let text =
                    format!("`{written}` cannot be borrowed as text: write `String` or `&Value`");
                errors.push(parameter.ty.span(), text);
            }
            known(kind, name, attribute, &parameter.ty)
        }
        Some(name) => {
            if is_plain(&parameter.ty) || is_type_of(name, &parameter.ty) {
                errors.push(parameter.ident.span(), elsewhere(kind, name));
            }
            misnamed("elsewhere", name)
        }
        None => unknown(kind, parameter, errors),
    }
}

/// The type of the value that a function takes as its `param`.
pub(crate) fn param_type(parameters: &[Parameter]) -> Option<TokenStream> {
    let parameter = parameters
        .iter()
        .find(|parameter| parameter.name == "param")?;
    Some(match &parameter.ty {
        Type::Reference(reference) if is_str(&reference.elem) => quote! { &'static str },
        Type::Reference(reference) => reference.elem.to_token_stream(),
        ty => ty.to_token_stream(),
    })
}

fn known(kind: &Kind, name: &Name, attribute: &Attribute, ty: &Type) -> Source {
    let is_narrowed = attribute.has("field") && kind.family == Family::Changing;
    let marker = match (&name.shape, ty) {
        _ if kind.family == Family::Conversion && name.text == "old" => "Original",
        (Shape::KindOrField(marker), _) if is_narrowed => marker,
        (Shape::Shared, Type::Reference(reference)) if is_str(&reference.elem) => "ParamStr",
        (Shape::Shared, Type::Reference(_)) => "ParamRef",
        _ => name.marker,
    };
    let path = paths::argument_name(marker);
    let is_of_kind = matches!(name.shape, Shape::Kind | Shape::KindOrField(_));
    let object = match &attribute.target {
        _ if !is_of_kind || marker != name.marker => None,
        Target::Type(ty) => Some(ty.to_token_stream()),
        Target::Named(_) | Target::None => Some(paths::item("Untyped")),
    };
    Source {
        question: vec![marker],
        name: match object {
            Some(object) => quote! { #path<#object> },
            None => path,
        },
    }
}

fn elsewhere(kind: &Kind, name: &Name) -> String {
    format!(
        "`on::{}` handlers have no `{}`; it exists in {}",
        kind.name,
        name.text,
        kind::list(|kind| name.families.contains(&kind.family)),
    )
}

fn unknown(kind: &Kind, parameter: &Parameter, errors: &mut Errors) -> Source {
    let written = &*parameter.name;
    let here = || {
        NAMES
            .iter()
            .filter(|name| name.families.contains(&kind.family))
    };
    let near = suggest::nearest(written, here().map(|name| name.text));
    let near = here().find(|name| Some(name.text) == near);
    if is_plain(&parameter.ty) {
        let hint = match near {
            Some(near) => format!("; did you mean `{}`? (`{}`)", near.text, near.example),
            None => format!(
                "; there are {}",
                suggest::list(here().map(|name| name.text))
            ),
        };
        errors.push(
            parameter.ident.span(),
            format!(
                "`on::{}` handlers get nothing by the name of `{written}`{hint}",
                kind.name
            ),
        );
    }
    match near {
        Some(near) => misnamed("near", near),
        None => Source {
            question: vec!["ByType"],
            name: paths::argument_name("Unknown"),
        },
    }
}

/// Known by its type or not at all. Under the name of a part or a state of the object, the current
/// object itself would be taken for that.
fn misnamed(question: &'static str, name: &Name) -> Source {
    let is_section = question == "elsewhere"
        && matches!(
            name.text,
            "spec" | "status" | "meta" | "labels" | "annotations" | "old" | "new" | "memo"
        );
    Source {
        question: vec![question, name.marker],
        name: paths::argument_name(if is_section { "Section" } else { "Unknown" }),
    }
}

/// Whether a type is surely no extractor: a type of std or of `serde_json`, for which nobody can
/// implement the trait.
fn is_plain(ty: &Type) -> bool {
    const PLAIN: &[&str] = &[
        "bool",
        "char",
        "f32",
        "f64",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "str",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "String",
        "Value",
        "Duration",
        "Timestamp",
        "ObjectMeta",
        "Option",
        "Vec",
        "BTreeMap",
        "HashMap",
        "BTreeSet",
        "HashSet",
    ];
    match ty {
        Type::Reference(reference) => is_plain(&reference.elem),
        Type::Tuple(_) | Type::Array(_) | Type::Slice(_) => true,
        _ => is_named(ty, PLAIN),
    }
}

/// Whether a type can be an index, as far as can be told without knowing it.
pub(crate) fn may_be_index(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => may_be_index(&reference.elem),
        Type::Path(_) => !is_plain(ty) && !is_named(ty, &["Patch", "Diff", "Body", "Client"]),
        _ => false,
    }
}

/// Whether a type is the one that a name usually has: `&Diff` for `diff`.
fn is_type_of(name: &Name, ty: &Type) -> bool {
    if let Type::Reference(reference) = ty {
        return is_type_of(name, &reference.elem);
    }
    let (_, usual) = name.example.split_once(": ").unwrap_or_default();
    is_named(ty, &[usual.trim_start_matches('&')])
}

/// Whether there is a borrowed text in a type: `&str`, `Option<&str>`.
fn is_text(ty: &Type) -> bool {
    let tokens = ty.to_token_stream().to_string();
    tokens.ends_with("& str") || tokens.ends_with("& str >")
}

fn is_str(ty: &Type) -> bool {
    is_named(ty, &["str"])
}

fn is_named(ty: &Type, names: &[&str]) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|segment| names.iter().any(|name| segment.ident == name))
}
