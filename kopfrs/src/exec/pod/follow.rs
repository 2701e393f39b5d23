//! All objects with certain labels, as they are: listed, then watched, and listed anew when a watch ends, however it does.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt as _};
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};
use tracing::debug;

/// After so many seconds the server ends a watch.
const ROUND: u32 = 120;

/// A watch that has neither told anything nor ended after this time is stuck.
const SILENCE: Duration = Duration::from_secs(150);

/// How long to wait before asking again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Objects that are followed.
pub(super) struct Follow<K> {
    api: Api<K>,
    labels: String,
    known: BTreeMap<String, K>,
    listings: usize,
    /// How often in a row the server could not be asked.
    failures: u32,
    position: Position<K>,
}

enum Position<K> {
    /// Nothing is known, or not any more.
    Unknown,
    /// Known as of a version.
    Listed(String),
    /// The lock is never taken: it tells that nobody else reads the stream.
    Watching(Mutex<BoxStream<'static, kube::Result<WatchEvent<K>>>>),
}

impl<K> Follow<K>
where
    K: kube::Resource + Clone + DeserializeOwned + fmt::Debug + Send + 'static,
{
    pub(super) fn new(api: Api<K>, labels: String) -> Self {
        Self {
            api,
            labels,
            known: BTreeMap::new(),
            listings: 0,
            failures: 0,
            position: Position::Unknown,
        }
    }

    /// The objects as they were when [`changed`](Follow::changed) has returned last.
    pub(super) fn objects(&self) -> impl Iterator<Item = &K> {
        self.known.values()
    }

    /// How often all of them were asked for: what was made before such a listing is in it.
    pub(super) fn listings(&self) -> usize {
        self.listings
    }

    /// Asks for all of them with the next change.
    pub(super) fn look_again(&mut self) {
        self.position = Position::Unknown;
    }

    /// Waits until there is news. May be dropped while it waits: nothing is lost by that.
    ///
    /// # Errors
    /// If the server refuses to tell; everything else is tried again.
    pub(super) async fn changed(&mut self) -> kube::Result<()> {
        loop {
            let error = match self.step().await {
                Ok(true) => {
                    self.failures = 0;
                    return Ok(());
                }
                Ok(false) => continue,
                Err(error) => error,
            };
            self.position = Position::Unknown;
            let is_refused = matches!(&error, kube::Error::Api(status) if matches!(status.code, 400 | 401 | 403 | 404 | 422));
            if is_refused {
                return Err(error);
            }
            self.failures = self.failures.saturating_add(1);
            // What a watch has missed is in the listing. Only a server that keeps failing is given time.
            if self.failures > 1 {
                let pause = PAUSES
                    .0
                    .saturating_mul(1 << self.failures.min(6))
                    .min(PAUSES.1);
                debug!(
                    "{} is listed anew in {pause:?}: {error}",
                    self.api.resource_url()
                );
                sleep(pause).await;
            }
        }
    }

    /// Goes on by one step; true if there is news.
    async fn step(&mut self) -> kube::Result<bool> {
        match &mut self.position {
            Position::Unknown => {
                let list = self
                    .api
                    .list(&ListParams::default().labels(&self.labels))
                    .await?;
                self.position =
                    Position::Listed(list.metadata.resource_version.unwrap_or_default());
                self.known = list
                    .items
                    .into_iter()
                    .map(|object| (name(&object), object))
                    .collect();
                self.listings += 1;
                Ok(true)
            }
            Position::Listed(version) => {
                let params = WatchParams::default().labels(&self.labels).timeout(ROUND);
                let stream = self.api.watch(&params, version).await?;
                self.position = Position::Watching(Mutex::new(stream.boxed()));
                Ok(false)
            }
            Position::Watching(stream) => {
                let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                let event = timeout(SILENCE, stream.next()).await;
                let Ok(Some(event)) = event else {
                    self.position = Position::Unknown;
                    return Ok(false);
                };
                match event? {
                    WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                        self.known.insert(name(&object), object);
                    }
                    WatchEvent::Deleted(object) => {
                        self.known.remove(&name(&object));
                    }
                    WatchEvent::Bookmark(_) => return Ok(false),
                    // The version is too old, most likely; a listing tells what has happened since.
                    WatchEvent::Error(_) => {
                        self.position = Position::Unknown;
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}

fn name<K: kube::Resource>(object: &K) -> String {
    object.meta().name.clone().unwrap_or_default()
}
