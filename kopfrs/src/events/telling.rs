//! Whose log is told as events: that of a handler, as long as it runs.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;

use crate::api::Common;
use crate::settings::PostingLevel;

tokio::task_local! {
    static TELLING: Telling;
}

/// What is logged by the handler that runs is told of its object.
#[derive(Clone, Debug)]
pub(crate) struct Telling(Arc<Told>);

#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) object: ObjectReference,
    pub(super) handler: String,
    pub(super) level: PostingLevel,
    pub(super) shared: Arc<Common>,
}

impl Telling {
    /// What is told of an object.
    pub(super) fn about(object: ObjectReference) -> Self {
        Self(Arc::new(Told {
            object,
            ..Told::default()
        }))
    }

    /// The same of one handler, from a level on, to whoever writes it.
    pub(crate) fn by(self, handler: &str, level: PostingLevel, shared: Arc<Common>) -> Self {
        Self(Arc::new(Told {
            object: self.0.object.clone(),
            handler: handler.to_owned(),
            level,
            shared,
        }))
    }

    /// That of the handler that runs, if it is wanted.
    #[cfg(any(feature = "cli", feature = "testing"))]
    pub(super) fn present() -> Option<Arc<Told>> {
        TELLING.try_with(|telling| telling.0.clone()).ok()
    }
}

/// Lets a handler run, telling what it logs if that is wanted.
pub(crate) async fn telling<F: Future>(wanted: Option<Telling>, handler: F) -> F::Output {
    match wanted {
        Some(telling) => TELLING.scope(telling, handler).await,
        None => handler.await,
    }
}

/// A part of a handler that runs in another thread: what it logs is told as well.
pub(crate) fn carried<T>(part: impl FnOnce() -> T + Send + 'static) -> impl FnOnce() -> T + Send {
    let telling = TELLING.try_with(Clone::clone).ok();
    move || match telling {
        Some(telling) => TELLING.sync_scope(telling, part),
        None => part(),
    }
}
