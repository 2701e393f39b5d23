//! How many connections there are.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Connections {
    open: AtomicUsize,
    accepted: AtomicU64,
}

impl Connections {
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Acquire)
    }
}

/// Counts as an open connection until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    connections: Arc<Connections>,
    news: Arc<Notify>,
}

impl OpenConnection {
    pub(super) fn new(connections: Arc<Connections>, news: Arc<Notify>) -> Self {
        connections.open.fetch_add(1, Ordering::AcqRel);
        connections.accepted.fetch_add(1, Ordering::AcqRel);
        news.notify_waiters();
        Self { connections, news }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.open.fetch_sub(1, Ordering::AcqRel);
        self.news.notify_waiters();
    }
}
