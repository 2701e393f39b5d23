//! What tests are told of the objects of a kind.

use super::{Queue, Standing};
use crate::reactor::overview::Known;

impl Queue {
    /// What is known of each object, for whoever looks on.
    pub(in crate::reactor) fn known(&self) -> Vec<Known> {
        let objects = self.objects();
        let known = objects.iter().map(|(uid, entry)| {
            let state = match entry.standing {
                Standing::Resting => None,
                Standing::Sleeping(_)
                    if entry.memory.is_at_rest() && entry.memory.unindexed.is_none() =>
                {
                    None
                }
                Standing::Held(_) => Some("waits for all indices to be complete".to_owned()),
                Standing::Ready(..) => Some("waits for its turn".to_owned()),
                Standing::Sleeping(due) => Some(format!("waits for {:?}", due.remaining())),
                Standing::Working(_) => Some("is being handled".to_owned()),
            };
            Known {
                uid: uid.clone(),
                key: entry.key.clone(),
                version: entry.version.max(entry.memory.written),
                state,
            }
        });
        let related = self.bonds.known().into_iter();
        let related = related.filter(|(uid, ..)| !objects.contains_key(uid));
        let related = related.map(|(uid, key, version)| Known {
            uid,
            key,
            version,
            state: None,
        });
        known.chain(related).collect()
    }
}
