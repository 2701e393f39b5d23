//! The life cycle of CustomResourceDefinitions: names, serving, establishing, and the end.
//!
//! Follows definitions and, while one is being deleted, its objects.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    DEFINITIONS,
    names::{self, Conflict},
};
use crate::{
    cluster::Cluster,
    object::{Object, child_mut, is_deleting, meta_list, metadata_mut, text},
    registry::{custom, kind::qualified},
    storage::{Change, Event},
    strategy::builtin::definition,
    verbs::delete::DeleteOptions,
};

pub(super) async fn run(cluster: Arc<Cluster>, mut feed: UnboundedReceiver<Arc<Event>>) {
    let mut controller = Controller {
        served: served(&cluster),
        cluster,
        ending: HashMap::new(),
    };
    while let Some(event) = feed.recv().await {
        controller.handle(&event).await;
    }
}

struct Controller {
    cluster: Arc<Cluster>,
    /// What is registered: by definition, the generation and whether it is ending.
    served: HashMap<String, (i64, bool)>,
    /// Definitions being deleted, by the resource they define.
    ending: HashMap<String, String>,
}

impl Controller {
    async fn handle(&mut self, event: &Event) {
        if event.resource.as_ref() == DEFINITIONS {
            let name = event.key.clone();
            match event.change {
                Change::Added | Change::Modified => self.reconcile(&name).await,
                Change::Deleted => self.forget(&name, &event.object.value),
            }
        } else if event.change == Change::Deleted
            && let Some(name) = self.ending.get(event.resource.as_ref()).cloned()
        {
            self.reconcile(&name).await;
        }
    }

    async fn reconcile(&mut self, name: &str) {
        let Some(object) = self.cluster.store.get(DEFINITIONS, name) else {
            return;
        };
        let conflicts = self.conflicts(&object.value);
        if conflicts.is_empty() {
            self.serve(name, &object);
        }
        if is_deleting(&object.value) {
            self.end(name, &object.value).await;
        } else {
            self.establish(name, &conflicts);
        }
    }

    /// Registers the versions, when they are new or changed.
    fn serve(&mut self, name: &str, object: &Object) {
        let state = (
            object.value["metadata"]["generation"].as_i64().unwrap_or(0),
            is_deleting(&object.value),
        );
        if self.served.get(name) == Some(&state) {
            return;
        }
        let kinds = custom::kinds(&object.value, object.revision);
        self.cluster
            .registry
            .replace(&resource(&object.value), kinds);
        self.served.insert(name.to_owned(), state);
    }

    /// Which names other kinds of the group have already.
    fn conflicts(&self, value: &Value) -> Vec<Conflict> {
        let own = resource(value);
        let group = text(value, &["spec", "group"]).unwrap_or_default();
        let kinds = self.cluster.registry.kinds();
        let others: Vec<_> = kinds
            .resources()
            .filter(|kind| kind.group == group && kind.resource.as_ref() != own)
            .collect();
        let is_resource = |name: &str| {
            others.iter().any(|kind| {
                let short = kind.short_names.iter().any(|short| short == name);
                short || kind.plural == name || kind.singular == name
            })
        };
        let is_kind = |name: &str| {
            let mut others = others.iter();
            others.any(|kind| kind.kind == name || kind.list_kind == name)
        };
        names::conflicts(&value["spec"]["names"], is_resource, is_kind)
    }

    /// Writes the conditions that say the kind is served.
    fn establish(&self, name: &str, conflicts: &[Conflict]) {
        let now = self.cluster.clock.rfc3339();
        super::change(&self.cluster, DEFINITIONS, name, |value| {
            let names = names::accepted(value, conflicts);
            let status = child_mut(value, "status");
            status.insert("acceptedNames".to_owned(), names);
            if let Some(last) = conflicts.last() {
                definition::set_condition(
                    status,
                    "NamesAccepted",
                    "False",
                    last.reason,
                    &last.message,
                    &now,
                );
                let message = "not all names are accepted";
                definition::set_condition(
                    status,
                    "Established",
                    "False",
                    "NotAccepted",
                    message,
                    &now,
                );
                return;
            }
            definition::set_condition(
                status,
                "NamesAccepted",
                "True",
                "NoConflicts",
                "no conflicts found",
                &now,
            );
            let message = "the initial names have been accepted";
            definition::set_condition(
                status,
                "Established",
                "True",
                "InitialNamesAccepted",
                message,
                &now,
            );
        });
    }

    /// Deletes the objects of a definition that is being deleted; without any left lets it go.
    async fn end(&mut self, name: &str, value: &Value) {
        if !meta_list(value, "finalizers").any(|finalizer| finalizer == definition::CLEANUP) {
            return;
        }
        let resource = resource(value);
        self.ending.insert(resource.clone(), name.to_owned());
        self.delete_objects(&resource).await;
        if !self.cluster.store.list(&resource, "").1.is_empty() {
            return;
        }
        self.cluster.registry.replace(&resource, Vec::new());
        self.cluster.store.close(&resource);
        super::change(&self.cluster, DEFINITIONS, name, |value| {
            let kept: Vec<String> = meta_list(value, "finalizers")
                .filter(|finalizer| *finalizer != definition::CLEANUP)
                .map(str::to_owned)
                .collect();
            metadata_mut(value).insert("finalizers".to_owned(), json!(kept));
        });
    }

    async fn delete_objects(&self, resource: &str) {
        let kinds = self.cluster.registry.kinds();
        let Some(kind) = kinds
            .resources()
            .find(|kind| kind.resource.as_ref() == resource)
        else {
            return;
        };
        for object in self.cluster.store.list(resource, "").1 {
            if is_deleting(&object.value) {
                continue;
            }
            super::delete(
                &self.cluster,
                kind,
                &object.value,
                &DeleteOptions::default(),
            )
            .await;
        }
    }

    fn forget(&mut self, name: &str, value: &Value) {
        let resource = resource(value);
        self.served.remove(name);
        if self.ending.remove(&resource).is_none() {
            self.cluster.registry.replace(&resource, Vec::new());
            self.cluster.store.close(&resource);
        }
    }
}

/// What a restored cluster serves already.
fn served(cluster: &Cluster) -> HashMap<String, (i64, bool)> {
    let kinds = cluster.registry.kinds();
    let custom = kinds.resources().filter_map(|kind| kind.custom());
    custom
        .map(|custom| {
            let state = (custom.generation, custom.is_terminating);
            (custom.definition.clone(), state)
        })
        .collect()
}

/// The store's name of what a definition defines.
fn resource(value: &Value) -> String {
    let plural = text(value, &["spec", "names", "plural"]).unwrap_or_default();
    qualified(plural, text(value, &["spec", "group"]).unwrap_or_default())
}
