//! Arguments: which names there are, in which families, and how each name reaches the run-time
//! crate.
//!
//! A name alone decides nothing where the type is an extractor, and types are not known here. So a
//! wrong name is an error right away only for types that are surely plain; for others it becomes a
//! name under which extractors alone are accepted, and the compiler judges.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Type;

use crate::attribute::{Attribute, Target};
use crate::errors::Errors;
use crate::function::Parameter;
use crate::kind::{self, Family, Kind};
use crate::{paths, suggest};

/// One name of arguments.
struct Name {
    text: &'static str,
    /// The type that stands for it in `kopfrs::extract::names`.
    marker: &'static str,
    families: &'static [Family],
    /// How to write it.
    example: &'static str,
    shape: Shape,
}

/// What a name's type is generic over.
enum Shape {
    Plain,
    /// The selector's type.
    Kind,
    /// The selector's type, or with `field = …` that field instead.
    KindOrField,
    /// A reference is taken from where the value is; anything else is a copy of it.
    Shared,
}

const OBJECTS: &[Family] = &[Family::Watching, Family::Changing];
const CHANGING: &[Family] = &[Family::Changing];
const WATCHING: &[Family] = &[Family::Watching];
const ACTIVITY: &[Family] = &[Family::Activity];
const RETRIED: &[Family] = &[Family::Activity, Family::Changing];
const EVERY: &[Family] = &[Family::Activity, Family::Watching, Family::Changing];

const fn name(
    text: &'static str,
    marker: &'static str,
    families: &'static [Family],
    example: &'static str,
    shape: Shape,
) -> Name {
    Name {
        text,
        marker,
        families,
        example,
        shape,
    }
}

const NAMES: &[Name] = &[
    name("body", "Body", OBJECTS, "body: &Body", Shape::Kind),
    name("spec", "Spec", OBJECTS, "spec: MySpec", Shape::Plain),
    name("meta", "Meta", OBJECTS, "meta: ObjectMeta", Shape::Plain),
    name(
        "status",
        "Status",
        OBJECTS,
        "status: Option<MyStatus>",
        Shape::Plain,
    ),
    name("name", "Name", OBJECTS, "name: &str", Shape::Plain),
    name(
        "namespace",
        "Namespace",
        OBJECTS,
        "namespace: Option<&str>",
        Shape::Kind,
    ),
    name("uid", "Uid", OBJECTS, "uid: &str", Shape::Plain),
    name(
        "labels",
        "Labels",
        OBJECTS,
        "labels: BTreeMap<String, String>",
        Shape::Plain,
    ),
    name(
        "annotations",
        "Annotations",
        OBJECTS,
        "annotations: BTreeMap<String, String>",
        Shape::Plain,
    ),
    name(
        "resource",
        "Resource",
        OBJECTS,
        "resource: &Resource",
        Shape::Plain,
    ),
    name("patch", "Patch", OBJECTS, "patch: &Patch", Shape::Plain),
    name("reason", "Reason", CHANGING, "reason: Reason", Shape::Plain),
    name(
        "old",
        "Old",
        CHANGING,
        "old: Option<&Value>",
        Shape::KindOrField,
    ),
    name(
        "new",
        "New",
        CHANGING,
        "new: Option<&Value>",
        Shape::KindOrField,
    ),
    name("diff", "Diff", CHANGING, "diff: &Diff", Shape::Plain),
    name("event", "Event", WATCHING, "event: &RawEvent", Shape::Plain),
    name(
        "type",
        "EventType",
        WATCHING,
        "r#type: EventType",
        Shape::Plain,
    ),
    name(
        "event_type",
        "EventType",
        WATCHING,
        "event_type: EventType",
        Shape::Plain,
    ),
    name(
        "activity",
        "Activity",
        ACTIVITY,
        "activity: Activity",
        Shape::Plain,
    ),
    name(
        "settings",
        "Settings",
        ACTIVITY,
        "settings: SettingsHandle",
        Shape::Plain,
    ),
    name("retry", "Retry", RETRIED, "retry: u32", Shape::Plain),
    name(
        "started",
        "Started",
        RETRIED,
        "started: Timestamp",
        Shape::Plain,
    ),
    name(
        "runtime",
        "Runtime",
        RETRIED,
        "runtime: Duration",
        Shape::Plain,
    ),
    name("param", "Param", EVERY, "param: &T", Shape::Shared),
    name("memo", "Memo", EVERY, "memo: Memo<T>", Shape::Plain),
];

/// How an argument is asked for: which trait makes it, with which name.
#[derive(Debug)]
pub(crate) enum Source {
    /// By its type alone.
    Type,
    /// By its type or its name.
    Named(TokenStream),
    /// By its type, under a name that is nearly known, or known elsewhere.
    Misnamed(TokenStream),
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
            Source::Named(known(name, attribute, &parameter.ty))
        }
        Some(name) => {
            if is_plain(&parameter.ty) || is_type_of(name, &parameter.ty) {
                errors.push(parameter.ident.span(), elsewhere(kind, name));
            }
            Source::Misnamed(wrapped("Elsewhere", name))
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

fn known(name: &Name, attribute: &Attribute, ty: &Type) -> TokenStream {
    let object = match &attribute.target {
        Target::Type(ty) => quote! { #ty },
        Target::Named(_) | Target::None => paths::item("Untyped"),
    };
    match (&name.shape, ty) {
        (Shape::KindOrField, _) if attribute.has("field") => {
            paths::argument_name(&format!("{}Field", name.marker))
        }
        (Shape::Kind | Shape::KindOrField, _) => {
            let marker = paths::argument_name(name.marker);
            quote! { #marker<#object> }
        }
        (Shape::Shared, Type::Reference(reference)) => {
            let suffix = if is_str(&reference.elem) {
                "Str"
            } else {
                "Ref"
            };
            paths::argument_name(&format!("{}{suffix}", name.marker))
        }
        (Shape::Plain | Shape::Shared, _) => paths::argument_name(name.marker),
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
        Some(near) => Source::Misnamed(wrapped("DidYouMean", near)),
        // The one type that is known without being an extractor of its own.
        None if is_named(&parameter.ty, &["Arc"]) => Source::Named(paths::argument_name("Unknown")),
        None => Source::Type,
    }
}

/// Names under which only extractors are accepted.
fn wrapped(wrapper: &str, name: &Name) -> TokenStream {
    let (wrapper, marker) = (
        paths::argument_name(wrapper),
        paths::argument_name(name.marker),
    );
    match name.shape {
        Shape::Plain | Shape::Shared => quote! { #wrapper<#marker> },
        Shape::Kind | Shape::KindOrField => {
            let untyped = paths::item("Untyped");
            quote! { #wrapper<#marker<#untyped>> }
        }
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

/// Whether a type is the one that a name usually has: `&Diff` for `diff`.
fn is_type_of(name: &Name, ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_type_of(name, &reference.elem),
        _ => {
            let (_, usual) = name.example.split_once(": ").unwrap_or_default();
            is_named(ty, &[usual.trim_start_matches('&')])
        }
    }
}

fn is_str(ty: &Type) -> bool {
    is_named(ty, &["str"])
}

fn is_named(ty: &Type, names: &[&str]) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|segment| names.iter().any(|name| segment.ident == name))
}
