//! Faults on demand: what a test makes a server do to its clients.
//!
//! A [`Rule`] says which requests ([`On`]), what happens to them ([`Fault`]), and how often. The same rules work on a
//! [`Sandbox`](crate::Sandbox), in-process and over TLS, and on a [`Proxy`](crate::Proxy) in front of any API server.
//! Everything is decided in the order in which requests come, and waits on tokio's clock: a test of one client gives
//! the same in every run, also with time paused.
//!
//! # Examples
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use k8s_openapi::api::core::v1::Namespace;
//! use kopfrs_sandbox::{Sandbox, fault::{Fault, On, Rule}};
//! use kube::Api;
//!
//! let sandbox = Sandbox::new();
//! let rule = Rule::new(On::verb("get").resource("namespaces"), Fault::status(503)).times(1);
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
mod condition;
mod kind;
mod layer;
mod lines;
mod outage;
mod rule;
mod stream;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use self::{
    condition::On,
    kind::{Fault, StreamFault},
    outage::ConnectionError,
    rule::{Injected, Rule},
};
use self::{
    kind::{Moment, What},
    rule::{Active, State},
    stream::OpenStreams,
};
pub(crate) use self::{layer::Faulty, outage::Outage};
use crate::journal::Request;

/// Makes things go wrong, while the server runs; cheap to clone.
///
/// Of several rules for one request, the first one that was injected strikes. Delays are added to what comes after them.
#[derive(Clone, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Active>>>,
    streams: OpenStreams,
    outage: Outage,
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
    fault: Option<Planned>,
}

impl Faults {
    fn rules(&self) -> MutexGuard<'_, Vec<Active>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule, which holds for requests from now on.
    pub fn inject(&self, rule: Rule) -> Injected {
        let active = Active::new(rule);
        let injected = Injected {
            state: active.state.clone(),
        };
        self.rules().push(active);
        injected
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
            active.state.removed.cancel();
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
        self.outage.set(true);
    }

    /// Ends what [`Faults::take_down`] began.
    pub fn bring_up(&self) {
        self.outage.set(false);
    }

    pub(crate) fn outage(&self) -> Outage {
        self.outage.clone()
    }

    /// Decides what happens to a request that has just come.
    fn plan(&self, request: &Request) -> Plan {
        let mut plan = Plan::default();
        let mut rules = self.rules();
        rules.retain(|active| !active.is_removed());
        for active in rules.iter_mut() {
            let is_stream = matches!(active.rule.fault.what, What::Stream(..));
            if (is_stream && request.verb() != "watch") || !active.strikes(request) {
                continue;
            }
            let planned = Planned {
                fault: active.rule.fault.clone(),
                state: active.state.clone(),
            };
            if matches!(planned.fault.what, What::Delay(_)) {
                plan.delays.push(planned);
            } else {
                plan.fault = Some(planned);
                break;
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
