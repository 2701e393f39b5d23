//! Keeps a watch for each kind that handlers ask for, as kinds come, change and go.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use super::context::{Context, Scope};
use super::definitions::Hints;
use super::kind::Kind;
use super::observe::{Discovery, Silent, discover, status_schema};
use super::queue::Queue;
use super::watch::Watch;
use super::{definitions, kind};
use crate::registry::{Registry, RegistryError};
use crate::resource::{Resource, Selector};
use crate::storage::StatusSchema;

/// Servers tell of a new kind some time before they serve it: when to look after a change.
const LOOKS: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// The longest pauses until a group is asked again that has not answered: while it may come back soon,
/// and later on.
const ASK_AGAIN: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(60)];

/// What is being served.
struct Orchestra<'a> {
    context: Arc<Context>,
    registry: &'a Registry,
    served: HashMap<String, Served>,
    /// What the API has told last.
    discovery: Discovery,
}

struct Served {
    queue: Arc<Queue>,
    schema: StatusSchema,
    /// Its watches, which end with it.
    streams: JoinSet<()>,
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
    let hints = Arc::new(Hints::default());
    let version = definitions::version(&context).await.ok();
    let mut orchestra = Orchestra {
        context: context.clone(),
        registry,
        served: HashMap::new(),
        discovery: Discovery::default(),
    };
    let mut others = JoinSet::new();
    let lanes = context.clone();
    others.spawn(async move { match lanes.lanes.run().await {} });
    others.spawn(definitions::watch(context, version, hints.clone()));
    let (pending, mut all_ready) = mpsc::channel::<()>(1);
    if let Err(conflict) = orchestra.look(&pending).await {
        return conflict;
    }
    drop(pending);
    others.spawn(async move {
        // Each watch holds a sender until it is ready.
        let _ = all_ready.recv().await;
        on_ready();
    });
    match orchestra.follow(&hints).await {
        Ok(never) => match never {},
        Err(conflict) => conflict,
    }
}

impl Orchestra<'_> {
    /// Looks whenever something may have changed.
    async fn follow(&mut self, hints: &Hints) -> Result<Infallible, RegistryError> {
        let (unawaited, _) = mpsc::channel(1);
        let first = self.context.settings.watching.backoff;
        let mut again = first;
        loop {
            tokio::select! {
                () = hints.changed.notified() => {
                    for pause in LOOKS {
                        sleep(pause).await;
                        if self.look(&unawaited).await? {
                            break;
                        }
                    }
                }
                () = hints.poll.notified() => {
                    self.look(&unawaited).await?;
                }
                () = sleep(again), if !self.discovery.silent.is_empty() => {
                    self.look(&unawaited).await?;
                    again = longer(again);
                }
            }
            if self.discovery.silent.is_empty() {
                again = first;
            }
        }
    }

    /// Finds out what is there, and serves it. Gives whether anything has changed.
    async fn look(&mut self, pending: &mpsc::Sender<()>) -> Result<bool, RegistryError> {
        self.discover().await;
        let wanted = self.wanted(&self.discovery.resources);
        let is_wanted = |name: &String| wanted.iter().any(|(r, _)| r.to_string() == *name);
        let gone: Vec<String> = self.served.keys().cloned().collect();
        let gone: Vec<String> = gone.into_iter().filter(|name| !is_wanted(name)).collect();
        let mut is_changed = !gone.is_empty();
        for name in gone {
            if let Some(mut served) = self.served.remove(&name) {
                info!("{name} is gone, no longer served");
                served.streams.shutdown().await;
                served.queue.end().await;
            }
        }
        for (resource, selectors) in wanted {
            self.registry
                .check_resource(|selector| selectors.contains(selector))?;
            is_changed |= self.serve(resource, &selectors, pending).await;
        }
        Ok(is_changed)
    }

    /// Asks the API what it serves until it tells at least something.
    async fn discover(&mut self) {
        let mut pause = self.context.settings.watching.backoff;
        let discovery = loop {
            match discover(&self.context.connection, &self.discovery.resources).await {
                Ok(discovery) => break discovery,
                Err(error) => {
                    error!(
                        "the API does not tell what it serves, next attempt in {pause:?}: {error}"
                    );
                    sleep(pause).await;
                    pause = (pause * 2).min(self.context.settings.watching.max_backoff);
                }
            }
        };
        for silent in new(&discovery.silent, &self.discovery.silent) {
            let Silent { api_version, why } = silent;
            warn!(
                "the API group {api_version} does not answer, its kinds stay as they were: {why}"
            );
        }
        for answered in new(&self.discovery.silent, &discovery.silent) {
            info!("the API group {} answers again", answered.api_version);
        }
        self.discovery = discovery;
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
        let schema = self.schema(&resource).await;
        let is_wanted = |selector: &Selector| selectors.contains(selector);
        let settings = &context.settings.persistence;
        let kind = Kind::new(
            Arc::new(resource),
            &context.handlers,
            is_wanted,
            (settings, schema),
        );
        let kind = Arc::new(kind);
        if let Some(served) = self.served.get_mut(&name) {
            served.schema = schema;
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
        let mut streams = JoinSet::new();
        for namespace in namespaces {
            let pending = pending.clone();
            let watch = Watch::new(queue.clone(), namespace, move || drop(pending));
            streams.spawn(watch.run());
        }
        let served = Served {
            queue,
            schema,
            streams,
        };
        self.served.insert(name, served);
        true
    }

    /// What the schema of a kind keeps: as it was known last, if it cannot be read now. Else state
    /// would move to and fro.
    async fn schema(&self, resource: &Resource) -> StatusSchema {
        let error = match status_schema(&self.context.connection, resource).await {
            Ok(schema) => return schema,
            Err(error) => error,
        };
        let known = self.served.get(&resource.to_string()).map(|s| s.schema);
        if self.context.is_news(format!("schema of {resource}")) {
            let place = match known {
                Some(_) => "stays where it is",
                None => "goes to annotations",
            };
            warn!("the schema of {resource} cannot be read, its objects' state {place}: {error}");
        }
        known.unwrap_or_default()
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

/// Those of some that others do not have.
fn new<'a>(some: &'a [Silent], others: &'a [Silent]) -> impl Iterator<Item = &'a Silent> {
    let is_new = |one: &&Silent| others.iter().all(|o| o.api_version != one.api_version);
    some.iter().filter(is_new)
}

/// The pause after this one.
fn longer(pause: Duration) -> Duration {
    let [soon, late] = ASK_AGAIN;
    if pause < soon {
        (pause * 2).min(soon)
    } else {
        late
    }
}
