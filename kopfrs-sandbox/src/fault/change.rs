//! Lasting changes of a watch's stream: events that come twice, late, or without bookmarks.

use std::{collections::VecDeque, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::future::select_all;
use tokio::time::Instant;

use super::{
    StreamFault,
    handle::State,
    lines::{is_bookmark, is_end_of_initial},
    stream::Due,
};

/// Bytes that are held back at most. Beyond, the stream is not read on: its events wait where they are.
const ROOM: usize = 1024 * 1024;

/// What is changed in one stream, and what is held back of it.
#[derive(Debug, Default)]
pub(super) struct Changes {
    active: Vec<Change>,
    held: VecDeque<(Instant, Bytes)>,
    size: usize,
}

#[derive(Debug)]
struct Change {
    due: Due,
    /// The first event that it is for has come.
    has_struck: bool,
}

impl Change {
    fn strike(&mut self) {
        if !std::mem::replace(&mut self.has_struck, true) {
            self.due.state.hit();
        }
    }
}

/// What becomes of one line.
struct Fate {
    copies: usize,
    release: Instant,
}

impl Changes {
    pub(super) fn add(&mut self, due: Due) {
        self.active.push(Change {
            due,
            has_struck: false,
        });
    }

    /// Whether everything passes as it comes.
    pub(super) fn is_idle(&self) -> bool {
        self.active.is_empty() && self.held.is_empty()
    }

    /// Whether nothing is held back.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.size < ROOM
    }

    /// Takes one line, before which so many events have come.
    pub(super) fn push(&mut self, line: &Bytes, events: usize) {
        let fate = self.fate(line, events);
        for _ in 0..fate.copies {
            self.size += line.len();
            self.held.push_back((fate.release, line.clone()));
        }
    }

    fn fate(&mut self, line: &Bytes, events: usize) -> Fate {
        let now = Instant::now();
        let mut fate = Fate {
            copies: 1,
            // Nothing overtakes what came before.
            release: self.held.back().map_or(now, |(last, _)| now.max(*last)),
        };
        self.active.retain(|change| !change.due.state.is_over());
        let active = self.active.iter_mut();
        for change in active.filter(|change| change.due.after <= events) {
            match change.due.fault {
                StreamFault::Duplicate if !is_bookmark(line) => fate.copies *= 2,
                StreamFault::HoldBack(delay) => {
                    fate.release = fate.release.max(now + delay);
                }
                StreamFault::NoBookmarks if is_bookmark(line) && !is_end_of_initial(line) => {
                    fate.copies = 0;
                }
                _ => continue,
            }
            change.strike();
        }
        fate
    }

    /// What may go on now.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let now = Instant::now();
        let is_held = self.holds().next().is_some();
        let mut chunk = BytesMut::new();
        while let Some((release, _)) = self.held.front() {
            if is_held && *release > now {
                break;
            }
            let (_, line) = self.held.pop_front()?;
            self.size -= line.len();
            chunk.extend_from_slice(&line);
        }
        (!chunk.is_empty()).then(|| chunk.freeze())
    }

    /// The rules that hold something back.
    fn holds(&self) -> impl Iterator<Item = &Arc<State>> {
        let holding = self.active.iter().filter(|change| {
            matches!(change.due.fault, StreamFault::HoldBack(_)) && !change.due.state.is_over()
        });
        holding.map(|change| &change.due.state)
    }

    /// Waits until [`Changes::pop`] may have something.
    pub(super) async fn ready(&self) {
        let Some((release, _)) = self.held.front() else {
            return std::future::pending().await;
        };
        let over: Vec<_> = self.holds().map(|state| Box::pin(state.over())).collect();
        let any_over = async {
            if !over.is_empty() {
                select_all(over).await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(*release) => {}
            () = any_over => {}
        }
    }
}
