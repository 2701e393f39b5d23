//! The life of an operator: startup, login, work, drain, cleanup.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, debug, info, warn};

use super::activities::Activities;
use super::builder::{Operator, Ready};
use super::clients::Clients;
use super::error::OperatorError;
use super::others::Others;
use super::watchdog::Watchdog;
use super::webhooks;
#[cfg(feature = "admin")]
use crate::admin::{Admin, Endpoint};
use crate::api::{Common, Connection, Fence, Notes};
use crate::handler::Environment;
use crate::health::Health;
use crate::reactor::{Context, Handlers, Scope, Stop, orchestrate};
use crate::registry::Registry;

/// How long cancelled handlers may take to notice, and cleanup handlers may take after them.
pub(super) const CANCEL_BUDGET: Duration = Duration::from_secs(5);

/// Ends when the operator is told to stop for the second time.
pub(super) type Again = Shared<BoxFuture<'static, ()>>;

pub(super) async fn run(operator: Operator) -> Result<(), OperatorError> {
    // Without a choice rustls panics where a program has several providers; the first choice counts.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Operator {
        registry,
        settings,
        memos,
        scope,
        access,
        stop,
        cancel,
        on_ready,
        #[cfg(feature = "admin")]
        endpoints,
        is_whole_program,
        #[cfg(feature = "testing")]
        observer,
    } = operator;
    let activities = Activities::new(&registry, &settings, memos);
    let watchdog = is_whole_program.then(|| Watchdog::new(settings.clone()));
    let mut stop = stop.unwrap_or_else(|| match &watchdog {
        Some(watchdog) => watchdog.told(signal()).boxed(),
        None => signal().boxed(),
    });
    let again = cancel.unwrap_or_else(|| signal().boxed()).shared();

    #[cfg(feature = "admin")]
    let (admin, _serving) = serve(&endpoints, &activities).await?;
    tokio::select! {
        started = activities.startup() => started?,
        () = &mut stop => return Ok(()),
    }
    let settings = settings.freeze();
    if let Some(mistake) = settings.mistake() {
        return Err(OperatorError::Settings(mistake));
    }
    let fence = Fence::default();
    let clients = tokio::select! {
        clients = Clients::connect(access, &activities, (&fence, &registry)) => clients?,
        () = &mut stop => return activities.cleanup(again).await,
    };
    let environment = &activities.environment;
    environment.set_client(clients.inside.clone());
    let aside = connection(environment, clients.outside);
    let others = Others::begin((&aside, fence), &scope, environment);
    let work = Work {
        context: context(clients.inside, environment, (&registry, scope)),
        registry: &registry,
        again: again.clone(),
        watchdog: watchdog.as_ref(),
    };
    // Whoever drops the operator drops the work on its objects with it.
    let _owner = work.context.stop.abandon.clone().drop_guard();
    #[cfg(feature = "admin")]
    if let Some(admin) = &admin {
        admin.see(&work.context);
    }
    #[cfg(feature = "testing")]
    observer.see(&work.context);
    let way = webhooks::Way {
        connection: aside
            .through(clients.asked.clone())
            .reserved(settings.networking.request_timeout),
        client: clients.asked,
        api: clients.address,
    };
    let on_ready = move || {
        debug!("all watches are established");
        if let Some(on_ready) = on_ready {
            on_ready(Ready { settings });
        }
    };
    let worked = work.run(way, on_ready, stop).await;
    let ended = worked.and(activities.cleanup(again).await);
    others.end().await;
    ended
}

/// A way to the API, counted together with all others.
fn connection(environment: &Environment, client: kube::Client) -> Connection {
    let counts = environment
        .aspects
        .get_or_default::<Common>()
        .counts
        .clone();
    let networking = environment.settings.get().networking.clone();
    Connection::new(client, networking).counted_by(counts)
}

/// What the work on objects needs.
fn context(
    client: kube::Client,
    environment: &Arc<Environment>,
    (registry, scope): (&Registry, Scope),
) -> Arc<Context> {
    let context = Arc::new(Context::new(
        connection(environment, client),
        environment.clone(),
        handlers_of_objects(registry),
        (scope, Stop::default()),
    ));
    let posting = context.posting.clone();
    let notes = Notes(Arc::new(move |object, note| posting.note(object, note)));
    // An operator begins once.
    let _ = environment
        .aspects
        .get_or_default::<Common>()
        .notes
        .set(notes);
    context
}

/// The work of an operator, from when it has logged in until it is told to stop.
struct Work<'a> {
    context: Arc<Context>,
    registry: &'a Registry,
    again: Again,
    watchdog: Option<&'a Watchdog>,
}

impl Work<'_> {
    /// Serves objects and webhooks until the operator is told to stop, and lets everything end then.
    async fn run(
        &self,
        way: webhooks::Way,
        on_ready: impl FnOnce() + Send + 'static,
        mut stop: BoxFuture<'static, ()>,
    ) -> Result<(), OperatorError> {
        let context = &self.context;
        let posting = context.posting.clone().run().in_current_span();
        let poster = AbortOnDropHandle::new(tokio::spawn(posting));
        let (on_ready, is_asked) = webhooks::both(on_ready);
        let webhooks = webhooks::open(context, self.registry, way, is_asked).await?;
        let served = self.serve(on_ready, &mut stop).await;
        if let Some(watchdog) = self.watchdog {
            watchdog.begin();
        }
        self.wind_up(webhooks, poster).await;
        served
    }

    /// Serves objects until the operator is told to stop.
    async fn serve(
        &self,
        on_ready: impl FnOnce() + Send + 'static,
        stop: &mut BoxFuture<'static, ()>,
    ) -> Result<(), OperatorError> {
        let (context, registry) = (&self.context, self.registry);
        if context.handlers.selectors().next().is_none() && !registry.is_asked() {
            info!("there are no handlers of objects; waiting to be stopped");
            Health::clone(&context.environment.aspects.get_or_default()).begun();
            on_ready();
            stop.await;
            return Ok(());
        }
        tokio::select! {
            error = orchestrate(context.clone(), registry, on_ready) => Err(error.into()),
            // Before the objects are let go: that is no deletion.
            () = stop.map(|()| context.daemons.leave()) => Ok(()),
        }
    }

    /// Lets everything end that goes on: nobody is asked any more, handlers and daemons finish, what was told is written.
    async fn wind_up(
        &self,
        mut webhooks: Option<webhooks::Webhooks>,
        poster: AbortOnDropHandle<()>,
    ) {
        let (context, again) = (&*self.context, self.again.clone());
        if let Some(webhooks) = &mut webhooks {
            webhooks.withdraw().await;
        }
        let budget = context.settings.process.drain_budget;
        let daemons = context.daemons.finish(budget, again.clone());
        tokio::join!(drain(context, again.clone()), daemons);
        finish(context, poster).await;
        if let Some(webhooks) = webhooks {
            webhooks.close(again).await;
        }
    }
}

fn handlers_of_objects(registry: &Registry) -> Handlers {
    Handlers {
        indexing: registry.indexing().iter().cloned().collect(),
        watching: registry.watching().iter().cloned().collect(),
        changing: registry.changing().iter().cloned().collect(),
        spawning: registry.spawning().iter().cloned().collect(),
    }
}

/// Tells of the operator to whoever asks, if it is to.
#[cfg(feature = "admin")]
async fn serve(
    endpoints: &[Endpoint],
    activities: &Activities,
) -> Result<(Option<Arc<Admin>>, Vec<AbortOnDropHandle<()>>), OperatorError> {
    if endpoints.is_empty() {
        return Ok((None, Vec::new()));
    }
    let Activities {
        handlers,
        memos,
        environment,
    } = activities;
    let admin = Admin::new(handlers, memos.clone(), environment.clone());
    let mut serving = Vec::new();
    for endpoint in endpoints {
        let address = endpoint.address;
        let served = admin.serve(endpoint).await;
        serving.push(served.map_err(|source| OperatorError::Admin { address, source })?);
    }
    Ok((Some(admin), serving))
}

/// Lets running handlers finish within the drain budget, then cancels them.
async fn drain(context: &Context, again: Again) {
    context.stop.drain.cancel();
    context.workers.close();
    let budget = context.settings.process.drain_budget;
    if !context.workers.is_empty() {
        debug!(
            "waiting up to {budget:?} for {} objects",
            context.workers.len()
        );
    }
    tokio::select! {
        biased;
        () = context.workers.wait() => return,
        () = tokio::time::sleep(budget) => warn!("the drain budget is used up, running handlers are cancelled"),
        () = again => warn!("told to stop again, running handlers are cancelled"),
    }
    context.stop.cancel.cancel();
    if timeout(CANCEL_BUDGET, context.workers.wait())
        .await
        .is_err()
    {
        warn!(
            "{} objects are left in the middle of their handling",
            context.workers.len()
        );
    }
}

/// Lets the last events of objects be written, within a short time.
async fn finish(context: &Context, poster: AbortOnDropHandle<()>) {
    context.posting.close();
    let budget = context.settings.posting.drain_budget;
    let is_done = timeout(budget, poster).await.is_ok();
    let left_out = context.posting.left_out();
    if !is_done || left_out > 0 {
        debug!("{left_out} events of objects were left out before the end, others may be at it");
    }
}

/// SIGINT or SIGTERM.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(error) => {
                warn!("SIGTERM cannot be noticed: {error}");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    info!("told to stop");
}
