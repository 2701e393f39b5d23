//! One kind that is being served: its objects, and a watch for each namespace.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, info};

use super::context::Context;
use super::kind::Kind;
use super::queue::Queue;
use super::watch::Watch;
use crate::cause::DaemonStoppingReason;
use crate::resource::Resource;
use crate::storage::StatusSchema;

/// One kind that is being served.
pub(super) struct Served {
    pub(super) schema: StatusSchema,
    queue: Arc<Queue>,
    /// Its watches by namespace, `None` for all; they end with it. Each goes its own way: one that
    /// fails delays no other.
    streams: HashMap<Option<String>, AbortOnDropHandle<()>>,
    /// The term that they belong to.
    term: u64,
}

impl Served {
    /// Begins with a kind, without any watches yet.
    pub(super) fn new(context: Arc<Context>, kind: Kind, schema: StatusSchema) -> Self {
        Self {
            schema,
            queue: Queue::new(context, Arc::new(kind)),
            streams: HashMap::new(),
            term: 0,
        }
    }

    /// What is being served.
    pub(super) fn resource(&self) -> Arc<Resource> {
        self.queue.kind().resource.clone()
    }

    /// The kind has been discovered anew.
    pub(super) fn renew(&mut self, kind: Kind, schema: StatusSchema) {
        self.schema = schema;
        self.queue.set_kind(Arc::new(kind));
    }

    /// Says what is watched.
    pub(super) fn announce(&self) {
        let name = &self.queue.kind().resource;
        let mut namespaces: Vec<&str> = self.streams.keys().flatten().map(|n| &**n).collect();
        namespaces.sort_unstable();
        if self.streams.contains_key(&None) {
            info!("watching {name}");
        } else if namespaces.is_empty() {
            info!("watching {name} in no namespace yet, as none is there that matches");
        } else {
            info!("watching {name} in {}", namespaces.join(", "));
        }
    }

    /// Watches in these namespaces, everywhere if `None`, and in no others; nowhere while the operator
    /// is paused. Each watch that is begun holds a sender until it is ready.
    pub(super) async fn watch_in(
        &mut self,
        namespaces: Option<&BTreeSet<String>>,
        pending: &mpsc::Sender<()>,
    ) {
        let is_namespaced = self.queue.kind().resource.namespaced;
        let names = namespaces.filter(|_| is_namespaced);
        let is_wanted = |namespace: &Option<String>| match (namespace, names) {
            (Some(namespace), Some(names)) => names.contains(namespace),
            (namespace, names) => namespace.is_none() && names.is_none(),
        };
        let known = self.streams.keys().cloned();
        let gone: Vec<_> = known.filter(|namespace| !is_wanted(namespace)).collect();
        for namespace in gone {
            self.stop(namespace).await;
        }
        let term = self.queue.context.term();
        if self.term != term.number || term.has_ended() {
            self.halt().await;
            self.term = term.number;
        }
        if term.has_ended() {
            return;
        }
        let wanted: Vec<Option<String>> = match names {
            Some(names) => names.iter().cloned().map(Some).collect(),
            None => vec![None],
        };
        for namespace in wanted {
            let queue = &self.queue;
            self.streams
                .entry(namespace)
                .or_insert_with_key(|namespace| {
                    let pending = pending.clone();
                    let kind = queue.kind();
                    let unlisted = kind
                        .handlers
                        .is_empty()
                        .then(|| queue.context.related.listing());
                    let unindexed = queue.listing(namespace.as_deref());
                    let on_ready = move || drop((pending, unlisted, unindexed));
                    let watch = Watch::new(queue.clone(), namespace.clone(), on_ready);
                    let (context, term) = (queue.context.clone(), term.clone());
                    let watching = async move {
                        let watching = async {
                            if kind.has_relations() {
                                context.related.listed().await;
                            }
                            watch.run().await;
                        };
                        tokio::select! {
                            () = watching => {}
                            () = term.drain.cancelled() => {}
                        }
                    };
                    AbortOnDropHandle::new(tokio::spawn(watching.in_current_span()))
                });
        }
    }

    /// Ends a watch whose namespace is gone, and with it all objects.
    async fn stop(&mut self, namespace: Option<String>) {
        if let Some(stream) = self.streams.remove(&namespace) {
            ended(stream).await;
            self.queue.sweep(namespace.as_deref(), u64::MAX);
        }
    }

    /// Ends all watches; what is known stays.
    async fn halt(&mut self) {
        for (_, stream) in self.streams.drain() {
            ended(stream).await;
        }
    }

    /// Ends with everything: the kind is not served any more. What goes along with its objects is told why.
    pub(super) async fn end(mut self, reason: DaemonStoppingReason) {
        self.halt().await;
        self.queue.end(reason).await;
    }
}

async fn ended(stream: AbortOnDropHandle<()>) {
    stream.abort();
    // It was aborted: there is nothing else to learn from it.
    let _ = stream.await;
}
