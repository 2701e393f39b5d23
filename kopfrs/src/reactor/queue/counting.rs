//! How many objects of a kind there are, and what they are about, for whoever asks.

use std::time::Duration;

use super::{Queue, Standing};

/// The objects of one kind at a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueState {
    /// The kind.
    pub(crate) name: String,
    pub(crate) objects: usize,
    /// How many wait for their turn.
    pub(crate) waiting: usize,
    /// Whose turn it is.
    pub(crate) working: usize,
    /// How long those have had their turn, together and at most.
    pub(crate) unfinished: Duration,
    pub(crate) longest: Duration,
}

impl Queue {
    /// The objects as they are now.
    pub(crate) fn state(&self) -> QueueState {
        let objects = self.objects();
        let mut state = QueueState {
            name: self.kind().resource.to_string(),
            objects: objects.len(),
            ..QueueState::default()
        };
        for entry in objects.values() {
            match entry.standing {
                Standing::Ready(..) | Standing::Held(_) => state.waiting += 1,
                Standing::Working(since) => {
                    state.working += 1;
                    state.unfinished += since.elapsed();
                    state.longest = state.longest.max(since.elapsed());
                }
                Standing::Sleeping(_) | Standing::Resting => {}
            }
        }
        state
    }
}
