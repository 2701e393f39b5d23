//! Keeps a watch for each kind that handlers ask for, as kinds come, change and go.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use super::context::{Context, Scope};
use super::kind::Kind;
use super::observe::{discover, status_schema};
use super::queue::Queue;
use super::watch::Watch;
use super::{definitions, kind};
use crate::registry::{Registry, RegistryError};
use crate::resource::{Resource, Selector};

/// Servers tell of a new kind some time before they serve it: when to look after a change.
const LOOKS: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// What is being served.
struct Orchestra<'a> {
    context: Arc<Context>,
    registry: &'a Registry,
    served: HashMap<String, Served>,
    streams: JoinSet<()>,
}

struct Served {
    queue: Arc<Queue>,
    streams: Vec<AbortHandle>,
}

/// Serves all kinds that handlers ask for until it is dropped. `on_ready` is called when the objects
/// of all kinds that are there at first have been listed and are being watched.
///
/// Ends only if two handlers of one id meet on a kind.
pub(crate) async fn orchestrate(
    context: Arc<Context>,
    registry: &Registry,
    on_ready: impl FnOnce() + Send + 'static,
) -> RegistryError {
    let changed = Arc::new(Notify::new());
    let version = definitions::version(&context).await;
    let mut orchestra = Orchestra {
        context: context.clone(),
        registry,
        served: HashMap::new(),
        streams: JoinSet::new(),
    };
    orchestra.streams.spawn(definitions::watch(
        context.clone(),
        version,
        changed.clone(),
    ));
    let (pending, mut all_ready) = mpsc::channel::<()>(1);
    if let Err(conflict) = orchestra.look(&pending).await {
        return conflict;
    }
    drop(pending);
    orchestra.streams.spawn(async move {
        // Each watch holds a sender until it is ready.
        let _ = all_ready.recv().await;
        on_ready();
    });
    let (unawaited, _) = mpsc::channel(1);
    loop {
        changed.notified().await;
        for pause in LOOKS {
            sleep(pause).await;
            match orchestra.look(&unawaited).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(conflict) => return conflict,
            }
        }
    }
}

impl Orchestra<'_> {
    /// Finds out what is there, and serves it. Gives whether anything has changed.
    async fn look(&mut self, pending: &mpsc::Sender<()>) -> Result<bool, RegistryError> {
        let mut pause = self.context.settings.watching.backoff;
        let resources = loop {
            match discover(&self.context.connection).await {
                Ok(resources) => break resources,
                Err(error) => {
                    error!(
                        "the API does not tell what it serves, next attempt in {pause:?}: {error}"
                    );
                    sleep(pause).await;
                    pause = (pause * 2).min(self.context.settings.watching.max_backoff);
                }
            }
        };
        let wanted = self.wanted(&resources);
        let names: Vec<String> = wanted
            .iter()
            .map(|(resource, _)| resource.to_string())
            .collect();
        let gone: Vec<String> = self
            .served
            .keys()
            .filter(|name| !names.contains(name))
            .cloned()
            .collect();
        let mut is_changed = !gone.is_empty();
        for name in gone {
            info!("{name} is gone, no longer served");
            for stream in self
                .served
                .remove(&name)
                .into_iter()
                .flat_map(|served| served.streams)
            {
                stream.abort();
            }
        }
        for (resource, selectors) in wanted {
            self.registry
                .check_resource(|selector| selectors.contains(selector))?;
            is_changed |= self.serve(resource, &selectors, pending).await;
        }
        Ok(is_changed)
    }

    /// The resources that handlers ask for, each with the selectors that mean it.
    fn wanted(&self, resources: &[Resource]) -> Vec<(Resource, Vec<Selector>)> {
        let mut wanted: Vec<(Resource, Vec<Selector>)> = Vec::new();
        let mut selectors: Vec<&Selector> = Vec::new();
        for selector in self.context.handlers.selectors() {
            if !selectors.contains(&selector) {
                selectors.push(selector);
            }
        }
        for selector in selectors {
            let selected = selector.select(resources).unwrap_or_else(|candidates| {
                let names: Vec<_> = candidates.iter().map(ToString::to_string).collect();
                self.say_once(&format!(
                    "{selector} is ambiguous and selects nothing: name the group of one of {}",
                    names.join(", ")
                ));
                Vec::new()
            });
            if selected.is_empty() && selector.is_specific() {
                self.say_once(&format!(
                    "{selector} is not served by the API; waiting for it to be installed"
                ));
            }
            for resource in selected
                .into_iter()
                .filter(|resource| self.is_usable(resource))
            {
                match wanted.iter_mut().find(|(known, _)| known == resource) {
                    Some((_, known)) => known.push(selector.clone()),
                    None => wanted.push((resource.clone(), vec![selector.clone()])),
                }
            }
        }
        wanted
    }

    fn is_usable(&self, resource: &Resource) -> bool {
        let missing: Vec<_> = ["list", "watch"]
            .into_iter()
            .filter(|verb| !resource.has_verb(verb))
            .collect();
        if !missing.is_empty() {
            self.say_once(&format!(
                "{resource} is not served: the API does not offer {} on it",
                missing.join(", ")
            ));
        }
        missing.is_empty()
    }

    fn say_once(&self, text: &str) {
        if self.context.is_news(text.to_owned()) {
            warn!("{text}");
        }
    }

    /// Serves one kind, or learns what is new about it. Gives whether it was not served before.
    async fn serve(
        &mut self,
        resource: Resource,
        selectors: &[Selector],
        pending: &mpsc::Sender<()>,
    ) -> bool {
        let name = resource.to_string();
        let context = self.context.clone();
        let schema = status_schema(&context.connection, &resource).await;
        let is_wanted = |selector: &Selector| selectors.contains(selector);
        let settings = &context.settings.persistence;
        let kind = Kind::new(
            Arc::new(resource),
            &context.handlers,
            is_wanted,
            (settings, schema),
        );
        let kind = Arc::new(kind);
        if let Some(served) = self.served.get(&name) {
            served.queue.set_kind(kind);
            return false;
        }
        debug!("the memory of {name} is kept in {}", kind.storage.place);
        let namespaces = self.namespaces(&kind);
        match &*namespaces
            .iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
        {
            [] => info!("watching {name}"),
            names => info!("watching {name} in {}", names.join(", ")),
        }
        let queue = Queue::new(context, kind);
        let streams = namespaces
            .into_iter()
            .map(|namespace| {
                let pending = pending.clone();
                let watch = Watch::new(queue.clone(), namespace, move || drop(pending));
                self.streams.spawn(watch.run())
            })
            .collect();
        self.served.insert(name, Served { queue, streams });
        true
    }

    /// The namespaces to watch; one `None` for all of them.
    fn namespaces(&self, kind: &kind::Kind) -> Vec<Option<String>> {
        match &self.context.scope {
            Scope::Namespaces(names) if kind.resource.namespaced => {
                names.iter().cloned().map(Some).collect()
            }
            Scope::Namespaces(_) | Scope::Cluster => vec![None],
        }
    }
}
