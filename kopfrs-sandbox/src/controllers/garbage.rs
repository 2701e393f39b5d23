//! Garbage collection by owner references: background, foreground, orphaning, owners that never were.
//!
//! Follows every object. It keeps an index from owners to dependents and decides from the store's present state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};
use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};

use super::Outcome;
use crate::{
    cluster::Cluster,
    object::{Object, is_deleting, key, meta, meta_list, metadata_mut},
    registry::{Kind, Kinds},
    storage::{Change, Event},
    verbs::delete::{DeleteOptions, Propagation},
};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// As whom it deletes.
const ACCOUNT: &str = "generic-garbage-collector";

/// Where an object is: resource and key.
type Place = (Arc<str>, String);

pub(super) async fn run(cluster: Arc<Cluster>, mut feed: UnboundedReceiver<Arc<Event>>) {
    let mut collector = Collector {
        cluster,
        dependents: BTreeMap::new(),
        refused: BTreeSet::new(),
    };
    let mut retry_at = Instant::now();
    loop {
        let idle = collector.refused.is_empty();
        tokio::select! {
            event = feed.recv() => match event {
                Some(event) => collector.handle(&event).await,
                None => return,
            },
            () = tokio::time::sleep_until(retry_at), if !idle => collector.retry().await,
        }
        if idle || retry_at <= Instant::now() {
            retry_at = Instant::now() + super::RETRY;
        }
    }
}

struct Collector {
    cluster: Arc<Cluster>,
    /// The places of the objects that name an owner, by its uid.
    dependents: BTreeMap<String, BTreeSet<Place>>,
    /// Dependents that a webhook did not let go.
    refused: BTreeSet<Place>,
}

/// What became of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// It is there; or nobody can tell, which must not cost anything its life.
    Alive,
    /// It waits for its dependents to go.
    Waiting,
    Absent,
}

impl Collector {
    async fn handle(&mut self, event: &Event) {
        let place = (event.resource.clone(), event.key.clone());
        self.index(event, &place);
        let uid = meta(&event.object.value, "uid");
        if event.change == Change::Deleted {
            for dependent in self.dependents_of(uid) {
                self.judge(&dependent).await;
            }
            // A foreground deletion may have waited for this one.
            for owner in owner_references(&event.object.value) {
                self.finish_foreground(&event.object.value, owner).await;
            }
            return;
        }
        if is_deleting(&event.object.value) {
            if meta_list(&event.object.value, "finalizers").any(|finalizer| finalizer == ORPHAN) {
                self.orphan(&place, uid);
            } else if meta_list(&event.object.value, "finalizers")
                .any(|finalizer| finalizer == FOREGROUND)
            {
                self.foreground(&place, uid).await;
            }
        }
        let news = event
            .previous
            .as_ref()
            .is_none_or(|previous| owners(&previous.value) != owners(&event.object.value));
        if news && owners(&event.object.value).is_some() {
            self.judge(&place).await;
        }
    }

    fn index(&mut self, event: &Event, place: &Place) {
        for owner in event
            .previous
            .iter()
            .flat_map(|previous| owner_references(&previous.value))
        {
            let uid = owner["uid"].as_str().unwrap_or_default();
            if let Some(places) = self.dependents.get_mut(uid) {
                places.remove(place);
                if places.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
        if event.change == Change::Deleted {
            return;
        }
        for owner in owner_references(&event.object.value) {
            let uid = owner["uid"].as_str().unwrap_or_default().to_owned();
            self.dependents
                .entry(uid)
                .or_default()
                .insert(place.clone());
        }
    }

    fn dependents_of(&self, uid: &str) -> Vec<Place> {
        self.dependents
            .get(uid)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// Deletes a dependent that no owner keeps; takes dead references off one that some owner keeps.
    async fn judge(&mut self, place: &Place) {
        let Some(object) = self.cluster.store.get(&place.0, &place.1) else {
            return;
        };
        let value = &object.value;
        let kinds = self.cluster.registry.kinds();
        let states: Vec<(&Value, Owner)> = owner_references(value)
            .map(|owner| (owner, self.state(&kinds, value, owner)))
            .collect();
        if states.is_empty() || is_deleting(value) {
            return;
        }
        if states.iter().any(|(_, state)| *state == Owner::Alive) {
            let dead: Vec<&Value> = states
                .iter()
                .filter(|(_, state)| *state != Owner::Alive)
                .map(|(owner, _)| &owner["uid"])
                .collect();
            if !dead.is_empty() {
                self.release(place, |owner| dead.contains(&&owner["uid"]));
            }
            return;
        }
        let has_dependents = self.dependents.contains_key(meta(value, "uid"));
        let waited_for = states.iter().any(|(_, state)| *state == Owner::Waiting);
        let propagation = if waited_for && has_dependents {
            Propagation::Foreground
        } else {
            own_policy(value)
        };
        self.delete(&kinds, place, &object, propagation).await;
    }

    async fn delete(
        &mut self,
        kinds: &Kinds,
        place: &Place,
        object: &Object,
        propagation: Propagation,
    ) {
        let Some(kind) = kind_of(kinds, place) else {
            return;
        };
        let uid = Some(meta(&object.value, "uid").to_owned());
        let options = DeleteOptions {
            propagation: Some(propagation),
            given: json!({
                "preconditions": {"uid": uid}, "propagationPolicy": propagation.name(),
            }),
            uid,
            caller: Some(super::caller(ACCOUNT)),
            ..DeleteOptions::default()
        };
        match super::delete(&self.cluster, kind, &object.value, &options).await {
            Outcome::Done => self.refused.remove(place),
            Outcome::Refused => self.refused.insert(place.clone()),
        };
    }

    /// Tries again what was refused.
    async fn retry(&mut self) {
        for place in std::mem::take(&mut self.refused) {
            self.judge(&place).await;
        }
    }

    fn state(&self, kinds: &Kinds, dependent: &Value, owner: &Value) -> Owner {
        let api_version = owner["apiVersion"].as_str().unwrap_or_default();
        let Some(kind) = kinds.by_type(api_version, owner["kind"].as_str().unwrap_or_default())
        else {
            return Owner::Alive;
        };
        let namespace = if kind.namespaced {
            meta(dependent, "namespace")
        } else {
            ""
        };
        if kind.namespaced && namespace.is_empty() {
            // A cluster-scoped dependent of a namespaced owner: the reference is invalid, not dead.
            return Owner::Alive;
        }
        let found = self.cluster.store.get(
            &kind.resource,
            &key(namespace, owner["name"].as_str().unwrap_or_default()),
        );
        match found.filter(|found| owner["uid"] == *meta(&found.value, "uid")) {
            None => Owner::Absent,
            Some(found) if waits(&found.value) => Owner::Waiting,
            Some(_) => Owner::Alive,
        }
    }

    /// Takes the owner off its dependents, then lets it go.
    fn orphan(&self, place: &Place, uid: &str) {
        for dependent in self.dependents_of(uid) {
            self.release(&dependent, |owner| owner["uid"] == *uid);
        }
        self.remove_finalizer(place, ORPHAN);
    }

    /// Deletes the dependents; without any that block lets the owner go.
    async fn foreground(&mut self, place: &Place, uid: &str) {
        let dependents = self.dependents_of(uid);
        for dependent in &dependents {
            self.judge(dependent).await;
        }
        let blocks = |dependent: &Place| {
            let object = self.cluster.store.get(&dependent.0, &dependent.1);
            object.is_some_and(|object| {
                owner_references(&object.value)
                    .any(|owner| owner["uid"] == *uid && owner["blockOwnerDeletion"] == true)
            })
        };
        if !dependents.iter().any(blocks) {
            self.remove_finalizer(place, FOREGROUND);
        }
    }

    async fn finish_foreground(&mut self, dependent: &Value, owner: &Value) {
        let kinds = self.cluster.registry.kinds();
        let api_version = owner["apiVersion"].as_str().unwrap_or_default();
        let Some(kind) = kinds.by_type(api_version, owner["kind"].as_str().unwrap_or_default())
        else {
            return;
        };
        let namespace = if kind.namespaced {
            meta(dependent, "namespace")
        } else {
            ""
        };
        let key = key(namespace, owner["name"].as_str().unwrap_or_default());
        let Some(object) = self.cluster.store.get(&kind.resource, &key) else {
            return;
        };
        if waits(&object.value) && owner["uid"] == *meta(&object.value, "uid") {
            self.foreground(&(kind.resource.clone(), key), meta(&object.value, "uid"))
                .await;
        }
    }

    /// Removes owner references from a dependent.
    fn release(&self, place: &Place, gone: impl Fn(&Value) -> bool) {
        super::change(&self.cluster, &place.0, &place.1, |value| {
            if let Some(Value::Array(owners)) = metadata_mut(value).get_mut("ownerReferences") {
                owners.retain(|owner| !gone(owner));
            }
        });
    }

    fn remove_finalizer(&self, place: &Place, gone: &str) {
        super::change(&self.cluster, &place.0, &place.1, |value| {
            let kept: Vec<String> = meta_list(value, "finalizers")
                .filter(|finalizer| *finalizer != gone)
                .map(str::to_owned)
                .collect();
            metadata_mut(value).insert("finalizers".to_owned(), json!(kept));
        });
    }
}

fn kind_of<'a>(kinds: &'a Kinds, place: &Place) -> Option<&'a Arc<Kind>> {
    kinds.resources().find(|kind| kind.resource == place.0)
}

fn owners(value: &Value) -> Option<&Vec<Value>> {
    value["metadata"]["ownerReferences"]
        .as_array()
        .filter(|owners| !owners.is_empty())
}

fn owner_references(value: &Value) -> impl Iterator<Item = &Value> {
    owners(value).into_iter().flatten()
}

fn waits(value: &Value) -> bool {
    is_deleting(value) && meta_list(value, "finalizers").any(|finalizer| finalizer == FOREGROUND)
}

/// An object's own finalizers say how it wants to be deleted.
fn own_policy(value: &Value) -> Propagation {
    let has = |name: &str| meta_list(value, "finalizers").any(|finalizer| finalizer == name);
    if has(ORPHAN) {
        Propagation::Orphan
    } else if has(FOREGROUND) {
        Propagation::Foreground
    } else {
        Propagation::Background
    }
}
