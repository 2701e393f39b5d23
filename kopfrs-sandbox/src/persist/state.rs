//! What is kept of a sandbox, and how a cluster is made of it again.

use serde::{Deserialize, Serialize};

use crate::{
    auth::{SavedToken, Tokens},
    cluster::{Cluster, Settings},
    registry::custom,
    serve::Credentials,
    storage::{Saved, Store},
};

/// How many revisions are left out after an end that came suddenly: more than can have been given out since the state
/// was written last.
const GAP: u64 = 1_000_000;

/// How the sandbox ended that wrote a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Ending {
    /// It has not ended: what it did after this was not written.
    Open,
    /// As it was asked to, after its last change.
    Complete,
}

/// Everything that is kept.
pub(super) struct State {
    pub(super) ending: Ending,
    pub(super) server: Option<SavedServer>,
    pub(super) tokens: Vec<SavedToken>,
    pub(super) definitions: Vec<SavedDefinition>,
    pub(super) store: Saved,
}

/// How the sandbox was served last.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SavedServer {
    pub(super) port: Option<u16>,
    #[serde(flatten)]
    pub(super) credentials: Credentials,
}

/// A definition that was served, and what its objects know its schema by.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedDefinition {
    name: String,
    generation: i64,
    schema: u64,
}

/// The resource of definitions in the store.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

impl State {
    pub(super) fn of(cluster: &Cluster, server: Option<SavedServer>, ending: Ending) -> Self {
        // The store comes last: what it refers to is there then.
        let tokens = cluster.tokens.saved(&cluster.clock);
        let kinds = cluster.registry.kinds();
        let custom = kinds.resources().filter_map(|kind| kind.custom());
        let mut definitions: Vec<SavedDefinition> = custom
            .map(|custom| SavedDefinition {
                name: custom.definition.clone(),
                generation: custom.generation,
                schema: custom.storage_id,
            })
            .collect();
        // Discovery lists groups in the order they came.
        definitions.sort_by_key(|definition| definition.schema);
        Self {
            ending,
            server,
            tokens,
            definitions,
            store: cluster.store.saved(),
        }
    }

    /// The cluster as it was, its kinds served already; and how it was served.
    pub(super) fn restore(self, settings: Settings) -> (Cluster, Option<SavedServer>) {
        let saved = match self.ending {
            Ending::Complete => self.store,
            Ending::Open => self.store.after_a_gap(GAP),
        };
        let window = settings.history_window;
        let cluster = Cluster::new(settings);
        let cluster = Cluster {
            store: Store::restored(window, saved),
            tokens: Tokens::restored(self.tokens, &cluster.clock),
            ..cluster
        };
        for definition in &self.definitions {
            serve(&cluster, definition);
        }
        (cluster, self.server)
    }
}

/// Registers the kinds of a definition, unless it has changed since: its controller does it then.
fn serve(cluster: &Cluster, saved: &SavedDefinition) {
    let Some(object) = cluster.store.get(DEFINITIONS, &saved.name) else {
        return;
    };
    if object.value["metadata"]["generation"].as_i64().unwrap_or(0) != saved.generation {
        return;
    }
    let kinds = custom::kinds(&object.value, saved.schema);
    if let Some(resource) = kinds.first().map(|kind| kind.resource.clone()) {
        cluster.registry.replace(&resource, kinds);
    }
}
