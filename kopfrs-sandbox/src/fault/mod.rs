//! Faults on demand: what a test makes a server do to its clients.
//!
//! A [`Rule`] says which requests ([`On`]), what happens to them ([`Fault`]), how often, and when. The same rules work on
//! a [`Sandbox`](crate::Sandbox), in-process and over TLS, and on a [`Proxy`](crate::Proxy) in front of any API server;
//! only what needs the past of the server ([`Fault::stale`]) is refused there.
//! Everything is decided in the order in which requests come, and waits on tokio's clock: a test of one client gives
//! the same in every run, also with time paused.
//!
//! # Examples
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use k8s_openapi::api::core::v1::Namespace;
//! use kopfrs_sandbox::{Sandbox, fault::{Fault, On}};
//! use kube::Api;
//!
//! let sandbox = Sandbox::new();
//! let rule = Fault::status(503).on(On::verb("get").resource("namespaces")).times(1);
//! let injected = sandbox.faults().inject(rule);
//!
//! let namespaces: Api<Namespace> = Api::all(sandbox.client());
//! assert!(namespaces.get("default").await.is_err());
//! assert!(namespaces.get("default").await.is_ok());
//! assert_eq!(injected.hits(), 1);
//! # Ok(())
//! # }
//! ```

mod answer;
mod chance;
mod change;
mod handle;
mod kind;
mod layer;
mod lines;
mod outage;
mod rule;
mod stale;
mod stream;
mod window;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::{
    handle::State,
    kind::{Moment, What},
    rule::Active,
    stale::Stale,
    stream::OpenStreams,
};
pub use self::{
    handle::{Injected, Scoped},
    kind::{Fault, StreamFault},
    outage::ConnectionError,
    rule::Rule,
};
pub(crate) use self::{layer::Faulty, outage::Outage, stale::History};
pub use crate::journal::On;
use crate::journal::Request;

/// Makes things go wrong, while the server runs; cheap to clone.
///
/// Of several rules for one request, the first one that was injected strikes. Delays, stale reads and lasting changes of
/// a stream go together with what comes after them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
/// use kopfrs_sandbox::{Sandbox, fault::{Fault, On}};
///
/// let faults = Sandbox::new().faults();
/// faults.inject(Fault::delay(Duration::from_millis(200)).on(On::any()));
/// faults.inject(Fault::stale(1).on(On::verb("list").cached()));
/// faults.inject(Fault::status(429).retry_after(3).on(On::writes()).every(10));
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Active>>>,
    streams: OpenStreams,
    outage: Outage,
    /// Absent behind a proxy.
    history: Option<History>,
}

/// Why a rule cannot be injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Stale reads need the past of a server, and a proxy does not know that of the server behind it.
    #[error(
        "stale reads cannot be injected into a proxy, which does not know the past of the server behind it: \
         inject them into a sandbox, or hold watches back with StreamFault::HoldBack"
    )]
    NoHistory,
}

/// A fault that is going to strike, and the rule to tell of it.
#[derive(Debug, Clone)]
struct Planned {
    fault: Fault,
    state: Arc<State>,
}

/// What is going to happen to one request.
#[derive(Debug, Default)]
struct Plan {
    delays: Vec<Planned>,
    stale: Option<Planned>,
    changes: Vec<Planned>,
    fault: Option<Planned>,
}

impl Faults {
    fn rules(&self) -> MutexGuard<'_, Vec<Active>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with_history(history: History) -> Self {
        Self {
            history: Some(history),
            ..Self::default()
        }
    }

    /// Adds a rule, which holds for requests from now on.
    ///
    /// # Panics
    ///
    /// When the rule cannot work here, for the reasons of [`Faults::try_inject`].
    #[track_caller]
    pub fn inject(&self, rule: Rule) -> Injected {
        match self.try_inject(rule) {
            Ok(injected) => injected,
            Err(error) => panic!("{error}"),
        }
    }

    /// Adds a rule, which holds for requests from now on, if it can work here.
    ///
    /// # Errors
    ///
    /// When it needs the past of a server that is behind a proxy.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use kopfrs_sandbox::{Proxy, Sandbox, fault::{Fault, On, RuleError}};
    ///
    /// let server = Sandbox::new().serve().await?;
    /// let proxy = Proxy::start(server.config()).await?;
    /// let refused = proxy.faults().try_inject(Fault::stale(1).on(On::reads()));
    /// assert_eq!(refused.unwrap_err(), RuleError::NoHistory);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_inject(&self, mut rule: Rule) -> Result<Injected, RuleError> {
        if let What::Stale(stale) = &mut rule.fault.what {
            let history = self.history.as_ref().ok_or(RuleError::NoHistory)?;
            if let Stale::Frozen = stale {
                *stale = Stale::Revision(history.newest());
            }
        }
        let active = Active::new(rule);
        let injected = Injected {
            state: active.state.clone(),
        };
        self.rules().push(active);
        Ok(injected)
    }

    /// Does something to the watches that are open now, and leaves later ones alone.
    ///
    /// The hits of what it returns count the streams that have been struck; removing it lets stalled ones go on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use kopfrs_sandbox::{Sandbox, fault::{On, StreamFault}};
    ///
    /// let sandbox = Sandbox::new();
    /// sandbox.faults().strike(&On::any().resource("demos"), StreamFault::Break);
    /// # }
    /// ```
    pub fn strike(&self, on: &On, fault: StreamFault) -> Injected {
        let state = Arc::<State>::default();
        self.streams.strike(on, fault, &state);
        Injected { state }
    }

    /// Removes all rules; what hangs or stalls because of them goes on.
    pub fn clear(&self) {
        for active in self.rules().drain(..) {
            active.state.remove();
        }
    }

    /// Takes the server down: connections break, and new ones are refused. What it knows stays.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sandbox = kopfrs_sandbox::Sandbox::new();
    /// let client = sandbox.client();
    /// sandbox.faults().take_down();
    /// assert!(client.apiserver_version().await.is_err());
    /// sandbox.faults().bring_up();
    /// assert!(client.apiserver_version().await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_down(&self) {
        self.outage.begin(None);
    }

    /// Takes the server down as [`Faults::take_down`] does, and brings it up again after some time.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let sandbox = kopfrs_sandbox::Sandbox::new();
    /// sandbox.faults().take_down_for(Duration::from_secs(30));
    /// assert!(sandbox.client().apiserver_version().await.is_err());
    /// tokio::time::sleep(Duration::from_secs(30)).await;
    /// assert!(sandbox.client().apiserver_version().await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_down_for(&self, duration: Duration) {
        self.outage.begin(Some(duration));
    }

    /// Ends what [`Faults::take_down`] began.
    pub fn bring_up(&self) {
        self.outage.end();
    }

    pub(crate) fn outage(&self) -> Outage {
        self.outage.clone()
    }

    /// Decides what happens to a request that has just come.
    fn plan(&self, request: &Request) -> Plan {
        let mut plan = Plan::default();
        let mut rules = self.rules();
        rules.retain(|active| !active.is_over());
        for active in rules.iter_mut() {
            let Some(fault) = active.strikes(request) else {
                continue;
            };
            let planned = Planned {
                fault,
                state: active.state.clone(),
            };
            match planned.fault.what {
                What::Delay(_) => plan.delays.push(planned),
                What::Stale(_) => plan.stale = plan.stale.or(Some(planned)),
                What::Stream(fault, _) if fault.is_lasting() => plan.changes.push(planned),
                What::Answer(_) | What::Reset | What::Hang | What::Stream(..) => {
                    plan.fault = Some(planned);
                    break;
                }
            }
        }
        plan
    }
}

impl Plan {
    fn delays(&self, moment: Moment) -> impl Iterator<Item = &Planned> {
        self.delays
            .iter()
            .filter(move |planned| planned.fault.moment == moment)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("rules", &*self.rules())
            .field("down", &self.outage.is_down())
            .finish_non_exhaustive()
    }
}
