//! The newest state of an object, as daemons and timers see it.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::object::Body;

/// The object as it is now, however long ago the function was called.
///
/// The arguments `body`, `spec` and so on are the object as it was when the attempt began; this handle
/// follows it. It remembers which state it has shown last, so that [`changed`](Self::changed) misses none that has
/// come since. Cheap to clone; each clone remembers for itself.
///
/// # Examples
/// ```
/// use kopfrs::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Spec { ready: bool }
///
/// #[on::daemon("things")]
/// async fn until_ready(live: Live, stopped: Stopped) -> Result<()> {
///     while !stopped.is_set() && !live.spec::<Spec>()?.ready {
///         tokio::select! {
///             () = live.changed() => {}
///             () = stopped.until_set() => {}
///         }
///     }
///     Ok(())
/// }
/// # let live = Live::new(Body::new(json!({"spec": {"ready": true}})));
/// # let run = until_ready(live, Stopper::new().stopped());
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run).unwrap();
/// ```
#[derive(Debug)]
pub struct Live {
    seen: watch::Receiver<Seen>,
    /// The number of the state that was shown last.
    shown: AtomicU64,
}

/// An object does not fit the type that it was asked for as.
#[derive(Debug, thiserror::Error)]
#[error("{object}: {place}: {source}")]
pub struct LiveError {
    object: String,
    place: String,
    source: serde_json::Error,
}

/// An object as it was seen last.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) body: Body,
    /// How many states there were before.
    number: u64,
    /// When its essence has changed last.
    pub(crate) changed: Instant,
}

/// Shows the newest state to all handles.
#[derive(Debug)]
pub(crate) struct Feed(watch::Sender<Seen>);

impl Feed {
    /// Begins with a state, which counts as a change.
    pub(crate) fn new(body: Body) -> Self {
        let seen = Seen {
            body,
            number: 0,
            changed: Instant::now(),
        };
        Self(watch::Sender::new(seen))
    }

    /// Shows a newer state.
    pub(crate) fn show(&self, body: Body, is_change: bool) {
        self.0.send_modify(|seen| {
            if seen.body.resource_version() != body.resource_version() {
                seen.number += 1;
            }
            seen.body = body;
            if is_change {
                seen.changed = Instant::now();
            }
        });
    }

    /// The essence has changed, in a state before the one that is shown already.
    pub(crate) fn touch(&self) {
        self.0.send_modify(|seen| seen.changed = Instant::now());
    }

    /// A handle that has shown what there is now.
    pub(crate) fn live(&self) -> Live {
        let seen = self.0.subscribe();
        let shown = seen.borrow().number.into();
        Live { seen, shown }
    }
}

impl Clone for Live {
    fn clone(&self) -> Self {
        Self {
            seen: self.seen.clone(),
            shown: self.shown.load(Ordering::Relaxed).into(),
        }
    }
}

impl Live {
    /// A handle to an object that never changes, for unit tests of daemons.
    pub fn new(body: Body) -> Self {
        Feed::new(body).live()
    }

    /// The whole object as it is now.
    pub fn body(&self) -> Body {
        let seen = self.seen.borrow();
        self.shown.fetch_max(seen.number, Ordering::Relaxed);
        seen.body.clone()
    }

    /// The spec as it is now.
    ///
    /// # Errors
    /// If it does not fit the type.
    pub fn spec<T: DeserializeOwned>(&self) -> Result<T, LiveError> {
        let body = self.body();
        read(&body, body.spec(), "spec")
    }

    /// The status as it is now; null where there is none, so that an `Option` is `None`.
    ///
    /// # Errors
    /// If it does not fit the type.
    pub fn status<T: DeserializeOwned>(&self) -> Result<T, LiveError> {
        let body = self.body();
        read(&body, body.status(), "status")
    }

    /// The object as it is now, in its type.
    ///
    /// # Errors
    /// If it does not fit the type.
    pub fn object<K: DeserializeOwned>(&self) -> Result<K, LiveError> {
        let body = self.body();
        read(&body, body.as_value(), "")
    }

    /// Waits until the object is not as this handle has shown or told of it last, at first as it was when the attempt
    /// began: at once if it has changed since. That may never be, so wait for
    /// [`until_set`](super::Stopped::until_set) as well.
    pub async fn changed(&self) {
        let shown = self.shown.load(Ordering::Relaxed);
        let number = self.wait_for(|seen| seen.number > shown).await;
        self.shown.fetch_max(number, Ordering::Relaxed);
    }

    /// Waits for the first state of which something holds; gives its number.
    async fn wait_for(&self, holds: impl FnMut(&Seen) -> bool) -> u64 {
        let mut seen = self.seen.clone();
        let number = seen.wait_for(holds).await.ok().map(|seen| seen.number);
        match number {
            Some(number) => number,
            // Whoever could show another one is gone.
            None => std::future::pending().await,
        }
    }

    /// Waits until the essence of the object has changed after that time.
    pub(crate) async fn changed_after(&self, since: Instant) {
        self.wait_for(|seen| seen.changed > since).await;
    }

    /// When the essence of the object has changed last.
    pub(crate) fn changed_at(&self) -> Instant {
        self.seen.borrow().changed
    }
}

fn read<T: DeserializeOwned>(body: &Body, value: &Value, section: &str) -> Result<T, LiveError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let place = match (section, &*inner) {
            ("", inner) => inner.to_owned(),
            (section, ".") => section.to_owned(),
            (section, inner) => format!("{section}.{inner}"),
        };
        LiveError {
            object: format!("{} {}", body.kind(), body.key()),
            place,
            source: error.into_inner(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::timeout;

    use super::*;

    fn body(version: &str, size: &Value) -> Body {
        let metadata = json!({"name": "x", "resourceVersion": version});
        Body::new(json!({"kind": "Demo", "metadata": metadata, "spec": {"size": size}}))
    }

    #[tokio::test(start_paused = true)]
    async fn handles_follow_the_object_and_wake_when_it_changes() {
        let feed = Feed::new(body("1", &json!(1)));
        let live = feed.live();
        let waiting = tokio::spawn({
            let live = live.clone();
            async move { live.changed().await }
        });
        tokio::task::yield_now().await;
        feed.show(body("2", &json!(2)), false);
        waiting.await.unwrap();
        assert_eq!(live.spec::<Value>().unwrap()["size"], 2);
        assert!(live.status::<Option<Value>>().unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_change_is_missed_between_a_look_and_the_wait_and_none_is_told_twice() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        let feed = Feed::new(body("1", &json!(1)));
        let live = feed.live();
        feed.show(body("2", &json!(2)), true);
        timeout(second, live.changed()).await.unwrap();
        timeout(minute, live.changed()).await.unwrap_err();
        feed.show(body("3", &json!(3)), true);
        let other = live.clone();
        assert_eq!(live.body().resource_version(), "3");
        timeout(minute, live.changed()).await.unwrap_err();
        timeout(second, other.changed()).await.unwrap();
        // Neither the same state again nor a change before it is news.
        feed.show(body("3", &json!(3)), true);
        feed.touch();
        timeout(minute, live.changed()).await.unwrap_err();
        assert_eq!(live.changed_at().elapsed(), minute);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        #[derive(Debug, serde::Deserialize)]
        struct Spec {
            #[expect(dead_code, reason = "it does not fit")]
            size: u8,
        }
        let live = Live::new(body("1", &json!("big")));
        let error = live.spec::<Spec>().unwrap_err().to_string();
        assert!(
            error.starts_with("Demo x: spec.size: invalid type"),
            "{error}"
        );
    }
}
