//! Who else there is: other replicas, and peers. From the beginning on, the operator is paused unless it
//! is its turn.

use crate::api::{Connection, Fence, program};
use crate::duty::Duty;
use crate::engine::election::{Ballot, Election};
use crate::engine::peering::{self, Company, Peering, Peerings};
use crate::handler::Environment;
use crate::health::Health;
use crate::reactor::Scope;

/// See the module.
pub(super) struct Others {
    election: Option<Election>,
    peering: Option<Peering>,
}

impl Others {
    /// Begins to take notice of others, by connections outside of the fence.
    pub(super) fn begin(
        (aside, fence): (&Connection, Fence),
        scope: &Scope,
        environment: &Environment,
    ) -> Self {
        let election = elect((aside, fence), environment);
        let peering = take_part(aside, election.as_ref(), (scope, environment));
        Self { election, peering }
    }

    /// Nobody is to wait for this operator any more.
    pub(super) async fn end(self) {
        if let Some(peering) = self.peering {
            peering.leave().await;
        }
        if let Some(election) = self.election {
            election.release().await;
        }
    }
}

/// Stands for election, if there is to be one: from then on the operator is paused until it is won.
fn elect((aside, fence): (&Connection, Fence), environment: &Environment) -> Option<Election> {
    let election = environment.settings.get().leader_election.clone();
    let aspects = &environment.aspects;
    election.enabled.then(|| {
        let ballot = Ballot {
            connection: aside.reserved(election.renew_deadline / 2),
            clock: environment.clock,
            fence,
            duty: Duty::clone(&aspects.get_or_default()),
            health: Health::clone(&aspects.get_or_default()),
            program: program().to_owned(),
            namespace: aside.namespace().to_owned(),
        };
        Election::begin(ballot, election)
    })
}

/// Takes part in peerings as soon as they are found, unless it is not to. Of replicas, the one that
/// leads does so for all.
fn take_part(
    aside: &Connection,
    election: Option<&Election>,
    (scope, environment): (&Scope, &Environment),
) -> Option<Peering> {
    let settings = environment.settings.get();
    let (peering, watching) = (settings.peering.clone(), &settings.watching);
    let aspects = &environment.aspects;
    let clock = environment.clock;
    let of_process = || peering::identity(false, clock.now());
    (!peering.standalone).then(|| {
        let company = Company {
            connection: aside.reserved(settings.networking.request_timeout),
            clock,
            duty: Duty::clone(&aspects.get_or_default()),
            identity: election.map_or_else(of_process, |election| election.name().to_owned()),
            is_clusterwide: peering.clusterwide.unwrap_or(*scope == Scope::Cluster),
            settings: peering,
            server_timeout: watching.server_timeout,
            inactivity_timeout: watching.inactivity_timeout,
        };
        let found = Peerings::clone(&aspects.get_or_default());
        Peering::begin(company, found, election.map(Election::leads))
    })
}
