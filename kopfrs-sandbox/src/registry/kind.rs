//! What is known about one kind in one version.
//!
//! Made by `builtin` and `custom`, read by everyone above. It holds facts and no behaviour; strategies use the facts.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::{
    custom::Custom,
    types::{self, Struct},
};
use crate::{error::Subject, strategy::builtin::Rules};

/// A kind in one served version.
#[expect(clippy::struct_field_names, reason = "the words are Kubernetes' own")]
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    /// The store's name of it, the same for all versions: `widgets.example.com`.
    pub(crate) resource: Arc<str>,
    pub(crate) verbs: &'static [&'static str],
    pub(crate) subresources: Vec<Subresource>,
    pub(crate) origin: Origin,
    /// The fields of a built-in kind; the schemas of custom ones say theirs.
    pub(crate) fields: Option<&'static Struct>,
    pub(crate) api_version: String,
    /// `{"apiVersion":..,"kind":..,`: what stored JSON is continued from.
    pub(crate) prefix: Bytes,
}

/// A path below an object.
#[derive(Debug, Clone)]
pub(crate) struct Subresource {
    pub(crate) name: &'static str,
    pub(crate) verbs: &'static [&'static str],
    /// Group, version and kind when they are not the object's own.
    pub(crate) foreign: Option<(&'static str, &'static str, &'static str)>,
}

/// Where a kind comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    BuiltIn(&'static Rules),
    Custom(Arc<Custom>),
}

/// The names a kind is made from.
#[expect(clippy::struct_field_names, reason = "the words are Kubernetes' own")]
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
}

impl Kind {
    /// A built-in kind as a real server's own types call it, which some errors name.
    pub(crate) fn go_type(&self) -> Option<String> {
        let package = match self.group.split('.').next().unwrap_or_default() {
            "" | "events" => "core",
            first => first,
        };
        self.custom()
            .is_none()
            .then(|| format!("{package}.{}", self.kind))
    }

    pub(crate) fn new(
        names: Names,
        verbs: &'static [&'static str],
        subresources: Vec<Subresource>,
        origin: Origin,
    ) -> Self {
        let resource = qualified(&names.plural, &names.group);
        let api_version = if names.group.is_empty() {
            names.version.clone()
        } else {
            format!("{}/{}", names.group, names.version)
        };
        let fields = match &origin {
            Origin::BuiltIn(_) => types::of(&api_version, &names.kind),
            Origin::Custom(_) => None,
        };
        let prefix = format!(
            "{{\"apiVersion\":{api_version:?},\"kind\":{:?},",
            names.kind
        );
        Self {
            group: names.group,
            version: names.version,
            plural: names.plural,
            singular: names.singular,
            kind: names.kind,
            list_kind: names.list_kind,
            short_names: names.short_names,
            categories: names.categories,
            namespaced: names.namespaced,
            resource: Arc::from(resource),
            verbs,
            subresources,
            origin,
            fields,
            api_version,
            prefix: Bytes::from(prefix),
        }
    }

    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources
            .iter()
            .find(|subresource| subresource.name == name)
    }

    pub(crate) fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }

    pub(crate) fn custom(&self) -> Option<&Arc<Custom>> {
        match &self.origin {
            Origin::Custom(custom) => Some(custom),
            Origin::BuiltIn(_) => None,
        }
    }

    /// The resource as errors name it: by plural.
    pub(crate) fn subject<'a>(&'a self, name: &'a str) -> Subject<'a> {
        Subject {
            group: &self.group,
            resource: &self.plural,
            name,
        }
    }

    /// The object as validation errors name it: by kind, and by the group that validates.
    pub(crate) fn kind_subject<'a>(&'a self, name: &'a str) -> Subject<'a> {
        let group = match &self.origin {
            Origin::BuiltIn(rules) if rules.stored_as.is_some() => "",
            _ => &self.group,
        };
        Subject {
            group,
            resource: &self.kind,
            name,
        }
    }

    /// Puts `apiVersion` and `kind` on a copy of a stored value.
    pub(crate) fn typed(&self, value: &Value) -> Value {
        let mut typed = value.clone();
        crate::object::fields_mut(&mut typed).insert(
            "apiVersion".to_owned(),
            Value::from(self.api_version.as_str()),
        );
        crate::object::fields_mut(&mut typed)
            .insert("kind".to_owned(), Value::from(self.kind.as_str()));
        typed
    }
}

/// `plural.group`, or the plural alone for the core group.
pub(crate) fn qualified(plural: &str, group: &str) -> String {
    if group.is_empty() {
        plural.to_owned()
    } else {
        format!("{plural}.{group}")
    }
}
