//! Keeping a sandbox's state in a file, over restarts.
//!
//! A task writes the state soon after it has changed, and the end writes it a last time. What is kept is everything
//! that clients can rely on: objects with their versions, the tokens, and how the sandbox was served, so that
//! kubeconfigs stay good. The journal, faults and the history of watches are not kept. Called by `sandbox` and `serve`;
//! what a state consists of is known by `storage`, `auth` and `registry`.

mod error;
mod file;
mod format;
mod state;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, task::JoinHandle};

pub use self::error::PersistError;
use self::{
    file::StateFile,
    state::{Ending, SavedServer, State},
};
use crate::{
    cluster::{Cluster, Settings},
    serve::{Credentials, ServeError},
};

/// The pause between two writings: changes that come in between are written together.
const RHYTHM: Duration = Duration::from_millis(400);
/// The pause after a writing that failed.
const AGAIN: Duration = Duration::from_secs(5);

/// A state that was read, not yet kept any further.
pub(crate) struct Opened {
    file: StateFile,
    server: Option<SavedServer>,
}

/// A state that is kept. Dropping it writes it a last time.
pub(crate) struct Kept {
    keeper: Arc<Keeper>,
    rhythm: JoinHandle<()>,
}

struct Keeper {
    cluster: Arc<Cluster>,
    path: PathBuf,
    /// `None` once closed.
    file: Mutex<Option<StateFile>>,
    server: Mutex<Option<SavedServer>>,
    changed: Notify,
}

/// Takes hold of a file and reads the state in it, if there is one.
pub(crate) fn open(path: &Path, settings: Settings) -> Result<(Opened, Cluster), PersistError> {
    let file = StateFile::claim(path)?;
    let (cluster, server) = match file.read()? {
        Some(state) => state.restore(settings),
        None => (Cluster::new(settings), None),
    };
    Ok((Opened { file, server }, cluster))
}

impl Opened {
    /// Begins to keep the state: from now on the file says that it is in use.
    pub(crate) fn keep(self, cluster: Arc<Cluster>) -> Result<Kept, PersistError> {
        let keeper = Arc::new(Keeper {
            cluster,
            path: self.file.path().to_owned(),
            file: Mutex::new(Some(self.file)),
            server: Mutex::new(self.server),
            changed: Notify::new(),
        });
        keeper.write()?;
        let rhythm = tokio::spawn(keep(keeper.clone()));
        Ok(Kept { keeper, rhythm })
    }
}

/// Writes what has changed, again and again.
async fn keep(keeper: Arc<Keeper>) {
    loop {
        tokio::select! {
            () = keeper.cluster.store.changed().notified() => {}
            () = keeper.cluster.tokens.changed().notified() => {}
            () = keeper.changed.notified() => {}
        }
        match keeper.clone().write_aside().await {
            Ok(()) => tokio::time::sleep(RHYTHM).await,
            Err(PersistError::Closed { .. }) => return,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "failed to keep the state; trying again");
                keeper.changed.notify_one();
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

impl Kept {
    /// How the sandbox is recognised and entered, the same as before.
    pub(crate) fn credentials(&self) -> Result<Credentials, ServeError> {
        let tokens = &self.keeper.cluster.tokens;
        let mut server = self.keeper.server();
        if let Some(server) = &mut *server {
            server.credentials.renew(tokens);
            return Ok(server.credentials.clone());
        }
        let credentials = Credentials::issue(tokens)?;
        *server = Some(SavedServer {
            port: None,
            credentials: credentials.clone(),
        });
        Ok(credentials)
    }

    /// The port that kubeconfigs name.
    pub(crate) fn port(&self) -> Option<u16> {
        self.keeper.server().as_ref().and_then(|server| server.port)
    }

    pub(crate) fn served_on(&self, port: u16) {
        if let Some(server) = &mut *self.keeper.server() {
            server.port = Some(port);
        }
        self.keeper.changed.notify_one();
    }

    pub(crate) async fn save(&self) -> Result<(), PersistError> {
        self.keeper.clone().write_aside().await
    }

    /// Writes the state a last time, and lets the file go.
    pub(crate) async fn close(&self) -> Result<(), PersistError> {
        self.rhythm.abort();
        let keeper = self.keeper.clone();
        aside(move || keeper.close()).await
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.rhythm.abort();
        // Nobody could wait: it takes as long as it takes.
        if let Err(error) = self.keeper.close() {
            tracing::error!(%error, "failed to keep the last state");
        }
    }
}

impl Keeper {
    fn server(&self) -> MutexGuard<'_, Option<SavedServer>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file; also what lets only one write at a time.
    fn file(&self) -> MutexGuard<'_, Option<StateFile>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, ending: Ending) -> State {
        let server = self.server().clone();
        State::of(&self.cluster, server, ending)
    }

    async fn write_aside(self: Arc<Self>) -> Result<(), PersistError> {
        aside(move || self.write()).await
    }

    fn write(&self) -> Result<(), PersistError> {
        match &*self.file() {
            Some(file) => file.write(self.state(Ending::Open)),
            None => Err(PersistError::Closed {
                path: self.path.clone(),
            }),
        }
    }

    /// A second time does nothing.
    fn close(&self) -> Result<(), PersistError> {
        let mut file = self.file();
        let Some(open) = &*file else {
            return Ok(());
        };
        open.write(self.state(Ending::Complete))?;
        *file = None;
        Ok(())
    }
}

/// Does what blocks where it may.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        // The runtime is going down: so is whoever waits.
        Err(_) => std::future::pending().await,
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("path", &self.keeper.path)
            .finish_non_exhaustive()
    }
}
