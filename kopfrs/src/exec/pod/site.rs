//! Where a run takes place, and what all of its objects have in common.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::Api;

use super::container::{FILE, Options};
use super::name::{self, BY, INPUT, OPERATION, RUN, UID};
use crate::api::Actions;
use crate::exec::Call;
use crate::handler::{PermanentError, Result};
use crate::object::reference::owner_reference;

/// The namespace, the name and the marks of a run.
pub(super) struct Site<'a> {
    pub(super) call: &'a Call,
    pub(super) actions: &'a Actions,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) input: String,
    by: &'static str,
}

impl<'a> Site<'a> {
    pub(super) fn of(options: &Options, call: &'a Call, by: &'static str) -> Result<Self> {
        let object = call.object();
        let refuse = |why: String| PermanentError::new(format!("{call}: {why}"));
        let actions = call.api().ok_or_else(|| {
            refuse(
                "programs in Pods need a client: call them in a handler, or use Call::actions"
                    .to_owned(),
            )
        })?;
        if object.uid().is_empty() {
            return Err(refuse(
                "the object has no metadata.uid: Pods of it cannot be told from others".to_owned(),
            )
            .into());
        }
        let namespace = match (object.namespace(), options.namespace.as_deref()) {
            (Some(own), None) => own,
            (Some(own), Some(chosen)) if own == chosen => own,
            (Some(own), Some(chosen)) => {
                return Err(refuse(format!(
                    "its Pods have to be in its own namespace {own}, not in {chosen}: leave `.namespace(…)` to kinds without namespaces"
                ))
                .into());
            }
            (None, Some(chosen)) => chosen,
            (None, None) => {
                return Err(refuse(
                    "it is in no namespace: say with `.namespace(…)` where its Pods are to be"
                        .to_owned(),
                )
                .into());
            }
        };
        Ok(Self {
            call,
            actions,
            namespace: namespace.to_owned(),
            name: name::name(call),
            input: call.fingerprint(),
            by,
        })
    }

    /// Selects all runs for the object, and what belongs to them.
    pub(super) fn selector(&self) -> String {
        format!("{UID}={},{BY}={}", self.call.object().uid(), self.by)
    }

    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.actions.client().clone(), &self.namespace)
    }

    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let pairs = [
            ("app.kubernetes.io/managed-by", "kopfrs"),
            (UID, self.call.object().uid()),
            (OPERATION, self.call.operation().name()),
            (RUN, &self.name),
            (BY, self.by),
        ];
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    pub(super) fn annotations(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(INPUT.to_owned(), self.input.clone())])
    }

    /// The metadata of the Pod or Job: a child of the object.
    pub(super) fn meta(&self) -> Result<ObjectMeta> {
        let object = self.call.object();
        // An object that is deleted in the foreground has its children deleted first: a program that is to delete the
        // thing would be, too. Its Pod is removed by us.
        let owners = if object.has_finalizer("foregroundDeletion") {
            None
        } else {
            Some(vec![serde_json::from_value(owner_reference(object))?])
        };
        Ok(ObjectMeta {
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.clone()),
            labels: Some(self.labels()),
            annotations: Some(self.annotations()),
            owner_references: owners,
            ..ObjectMeta::default()
        })
    }

    /// What the program reads. It goes with the run that it is for.
    pub(super) fn secret(&self, owner: OwnerReference) -> Secret {
        let document = self.call.document().to_string().into_bytes();
        Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace.clone()),
                labels: Some(self.labels()),
                owner_references: Some(vec![owner]),
                ..ObjectMeta::default()
            },
            immutable: Some(true),
            data: Some(BTreeMap::from([(FILE.to_owned(), ByteString(document))])),
            ..Secret::default()
        }
    }
}
