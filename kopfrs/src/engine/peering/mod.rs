//! Operators that get out of one another's way, by Kopf's peering objects: each enters itself with a
//! priority and gives signs of life, and whoever sees a higher one pauses. Those of one priority all
//! pause. Kopf's operators and ours respect each other.
//!
//! Peerings are found by the reactor, together with everything else that is served; where there are none,
//! nothing is asked for here.

mod member;
mod peer;
mod place;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, debug, info};

use self::member::Member;
pub(crate) use self::peer::Peer;
use self::peer::Verdict;
pub(crate) use self::place::{Place, is_peering};
use crate::api::Connection;
use crate::chance;
use crate::clock::Clock;
use crate::duty::{Duty, Hold};
use crate::resource::Resource;
use crate::settings::PeeringSettings;

/// How long the operator waits for its entries to be removed when it ends.
const LEAVE_BUDGET: Duration = Duration::from_secs(3);

/// How long others wait until it is known whether the operator may work.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the reactor tells what it has found, for an operator that takes part in peerings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peerings(Arc<Found>);

#[derive(Debug, Default)]
struct Found {
    grounds: watch::Sender<Option<Grounds>>,
    /// How many grounds have been looked at, and the operator been paused for if need be.
    judged: watch::Sender<u64>,
}

/// Where peers may meet.
#[derive(Clone, Debug, Default, PartialEq)]
struct Grounds {
    number: u64,
    resources: Vec<Arc<Resource>>,
    /// The namespaces that are served; `None` for all.
    namespaces: Option<Arc<BTreeSet<String>>>,
}

/// What members of peerings need of the operator.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(crate) connection: Connection,
    pub(crate) clock: Clock,
    pub(crate) duty: Duty,
    pub(crate) settings: PeeringSettings,
    pub(crate) identity: String,
    pub(crate) is_clusterwide: bool,
    pub(crate) server_timeout: Duration,
    pub(crate) inactivity_timeout: Duration,
}

/// An operator that takes part in peerings. Its entries stay when this is dropped, until their end.
#[derive(Debug)]
pub(crate) struct Peering {
    leave: oneshot::Sender<()>,
    task: AbortOnDropHandle<()>,
}

/// The peerings in which the operator is a member.
struct Memberships {
    company: Company,
    found: Peerings,
    members: HashMap<(String, Option<String>), (Place, AbortOnDropHandle<()>)>,
    /// There is no peering, though there has to be.
    missing: Option<Hold>,
    /// There are peerings, and somebody else speaks in them: they are looked at before the operator works.
    unseen: Option<Hold>,
}

impl Peerings {
    /// The reactor has found out what there is. Waits, a while at most, until the operator is paused if
    /// there is somebody who goes before it.
    pub(crate) async fn found(
        &self,
        resources: &[Resource],
        namespaces: Option<Arc<BTreeSet<String>>>,
    ) {
        let is_followed = self.0.grounds.receiver_count() > 0;
        if !is_followed {
            return;
        }
        let is_any =
            |resource: &&Resource| [true, false].iter().any(|is| is_peering(resource, *is));
        let resources = resources.iter().filter(is_any);
        let resources: Vec<_> = resources.cloned().map(Arc::new).collect();
        let mut number = 0;
        self.0.grounds.send_if_modified(|grounds| {
            let known = grounds.as_ref();
            number = known.map_or(1, |known| known.number);
            let is_same = known.is_some_and(|known| {
                known.resources == resources && known.namespaces == namespaces
            });
            if is_same {
                return false;
            }
            number = known.map_or(1, |known| known.number + 1);
            *grounds = Some(Grounds {
                number,
                resources: resources.clone(),
                namespaces,
            });
            true
        });
        let mut judged = self.0.judged.subscribe();
        let is_judged = judged.wait_for(|judged| *judged >= number);
        if timeout(PATIENCE, is_judged).await.is_err() {
            debug!("it is not known yet whether there are peers");
        }
    }
}

impl Company {
    fn verdict(&self, entries: &Map<String, Value>, now: Timestamp) -> Verdict {
        Verdict::of(entries, (&self.identity, self.settings.priority), now)
    }
}

impl Peering {
    /// Begins to take part, as soon as peerings are found. Where leadership is elected, only the leader
    /// takes part.
    pub(crate) fn begin(
        company: Company,
        found: Peerings,
        leads: Option<watch::Receiver<bool>>,
    ) -> Self {
        let grounds = found.0.grounds.subscribe();
        let missing = company.settings.mandatory.then(|| {
            let name = &company.settings.name;
            company.duty.hold(format!(
                "the peering {name:?} is mandatory, and was not found yet"
            ))
        });
        let memberships = Memberships {
            company,
            found,
            members: HashMap::new(),
            missing,
            unseen: None,
        };
        let (leave, left) = oneshot::channel();
        let task = tokio::spawn(memberships.run((grounds, leads), left).in_current_span());
        Self {
            leave,
            task: AbortOnDropHandle::new(task),
        }
    }

    /// Removes all own entries, within a short time.
    pub(crate) async fn leave(self) {
        // Whoever has ended already has nothing to remove.
        let _ = self.leave.send(());
        let _ = timeout(LEAVE_BUDGET, self.task).await;
    }
}

impl Memberships {
    async fn run(
        mut self,
        (mut grounds, mut leads): (
            watch::Receiver<Option<Grounds>>,
            Option<watch::Receiver<bool>>,
        ),
        mut left: oneshot::Receiver<()>,
    ) {
        loop {
            let is_leader = leads
                .as_mut()
                .is_none_or(|leads| *leads.borrow_and_update());
            let found = grounds.borrow_and_update().clone();
            let work = async {
                match found {
                    Some(found) if is_leader => self.take_part(found).await,
                    found => self.stand_by(&found.unwrap_or_default()),
                }
            };
            tokio::select! {
                biased;
                _ = &mut left => break,
                () = work => {}
            }
            tokio::select! {
                biased;
                _ = &mut left => break,
                Ok(()) = grounds.changed() => {}
                () = changed(leads.as_mut()) => {}
            }
        }
        self.leave().await;
    }

    /// Takes part in all peerings of these grounds, and in no others.
    async fn take_part(&mut self, grounds: Grounds) {
        let is_clusterwide = self.company.is_clusterwide;
        let resources = grounds.resources.iter();
        let resources: Vec<_> = resources
            .filter(|r| is_peering(r, is_clusterwide))
            .collect();
        let namespaces: Vec<Option<String>> = match &grounds.namespaces {
            _ if is_clusterwide => vec![None],
            Some(namespaces) => namespaces.iter().cloned().map(Some).collect(),
            None => Vec::new(),
        };
        let mut wanted = HashMap::new();
        for resource in &resources {
            for namespace in &namespaces {
                let place = Place {
                    resource: (*resource).clone(),
                    namespace: namespace.clone(),
                    name: self.company.settings.name.clone(),
                };
                wanted.insert((resource.to_string(), namespace.clone()), place);
            }
        }
        self.members.retain(|key, _| wanted.contains_key(key));
        let mut awaited = Vec::new();
        for (key, place) in wanted {
            let company = &self.company;
            self.members.entry(key).or_insert_with(|| {
                let (judged, is_judged) = watch::channel(false);
                awaited.push(is_judged);
                let member = Member::new(place.clone(), company.clone(), judged);
                let task = tokio::spawn(member.run().in_current_span());
                (place, AbortOnDropHandle::new(task))
            });
        }
        for mut is_judged in awaited {
            // It ends with its member.
            let _ = is_judged.wait_for(|is_judged| *is_judged).await;
        }
        if !self.members.is_empty() && self.missing.take().is_some() {
            info!(
                "the peering {:?} can be taken part in",
                self.company.settings.name
            );
        } else if self.members.is_empty() && self.company.settings.mandatory {
            let name = &self.company.settings.name;
            let duty = &self.company.duty;
            self.missing.get_or_insert_with(|| {
                duty.hold(format!(
                    "the peering {name:?} is mandatory, and its kind is not there"
                ))
            });
        }
        self.unseen = None;
        self.tell(grounds.number);
    }

    /// Another replica speaks for this one, and goes on with the same entries.
    fn stand_by(&mut self, grounds: &Grounds) {
        self.members.clear();
        if !grounds.resources.is_empty() {
            let duty = &self.company.duty;
            self.unseen
                .get_or_insert_with(|| duty.hold("peers are looked at by whoever holds the lease"));
        }
        self.tell(grounds.number);
    }

    fn tell(&self, number: u64) {
        self.found.0.judged.send_replace(number);
    }

    /// Nobody is to wait for the end of our entries.
    async fn leave(mut self) {
        let own = [self.company.identity.clone()];
        let members = std::mem::take(&mut self.members).into_values();
        let left = members.map(|(place, task)| {
            // Else it could enter itself again.
            drop(task);
            let (connection, own) = (&self.company.connection, &own);
            async move {
                if let Err(error) = place.remove(connection, own).await {
                    debug!("the own entry in {place} could not be removed: {error}");
                }
            }
        });
        futures::future::join_all(left).await;
    }
}

async fn changed(leads: Option<&mut watch::Receiver<bool>>) {
    match leads {
        Some(leads) => {
            if leads.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

/// Who an operator is among peers: the pod's name (`POD_ID`), or who runs it where since when; by hand
/// always the same, so that what was frozen can be resumed.
pub(crate) fn identity(is_by_hand: bool, now: Timestamp) -> String {
    if let Some(pod) = std::env::var("POD_ID").ok().filter(|pod| !pod.is_empty()) {
        return pod;
    }
    let mut user = ["USER", "LOGNAME", "USERNAME"].into_iter();
    let user = user.find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user = user.unwrap_or_else(|| "somebody".to_owned());
    let host = chance::host();
    if is_by_hand {
        return format!("{user}@{host}");
    }
    let since = now.strftime("%Y%m%d%H%M%S");
    format!("{user}@{host}/{since}/{}", chance::letters(3))
}
