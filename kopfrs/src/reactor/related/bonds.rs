//! The objects of one related kind that are known, and whom each of them wakes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use super::{Related, Whom};
use crate::cause::{ChangingCause, EventType};
use crate::handler::{Bond, Handler};
use crate::object::{Body, ObjectKey};
use crate::reactor::inbox::is_older;
use crate::reactor::kind::Kind;
use crate::reactor::queue::{Arrival, Listing};
use crate::reactor::snapshot::Version;

/// The objects of one related kind that are known.
#[derive(Debug, Default)]
pub(crate) struct Bonds(Mutex<HashMap<Arc<str>, Bound>>);

/// Whom an object wakes, and for which handler.
type Wake = (Arc<Handler<ChangingCause>>, Whom);

#[derive(Debug)]
struct Bound {
    key: ObjectKey,
    version: Option<Version>,
    /// The listing that has seen the object last.
    listing: u64,
    wakes: Vec<Wake>,
}

impl Bonds {
    fn objects(&self) -> MutexGuard<'_, HashMap<Arc<str>, Bound>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has come: whoever was bound to the object before or is now is woken.
    pub(crate) fn tell(&self, related: &Related, kind: &Kind, arrival: &Arrival, listing: Listing) {
        if kind.interests.is_empty() || self.is_known(arrival, listing) {
            return;
        }
        let Some(body) = body(kind, &arrival.text) else {
            return;
        };
        let mut now: Vec<Wake> = Vec::new();
        for interest in &kind.interests {
            let whom = Related::bound(&kind.resource, interest, &body);
            now.extend(
                whom.into_iter()
                    .map(|whom| (interest.handler.clone(), whom)),
            );
        }
        let before = if arrival.event_type == EventType::Deleted {
            self.objects().remove(&arrival.uid)
        } else {
            let bound = Bound {
                key: arrival.key.clone(),
                version: arrival.version,
                listing: listing.number,
                wakes: now.clone(),
            };
            self.objects().insert(arrival.uid.clone(), bound)
        };
        let before = before.map(|bound| bound.wakes).unwrap_or_default();
        wake(related, kind, &arrival.key, before.into_iter().chain(now));
    }

    /// Whether an object was seen as it is, or as it has become since.
    fn is_known(&self, arrival: &Arrival, listing: Listing) -> bool {
        let mut objects = self.objects();
        let Some(bound) = objects.get_mut(&arrival.uid) else {
            return false;
        };
        let is_overtaken =
            bound.listing == listing.number && is_older(arrival.version, bound.version);
        bound.listing = listing.number;
        let is_same = arrival.version.is_some() && arrival.version == bound.version;
        arrival.event_type != EventType::Deleted && (is_overtaken || is_same)
    }

    /// The objects of a namespace that a complete listing has not shown are gone.
    pub(crate) fn sweep(
        &self,
        related: &Related,
        kind: &Kind,
        (namespace, listing): (Option<&str>, u64),
    ) {
        let is_gone = |bound: &Bound| {
            bound.listing < listing && namespace.is_none_or(|n| bound.key.namespace() == Some(n))
        };
        let gone: Vec<Bound> = {
            let mut objects = self.objects();
            let gone = objects.extract_if(|_, bound| is_gone(bound));
            gone.map(|(_, bound)| bound).collect()
        };
        for bound in gone {
            wake(related, kind, &bound.key, bound.wakes.into_iter());
        }
    }

    /// Uid, name and version of each object, for whoever looks on.
    #[cfg(feature = "testing")]
    pub(crate) fn known(&self) -> Vec<(Arc<str>, ObjectKey, Option<Version>)> {
        let objects = self.objects();
        let known = objects.iter();
        known
            .map(|(uid, bound)| (uid.clone(), bound.key.clone(), bound.version))
            .collect()
    }
}

/// Wakes everybody once, and those who have named the object.
fn wake(related: &Related, kind: &Kind, key: &ObjectKey, wakes: impl Iterator<Item = Wake>) {
    let mut woken: Vec<Wake> = Vec::new();
    let is_named = |bond: &Bond| matches!(bond, Bond::Named(_));
    let naming = kind.interests.iter().filter(|i| is_named(&i.relation.bond));
    let naming = naming.flat_map(|interest| {
        let whom = related.naming(interest, key).into_iter();
        whom.map(|whom| (interest.handler.clone(), whom))
    });
    for (handler, whom) in wakes.chain(naming) {
        let is_woken = |(by, other): &Wake| Arc::ptr_eq(by, &handler) && *other == whom;
        if !woken.iter().any(is_woken) {
            related.wake_for(&handler, &whom);
            woken.push((handler, whom));
        }
    }
}

fn body(kind: &Kind, text: &str) -> Option<Body> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(mut object) => {
            if let Some(map) = object.as_object_mut() {
                // Items of lists do not say what they are.
                map.entry("apiVersion")
                    .or_insert_with(|| kind.resource.api_version().into());
                map.entry("kind")
                    .or_insert_with(|| kind.resource.kind.clone().into());
            }
            Some(Body::new(object))
        }
        Err(error) => {
            warn!(
                "an object of {} cannot be read and wakes nobody: {error}",
                kind.resource
            );
            None
        }
    }
}
