//! Which of several replicas works: the one that holds a Lease.
//!
//! The others stand by: they know all kinds, watch nothing, and look at the lease now and then. Whoever
//! loses it is paused, not ended: it stands by like the others from then on. A replica that cannot renew
//! the lease in time ends its work before anybody else may begin, whether it knows of the others or not.

mod candidate;
mod record;

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, warn};

use self::candidate::Candidate;
use crate::api::{Connection, Fence};
use crate::clock::Clock;
use crate::duty::Duty;
use crate::health::Health;
use crate::settings::LeaderElectionSettings;

/// How long the operator waits for its lease to be given back when it ends.
const RELEASE_BUDGET: Duration = Duration::from_secs(3);

/// A candidate at work. The lease is neither renewed nor given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Election {
    release: oneshot::Sender<()>,
    name: String,
    leads: watch::Receiver<bool>,
    task: AbortOnDropHandle<()>,
}

/// What an election needs of the operator.
#[derive(Clone, Debug)]
pub(crate) struct Ballot {
    /// With places and connections aside, outside of the fence.
    pub(crate) connection: Connection,
    pub(crate) clock: Clock,
    pub(crate) fence: Fence,
    pub(crate) duty: Duty,
    pub(crate) health: Health,
    /// What the operator is called, and the namespace of its credentials: unless the settings say so.
    pub(crate) program: String,
    pub(crate) namespace: String,
}

impl Election {
    /// Begins to stand for election; the operator is paused until it is won.
    pub(crate) fn begin(ballot: Ballot, settings: LeaderElectionSettings) -> Self {
        let candidate = Candidate::new(ballot, settings);
        let (release, released) = oneshot::channel();
        let name = candidate.lease();
        let leads = candidate.leads();
        let task = tokio::spawn(candidate.run(released).in_current_span());
        Self {
            release,
            name,
            leads,
            task: AbortOnDropHandle::new(task),
        }
    }

    /// The lease: `default/demo`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the lease is held.
    pub(crate) fn leads(&self) -> watch::Receiver<bool> {
        self.leads.clone()
    }

    /// Gives the lease back, if it is held, within a short time.
    pub(crate) async fn release(self) {
        // Whoever has ended already has nothing to give back.
        let _ = self.release.send(());
        if timeout(RELEASE_BUDGET, self.task).await.is_err() {
            warn!("the lease could not be given back in time; others wait for its end");
        }
    }
}
