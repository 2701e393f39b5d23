//! What is written for a run: its input, that it was read, and that it can go.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, Preconditions, PropagationPolicy};
use serde_json::json;
use tracing::warn;

use super::name::{READ, UID};
use super::run::Run;
use super::workload::Workload;
use crate::api::{ActionError, ActionResultExt as _};
use crate::handler::{HandlerError, Result};

impl<K: Workload> Run<'_, K> {
    /// Creates the Secret with the input of a run. It is created after the run, so that it can go with it; the program does
    /// not start before it is there.
    pub(super) async fn give_input(&self, object: &K) -> Result<()> {
        let site = self.site;
        let reference = object.reference();
        let mut secret = site.secret(reference.clone());
        let Err(error) = site.actions.create(&mut secret).await else {
            return Ok(());
        };
        if !matches!(error, ActionError::AlreadyExists { .. }) {
            return Err(error.into());
        }
        if let Some(existing) = site.actions.find(&secret).await? {
            if existing
                .owner_references()
                .iter()
                .any(|owner| owner.uid == reference.uid)
            {
                return Ok(());
            }
            if !self.is_ours(&existing.metadata) {
                return Err(self.foreign("Secret", &existing.metadata));
            }
            site.actions.delete(&existing).await.ignore_not_found()?;
        }
        // What was left of a run before this one is gone now.
        site.actions.create(&mut site.secret(reference)).await?;
        Ok(())
    }

    pub(super) fn is_ours(&self, meta: &kube::core::ObjectMeta) -> bool {
        let uid = meta.labels.as_ref().and_then(|labels| labels.get(UID));
        uid.is_some_and(|uid| uid == self.site.call.object().uid())
    }

    pub(super) fn foreign(&self, kind: &str, meta: &kube::core::ObjectMeta) -> HandlerError {
        let mut owners = meta.owner_references.iter().flatten();
        let owner = owners
            .next()
            .map(|owner| format!(" (it is of {} {})", owner.kind, owner.name));
        self.failure(&format!(
            "{kind} {}/{} is there already and is none of {}{}: delete or rename it",
            self.site.namespace,
            self.site.name,
            self.site.call,
            owner.unwrap_or_default()
        ))
    }

    /// Removes a run whose end is known, or marks it. What came of it counts whether that works or not.
    ///
    /// # Errors
    /// If we may not: the next run would find this one again and again.
    pub(super) async fn remove(&self, name: &str, uid: &str) -> Result<(), ActionError> {
        let removed = if self.options.is_kept {
            self.mark(name).await
        } else {
            self.delete(name, uid).await
        };
        match removed {
            Err(error) if !matches!(error, ActionError::Forbidden { .. }) => {
                warn!(
                    "{}: {} {name} stays behind: {error}",
                    self.site.call,
                    K::KIND
                );
                Ok(())
            }
            removed => removed,
        }
    }

    pub(super) async fn delete(&self, name: &str, uid: &str) -> Result<(), ActionError> {
        let object: K = self.named(name);
        let this_one = Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        };
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let deleted = self
            .site
            .actions
            .delete_with(&object, &params.preconditions(this_one))
            .await;
        match deleted.ignore_not_found() {
            // Another one of that name: this one is gone.
            Ok(_) | Err(ActionError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        let secret: Secret = self.named(name);
        self.site.actions.delete(&secret).await.ignore_not_found()?;
        Ok(())
    }

    async fn mark(&self, name: &str) -> Result<(), ActionError> {
        let patch = json!({"metadata": {"annotations": BTreeMap::from([(READ, "true")])}});
        let mut object: K = self.named(name);
        let patched = self
            .site
            .actions
            .patch(&mut object, &Patch::Merge(patch))
            .await;
        patched.ignore_not_found().map(drop)
    }

    fn named<T: kube::Resource + Default>(&self, name: &str) -> T {
        let mut object = T::default();
        object.meta_mut().name = Some(name.to_owned());
        object.meta_mut().namespace = Some(self.site.namespace.clone());
        object
    }
}
