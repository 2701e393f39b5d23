//! Keeps a watch for each kind that handlers ask for, as kinds come, change and go.

mod asked;
mod wanted;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, debug, error, info, warn};

use super::context::{Context, Scope};
use super::definitions::{self, Hints};
use super::indexing;
use super::kind::Kind;
use super::looks::{LATE, Series, longer, reached};
use super::metadata::until;
use super::namespaces;
use super::observe::{Discovery, Silent, discover, is_defined, status_schema};
use super::served::Served;
use super::terms;
use crate::cause::DaemonStoppingReason;
use crate::registry::{Registry, RegistryError};
use crate::resource::{Resource, Selector};
use crate::storage::StatusSchema;

/// What is being served.
struct Orchestra<'a> {
    context: Arc<Context>,
    registry: &'a Registry,
    served: HashMap<String, Served>,
    /// Which namespaces are to be served; `None` for all of them.
    namespaces: watch::Receiver<namespaces::Served>,
    /// What the API has told last.
    discovery: Discovery,
    /// What the API tells of no more though it is defined, and handlers are asked about it.
    #[cfg(feature = "admission")]
    kept: Vec<Resource>,
    /// How often definitions are known to have changed.
    #[cfg(feature = "admission")]
    changes: u64,
    /// Why to look again though nothing tells of a change.
    doubt: Doubt,
    /// Held until there is work for the first time: each watch of that time holds one, too.
    pending: Option<mpsc::Sender<()>>,
    /// The term in which everything was listed last.
    term: u64,
}

/// How sure it is that all is served that is to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    /// Whatever handlers ask for is served.
    None,
    /// Some of it is not there. Not all servers tell when it comes.
    Waiting,
    /// The API does not tell of all that it serves.
    Gaps,
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
    let (served, mut namespaces) = watch::channel(None);
    let mut others = JoinSet::new();
    if !context.settings.scanning.disabled {
        let version = definitions::version(&context).await.ok();
        let watched = definitions::watch(context.clone(), version, hints.clone());
        others.spawn(watched.in_current_span());
    }
    if context.scope != Scope::Cluster {
        others.spawn(namespaces::follow(context.clone(), served).in_current_span());
        // Its end would be that of the operator.
        let _ = namespaces.wait_for(Option::is_some).await;
    }
    let lanes = context.clone();
    others.spawn(async move { match lanes.lanes.run().await {} });
    others.spawn(terms::keep(context.clone()).in_current_span());
    let (pending, mut all_ready) = mpsc::channel::<()>(1);
    let term = context.term().number;
    let mut orchestra = Orchestra {
        context,
        registry,
        served: HashMap::new(),
        namespaces,
        discovery: Discovery::default(),
        #[cfg(feature = "admission")]
        kept: Vec::new(),
        #[cfg(feature = "admission")]
        changes: 0,
        doubt: Doubt::None,
        pending: Some(pending.clone()),
        term,
    };
    let indexed = orchestra.context.clone();
    // Whoever waits for the barrier must find it up.
    let beginning = indexed.barrier.begin();
    others.spawn(indexing::keep(indexed.clone()).in_current_span());
    if let Err(conflict) = orchestra.look(&pending).await {
        return conflict;
    }
    drop((pending, beginning));
    orchestra.context.health.begun();
    let ready = async move {
        // Each watch holds a sender until it is ready.
        let _ = all_ready.recv().await;
        on_ready();
    };
    others.spawn(ready.in_current_span());
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
        let mut ask_at = None;
        let mut series: Option<Series> = None;
        let mut namespaces = self.namespaces.clone();
        let mut terms = self.context.terms.subscribe();
        // A term may have begun before anybody listened.
        terms.mark_changed();
        loop {
            match self.doubt {
                Doubt::None => (again, ask_at) = (first, None),
                Doubt::Waiting => again = LATE,
                Doubt::Gaps => {}
            }
            if self.doubt > Doubt::None && ask_at.is_none() {
                ask_at = Some(Instant::now() + again);
            }
            tokio::select! {
                () = hints.changed.notified(), if series.is_none_or(|series| series.gives_way) => {
                    #[cfg(feature = "admission")]
                    {
                        self.changes += 1;
                    }
                    series = Series::begin();
                }
                look = reached(series) => {
                    let is_changed = self.look(&unawaited).await?;
                    series = look.and_then(|look| look.next(is_changed));
                }
                () = hints.poll.notified() => {
                    self.look(&unawaited).await?;
                }
                () = until(ask_at) => {
                    self.look(&unawaited).await?;
                    again = longer(again);
                    ask_at = None;
                }
                Ok(()) = namespaces.changed() => {
                    self.tell_peerings().await;
                    self.follow_namespaces(&unawaited).await;
                }
                Ok(()) = terms.changed() => self.follow_terms(&unawaited).await,
            }
        }
    }

    /// Finds out what is there, and serves it. Gives whether anything has changed.
    async fn look(&mut self, pending: &mpsc::Sender<()>) -> Result<bool, RegistryError> {
        self.discover().await;
        #[cfg(feature = "admission")]
        {
            self.kept = self.missed().await;
            self.tell();
        }
        self.tell_peerings().await;
        let (wanted, is_complete) = self.wanted();
        let is_complete = self.check_asked()? && is_complete;
        self.doubt = match (self.discovery.silent.is_empty(), is_complete) {
            (false, _) => Doubt::Gaps,
            (true, false) => Doubt::Waiting,
            (true, true) => Doubt::None,
        };
        #[cfg(feature = "admission")]
        if !self.kept.is_empty() {
            self.doubt = Doubt::Gaps;
        }
        let is_wanted = |name: &String| wanted.iter().any(|(r, _)| r.to_string() == *name);
        let missing: Vec<String> = self.served.keys().cloned().collect();
        let missing: Vec<String> = missing
            .into_iter()
            .filter(|name| !is_wanted(name))
            .collect();
        let mut is_changed = false;
        for name in missing {
            if self.is_gone(&name).await
                && let Some(served) = self.served.remove(&name)
            {
                info!("{name} is gone, no longer served");
                let reason = self.farewell(&served.resource());
                served.end(reason).await;
                is_changed = true;
            } else {
                self.doubt = Doubt::Gaps;
            }
        }
        for (_, selectors) in &wanted {
            self.registry
                .check_resource(|selector| selectors.contains(selector))?;
        }
        // All at once: a definition that cannot be read for a while delays no other kind.
        let mut schemas = FuturesUnordered::new();
        for wanted in wanted {
            // Those that only wake others come first: what is listed of them wakes nobody then.
            let is_wanted = |selector: &Selector| wanted.1.contains(selector);
            if !self.context.handlers.want(is_wanted) {
                is_changed |= self.serve(wanted, StatusSchema::default(), pending).await;
                continue;
            }
            let known = self.served.get(&wanted.0.to_string()).map(|s| s.schema);
            let context = self.context.clone();
            schemas.push(async move {
                let schema = schema(&context, &wanted.0, known).await;
                (wanted, schema)
            });
        }
        while let Some((wanted, schema)) = schemas.next().await {
            is_changed |= self.serve(wanted, schema, pending).await;
        }
        Ok(is_changed)
    }

    /// Whether a kind of which the API no longer tells is gone. As long as that cannot be found out, it is
    /// served as it was: to begin anew with it would be to find all its objects again.
    async fn is_gone(&self, name: &str) -> bool {
        let Some(resource) = self.served.get(name).map(Served::resource) else {
            return false;
        };
        let is_told = |told: &Resource| told.to_string() == name;
        if self.discovery.resources.iter().any(is_told) {
            return true;
        }
        let is_defined = is_defined(&self.context.connection, &resource).await;
        is_defined.is_ok_and(|is_defined| !is_defined)
    }

    /// What those hear that go along with objects of a kind that is gone. In another version, their objects may still
    /// be there.
    fn farewell(&self, resource: &Resource) -> DaemonStoppingReason {
        let is_same =
            |told: &Resource| (&told.group, &told.plural) == (&resource.group, &resource.plural);
        if self.discovery.resources.iter().any(is_same) {
            DaemonStoppingReason::FILTERS_MISMATCH
        } else {
            DaemonStoppingReason::RESOURCE_DELETED
        }
    }

    /// Lets others go first who are there already.
    async fn tell_peerings(&self) {
        let namespaces = self.namespaces.borrow().clone();
        let resources = &self.discovery.resources;
        self.context.peerings.found(resources, namespaces).await;
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

    /// Serves one kind, or learns what is new about it. Gives whether it was not served before.
    async fn serve(
        &mut self,
        (resource, selectors): (Resource, Vec<Selector>),
        schema: StatusSchema,
        pending: &mpsc::Sender<()>,
    ) -> bool {
        let name = resource.to_string();
        let context = self.context.clone();
        let is_wanted = |selector: &Selector| selectors.contains(selector);
        let settings = &context.settings.persistence;
        let kind = Kind::new(
            Arc::new(resource),
            &context.handlers,
            is_wanted,
            (settings, schema),
        );
        if let Some(served) = self.served.get_mut(&name) {
            served.renew(kind, schema);
            return false;
        }
        debug!("the memory of {name} is kept in {}", kind.storage.place);
        let mut served = Served::new(context, kind, schema);
        let namespaces = self.namespaces.borrow().clone();
        served.watch_in(namespaces.as_deref(), pending).await;
        served.announce();
        self.served.insert(name, served);
        true
    }

    /// Watches everything that is known in a new term.
    async fn follow_terms(&mut self, unawaited: &mpsc::Sender<()>) {
        if self.context.term().has_ended() {
            return;
        }
        let pending = self.pending.take();
        let term = self.context.term().number;
        // Whatever has happened in between is in no index yet.
        let beginning = (term != self.term).then(|| indexing::begin_anew(&self.context));
        self.term = term;
        self.follow_namespaces(pending.as_ref().unwrap_or(unawaited))
            .await;
        drop(beginning);
    }

    /// Begins with namespaces that have come, ends with those that are gone.
    async fn follow_namespaces(&mut self, pending: &mpsc::Sender<()>) {
        let namespaces = self.namespaces.borrow_and_update().clone();
        #[cfg(feature = "admission")]
        self.tell();
        for served in self.served.values_mut() {
            served.watch_in(namespaces.as_deref(), pending).await;
        }
    }
}

/// What the schema of a kind keeps: as it was known last, if it cannot be read now. Else state would
/// move to and fro.
async fn schema(
    context: &Context,
    resource: &Resource,
    known: Option<StatusSchema>,
) -> StatusSchema {
    let error = match status_schema(&context.connection, resource).await {
        Ok(schema) => return schema,
        Err(error) => error,
    };
    if context.is_news(format!("schema of {resource}")) {
        let place = match known {
            Some(_) => "stays where it is",
            None => "goes to annotations",
        };
        warn!("the schema of {resource} cannot be read, its objects' state {place}: {error}");
    }
    known.unwrap_or_default()
}

/// Those of some that others do not have.
fn new<'a>(some: &'a [Silent], others: &'a [Silent]) -> impl Iterator<Item = &'a Silent> {
    let is_new = |one: &&Silent| others.iter().all(|o| o.api_version != one.api_version);
    some.iter().filter(is_new)
}
