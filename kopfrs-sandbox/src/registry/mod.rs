//! The kinds that are served, and discovery documents of them.
//!
//! Read by `http` for routing and by `verbs`; written by the CRD controller when definitions come and go. A snapshot is
//! immutable: one request sees one set of kinds.

pub(crate) mod builtin;
pub(crate) mod custom;
pub(crate) mod discovery;
pub(crate) mod kind;
pub(crate) mod openapi;
mod subresources;
pub(crate) mod types;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use bytes::Bytes;
use tokio::sync::watch;

pub(crate) use self::kind::{Kind, Origin};

/// The kinds of one moment.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    /// By group, version and plural.
    by_path: BTreeMap<(String, String, String), Arc<Kind>>,
    /// Groups in the order of discovery, each with its versions, best first.
    pub(crate) groups: Vec<(String, Vec<String>)>,
    pub(crate) documents: Documents,
}

/// Documents made of the kinds, built when first asked for.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    pub(crate) group_list: OnceLock<Bytes>,
    pub(crate) aggregated_core: OnceLock<Bytes>,
    pub(crate) aggregated_groups: OnceLock<Bytes>,
    pub(crate) openapi_index: OnceLock<Bytes>,
    pub(crate) openapi: std::sync::Mutex<BTreeMap<String, Bytes>>,
}

impl Kinds {
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.by_path
            .get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// By `apiVersion` and `kind`, as objects and owner references name it.
    pub(crate) fn by_type(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.by_path
            .values()
            .find(|known| known.group == group && known.version == version && known.kind == kind)
    }

    pub(crate) fn of_version<'a>(
        &'a self,
        group: &'a str,
        version: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Kind>> {
        self.by_path
            .values()
            .filter(move |kind| kind.group == group && kind.version == version)
    }

    /// The same resource in other versions.
    pub(crate) fn equivalents<'a>(&'a self, kind: &'a Kind) -> impl Iterator<Item = &'a Arc<Kind>> {
        self.by_path.values().filter(move |other| {
            other.resource == kind.resource && other.api_version != kind.api_version
        })
    }

    /// A custom kind in the version that is stored, if that is served.
    pub(crate) fn stored(&self, kind: &Kind) -> Option<&Arc<Kind>> {
        let version = &kind.custom()?.versions.stored;
        self.find(&kind.group, version, &kind.plural)
    }

    /// One kind for each stored resource, in any of its versions.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &Arc<Kind>> {
        let mut seen = std::collections::BTreeSet::new();
        self.by_path
            .values()
            .filter(move |kind| seen.insert(kind.resource.clone()))
    }

    pub(crate) fn has_group(&self, group: &str) -> bool {
        self.groups.iter().any(|(name, _)| name == group)
    }

    pub(crate) fn has_version(&self, group: &str, version: &str) -> bool {
        self.groups
            .iter()
            .any(|(name, versions)| name == group && versions.iter().any(|one| one == version))
    }

    fn with(&self, without_resource: &str, added: Vec<Kind>) -> Self {
        let mut by_path = self.by_path.clone();
        by_path.retain(|_, kind| kind.resource.as_ref() != without_resource);
        for kind in added {
            by_path.insert(
                (
                    kind.group.clone(),
                    kind.version.clone(),
                    kind.plural.clone(),
                ),
                Arc::new(kind),
            );
        }
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        let known = self.groups.iter().map(|(group, _)| group.clone());
        let all = by_path.values().map(|kind| kind.group.clone());
        for group in known.chain(all) {
            let mut versions: Vec<String> = by_path
                .values()
                .filter(|kind| kind.group == group)
                .map(|kind| kind.version.clone())
                .collect();
            versions.sort_by_key(|version| std::cmp::Reverse(custom::priority(version)));
            versions.dedup();
            if !versions.is_empty() && !groups.iter().any(|(name, _)| *name == group) {
                groups.push((group, versions));
            }
        }
        // Those of definitions come last, by name.
        groups.sort_by_cached_key(|(group, _)| builtin::place(group).ok_or_else(|| group.clone()));
        Self {
            by_path,
            groups,
            documents: Documents::default(),
        }
    }
}

/// The registry of one sandbox.
#[derive(Debug)]
pub(crate) struct Registry {
    kinds: RwLock<Arc<Kinds>>,
    changed: watch::Sender<()>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let kinds = builtin::all()
            .into_iter()
            .fold(Kinds::default(), |mut kinds, kind| {
                let path = (
                    kind.group.clone(),
                    kind.version.clone(),
                    kind.plural.clone(),
                );
                kinds.groups.push((kind.group.clone(), Vec::new()));
                kinds.by_path.insert(path, Arc::new(kind));
                kinds
            });
        Self {
            kinds: RwLock::new(Arc::new(kinds.with("", Vec::new()))),
            changed: watch::Sender::default(),
        }
    }

    pub(crate) fn kinds(&self) -> Arc<Kinds> {
        self.kinds
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts the versions of a custom resource in place of what was registered for it before.
    pub(crate) fn replace(&self, resource: &str, versions: Vec<Kind>) {
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        *kinds = Arc::new(kinds.with(resource, versions));
        self.changed.send_replace(());
    }

    /// Tells when other kinds are served.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
