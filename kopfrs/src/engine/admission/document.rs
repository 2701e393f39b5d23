//! What is applied: webhook configurations, and the conversions of definitions.

use serde_json::Value;

use crate::resource::Resource;

/// A kind of what is applied.
#[derive(PartialEq, Eq)]
pub(super) struct DocumentKind {
    pub(super) group: &'static str,
    pub(super) plural: &'static str,
    pub(super) name: &'static str,
}

pub(super) const VALIDATING: DocumentKind = DocumentKind {
    group: "admissionregistration.k8s.io",
    plural: "validatingwebhookconfigurations",
    name: "ValidatingWebhookConfiguration",
};
pub(super) const MUTATING: DocumentKind = DocumentKind {
    group: "admissionregistration.k8s.io",
    plural: "mutatingwebhookconfigurations",
    name: "MutatingWebhookConfiguration",
};
pub(super) const DEFINITIONS: DocumentKind = DocumentKind {
    group: "apiextensions.k8s.io",
    plural: "customresourcedefinitions",
    name: "CustomResourceDefinition",
};

/// Something to be applied.
pub(super) struct Document {
    pub(super) kind: &'static DocumentKind,
    pub(super) name: String,
    pub(super) content: Value,
}

impl Document {
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.kind.name, self.name)
    }
}

impl DocumentKind {
    pub(super) fn resource(&self) -> Resource {
        Resource {
            group: self.group.to_owned(),
            version: "v1".to_owned(),
            plural: self.plural.to_owned(),
            kind: self.name.to_owned(),
            ..Resource::default()
        }
    }
}
