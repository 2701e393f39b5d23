//! The newest state of an object, as daemons and timers see it.

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::object::Body;

/// The object as it is now, however long ago the function was called.
///
/// The arguments `body`, `spec` and so on are the object as it was when the attempt began; this handle
/// follows it. Cheap to clone.
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
#[derive(Clone, Debug)]
pub struct Live(watch::Receiver<Seen>);

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
    /// When its essence has changed last.
    pub(crate) changed: Instant,
}

/// Shows the newest state to all handles.
#[derive(Debug)]
pub(crate) struct Feed(watch::Sender<Seen>);

impl Feed {
    /// Begins with a state, which counts as a change.
    pub(crate) fn new(body: Body) -> Self {
        let changed = Instant::now();
        Self(watch::Sender::new(Seen { body, changed }))
    }

    /// Shows a newer state.
    pub(crate) fn show(&self, body: Body, is_change: bool) {
        self.0.send_modify(|seen| {
            seen.body = body;
            if is_change {
                seen.changed = Instant::now();
            }
        });
    }

    pub(crate) fn live(&self) -> Live {
        Live(self.0.subscribe())
    }
}

impl Live {
    /// A handle to an object that never changes, for unit tests of daemons.
    pub fn new(body: Body) -> Self {
        Feed::new(body).live()
    }

    /// The whole object as it is now.
    pub fn body(&self) -> Body {
        self.0.borrow().body.clone()
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

    /// Waits until the object is not as it is now. That may never be, so wait for
    /// [`until_set`](super::Stopped::until_set) as well.
    pub async fn changed(&self) {
        let version = self.body().resource_version().to_owned();
        self.wait_for(|seen| seen.body.resource_version() != version)
            .await;
    }

    /// Waits for the first state of which something holds.
    pub(crate) async fn wait_for(&self, holds: impl FnMut(&Seen) -> bool) {
        if self.0.clone().wait_for(holds).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// When the essence of the object has changed last.
    pub(crate) fn changed_at(&self) -> Instant {
        self.0.borrow().changed
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
    use serde_json::json;

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
