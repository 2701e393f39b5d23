//! The life of an operator: startup, login, work, drain, cleanup.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use kube::Client;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, debug, info, warn};

use super::builder::{Access, Operator, Ready};
use super::error::OperatorError;
use super::login::{LoginHandlers, Way};
use super::others::Others;
use super::watchdog::Watchdog;
use super::webhooks;
#[cfg(feature = "admin")]
use crate::admin::{Admin, Endpoint};
use crate::api::{Common, Connection, Fence, LoginError, Notes, Outfit, Vault};
use crate::cause::{Activity, ActivityCause};
use crate::clock::Clock;
use crate::engine::activities;
use crate::extract::SharedStates;
use crate::handler::{Environment, Handler, Memos};
use crate::health::Health;
use crate::index::Indices;
use crate::reactor::{Context, Handlers, Stop, orchestrate};
use crate::registry::Registry;
use crate::settings::SettingsHandle;

/// How long cancelled handlers may take to notice, and cleanup handlers may take after them.
const CANCEL_BUDGET: Duration = Duration::from_secs(5);

type ActivityHandlers = Vec<Arc<Handler<ActivityCause>>>;

/// Ends when the operator is told to stop for the second time.
type Again = Shared<BoxFuture<'static, ()>>;

/// The cleanup handlers, and what they are called with.
struct Cleanup<'a> {
    handlers: &'a ActivityHandlers,
    memos: &'a Memos,
    environment: &'a Arc<Environment>,
    again: Again,
}

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
    let environment = environment(&registry, &settings, &memos);
    let handlers: ActivityHandlers = registry.activities().iter().cloned().collect();
    let watchdog = is_whole_program.then(|| Watchdog::new(environment.settings.clone()));
    let mut stop = stop.unwrap_or_else(|| match &watchdog {
        Some(watchdog) => watchdog.told(signal()).boxed(),
        None => signal().boxed(),
    });
    let again = cancel.unwrap_or_else(|| signal().boxed()).shared();
    let cleanup = Cleanup {
        handlers: &handlers,
        memos: &memos,
        environment: &environment,
        again: again.clone(),
    };

    #[cfg(feature = "admin")]
    let (admin, _serving) = serve(&endpoints, (&handlers, &memos), &environment).await?;
    tokio::select! {
        started = startup(&handlers, &memos, &environment) => started?,
        () = &mut stop => return Ok(()),
    }
    let settings = settings.freeze();
    let login_handlers = LoginHandlers {
        handlers: handlers.clone(),
        memos: memos.clone(),
        environment: Arc::downgrade(&environment),
    };
    if let Some(mistake) = settings.mistake() {
        return Err(OperatorError::Settings(mistake));
    }
    let fence = Fence::default();
    let clients = tokio::select! {
        clients = connect(access, login_handlers, (&environment, &fence)) => clients?,
        () = &mut stop => return cleanup.run().await,
    };
    environment.set_client(clients.inside.clone());

    let stops = Stop::default();
    // Whoever drops the operator drops the work on its objects with it.
    let _owner = stops.abandon.clone().drop_guard();
    let common = environment.aspects.get_or_default::<Common>();
    let counts = common.counts.clone();
    let connection = Connection::new(clients.inside.clone(), settings.networking.clone());
    let connection = connection.counted_by(counts);
    let aside = connection.clone().through(clients.outside);
    let others = Others::begin((&aside, fence), &scope, &environment);
    let context = Arc::new(Context::new(
        connection,
        environment.clone(),
        handlers_of_objects(&registry),
        (scope, stops.clone()),
    ));
    let posting = context.posting.clone();
    let notes = Notes(Arc::new(move |object, note| posting.note(object, note)));
    // An operator begins once.
    let _ = common.notes.set(notes);
    #[cfg(feature = "admin")]
    if let Some(admin) = &admin {
        admin.see(&context);
    }
    #[cfg(feature = "testing")]
    observer.see(&context);
    let on_ready = move || {
        debug!("all watches are established");
        if let Some(on_ready) = on_ready {
            on_ready(Ready { settings });
        }
    };
    let poster = AbortOnDropHandle::new(tokio::spawn(
        context.posting.clone().run().in_current_span(),
    ));
    let (on_ready, is_asked) = webhooks::both(on_ready);
    let patience = context.settings.networking.request_timeout;
    let way = (aside.reserved(patience), clients.address);
    let webhooks = match webhooks::open(&context, &registry, way, is_asked).await {
        Ok(webhooks) => webhooks,
        Err(error) => {
            let ended = cleanup.run().await.and(Err(error));
            others.end().await;
            return ended;
        }
    };
    let work = work(&context, &registry, on_ready, &mut stop).await;
    if let Some(watchdog) = &watchdog {
        watchdog.begin();
    }
    wind_up(&context, webhooks, poster, again).await;
    let ended = work.and(cleanup.run().await);
    others.end().await;
    ended
}

fn environment(registry: &Registry, settings: &SettingsHandle, memos: &Memos) -> Arc<Environment> {
    let mut environment = Environment::new(Clock::start(), settings.clone());
    let shapes = registry.indices().into_iter();
    environment.indices = Indices::new(shapes.map(|(id, shape, _)| (id.to_owned(), shape)));
    environment.memos = memos.clone();
    Arc::new(environment)
}

fn handlers_of_objects(registry: &Registry) -> Handlers {
    Handlers {
        indexing: registry.indexing().iter().cloned().collect(),
        watching: registry.watching().iter().cloned().collect(),
        changing: registry.changing().iter().cloned().collect(),
        spawning: registry.spawning().iter().cloned().collect(),
    }
}

/// Lets everything end that goes on: nobody is asked any more, handlers and daemons finish, what was told is written.
async fn wind_up(
    context: &Context,
    mut webhooks: Option<webhooks::Webhooks>,
    poster: AbortOnDropHandle<()>,
    again: Again,
) {
    if let Some(webhooks) = &mut webhooks {
        webhooks.withdraw().await;
    }
    let budget = context.settings.process.drain_budget;
    let daemons = context.daemons.finish(budget, again.clone());
    tokio::join!(drain(context, again), daemons);
    finish(context, poster).await;
    if let Some(webhooks) = webhooks {
        webhooks.close().await;
    }
}

/// The ways to the API: inside of the fence that leader election keeps, and outside of it.
struct Clients {
    inside: Client,
    outside: Client,
    /// Where the API is, if it is reached over a network.
    address: Option<http::Uri>,
}

/// Serves objects until the operator is told to stop.
async fn work(
    context: &Arc<Context>,
    registry: &Registry,
    on_ready: impl FnOnce() + Send + 'static,
    stop: &mut BoxFuture<'static, ()>,
) -> Result<(), OperatorError> {
    let has_webhooks = !registry.admission().is_empty() || !registry.conversions().is_empty();
    if context.handlers.selectors().next().is_none() && !has_webhooks {
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

/// Tells of the operator to whoever asks, if it is to.
#[cfg(feature = "admin")]
async fn serve(
    endpoints: &[Endpoint],
    (handlers, memos): (&ActivityHandlers, &Memos),
    environment: &Arc<Environment>,
) -> Result<(Option<Arc<Admin>>, Vec<AbortOnDropHandle<()>>), OperatorError> {
    if endpoints.is_empty() {
        return Ok((None, Vec::new()));
    }
    let admin = Admin::new(handlers, memos.clone(), environment.clone());
    let mut serving = Vec::new();
    for endpoint in endpoints {
        let address = endpoint.address;
        let served = admin.serve(endpoint).await;
        serving.push(served.map_err(|source| OperatorError::Admin { address, source })?);
    }
    Ok((Some(admin), serving))
}

async fn startup(
    handlers: &ActivityHandlers,
    memos: &Memos,
    environment: &Arc<Environment>,
) -> Result<(), OperatorError> {
    let outcomes = activities::run(Activity::Startup, handlers, memos, environment)
        .await
        .map_err(|failed| OperatorError::Startup {
            id: failed.id,
            message: failed.message,
        })?;
    for product in outcomes.into_iter().filter_map(|outcome| outcome.product) {
        if let Ok(states) = product.downcast::<SharedStates>() {
            states.store(&environment.states);
        }
    }
    Ok(())
}

/// Logs in, and gives the clients that stay good when the credentials do not.
async fn connect(
    access: Access,
    handlers: LoginHandlers,
    (environment, fence): (&Environment, &Fence),
) -> Result<Clients, OperatorError> {
    let settings = environment.settings.get();
    let is_fenced = settings.leader_election.enabled;
    match Way::new(access, handlers) {
        Way::Client(client, handlers) => {
            handlers.call().await?;
            let inside = is_fenced.then(|| fence.around(&client));
            Ok(Clients {
                inside: inside.unwrap_or_else(|| client.clone()),
                outside: client,
                address: None,
            })
        }
        Way::Login(login) => {
            let mut outfit = Outfit::new(settings.networking.clone());
            if is_fenced {
                outfit = outfit.fenced_by(fence.clone());
            }
            let vault = Vault::open(login, outfit, environment.clock).await;
            let vault = vault.map_err(|error| match error {
                LoginError::Client(error) => OperatorError::Client(*error),
                error => error.into(),
            })?;
            Ok(Clients {
                inside: vault.client(),
                outside: vault.client(),
                address: vault.address(),
            })
        }
    }
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

impl Cleanup<'_> {
    /// Calls the cleanup handlers, within their budget and until the operator is told to stop again.
    async fn run(self) -> Result<(), OperatorError> {
        let is_hurried = self.again.peek().is_some();
        let mut budget = self.environment.settings.get().process.cleanup_budget;
        if is_hurried {
            budget = budget.min(CANCEL_BUDGET);
        }
        let again = async {
            if is_hurried {
                std::future::pending::<()>().await;
            }
            self.again.clone().await;
        };
        let calls = activities::run(
            Activity::Cleanup,
            self.handlers,
            self.memos,
            self.environment,
        );
        let (id, message) = tokio::select! {
            biased;
            done = calls => match done {
                Ok(_) => return Ok(()),
                Err(failed) => (failed.id, failed.message),
            },
            () = tokio::time::sleep(budget) => (self.ids(), format!("not finished within {budget:?}")),
            () = again => (self.ids(), "not finished when told to stop again".to_owned()),
        };
        Err(OperatorError::Cleanup { id, message })
    }

    fn ids(&self) -> String {
        let handlers = self.handlers.iter();
        let ids: Vec<_> = handlers
            .filter(|handler| handler.rule == Activity::Cleanup)
            .map(|handler| &*handler.id)
            .collect();
        ids.join(", ")
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
