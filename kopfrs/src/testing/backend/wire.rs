//! Clusters that are reached over a wire. Each is started once in a process, by the first test that needs it, and serves
//! all others; its tasks have a runtime of their own, as those of tests come and go.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kopfrs_sandbox::Sandbox;
use kube::Config;
use kube::config::AuthInfo;
use tokio::runtime::Runtime;

use super::keeper::Keeper;
use super::sandbox::Serving;
use super::{Backend, envtest, existing, sandbox};

/// A cluster that is reached over a wire.
#[derive(Debug)]
pub(crate) struct Wire {
    backend: Backend,
    started: Started,
}

/// A cluster that is up.
pub(super) struct Started {
    pub(super) kubeconfig: PathBuf,
    /// For a user with all rights.
    pub(super) config: Config,
    pub(super) held: Held,
}

/// What keeps a cluster running.
pub(super) enum Held {
    /// It is somebody else's.
    Nothing,
    /// Programs that end when we do.
    Programs(#[expect(dead_code, reason = "held until the process ends")] Keeper),
    /// A server inside of this process.
    Sandbox(Box<Serving>),
}

type Slot = OnceLock<Result<Wire, String>>;

static SANDBOX: Slot = OnceLock::new();
static ENVTEST: Slot = OnceLock::new();
static EXISTING: Slot = OnceLock::new();

impl Wire {
    /// The cluster of a backend. Whoever asks first starts it, and one attempt is made at that. Not to be called on a
    /// runtime.
    ///
    /// # Panics
    /// If there is none: tests cannot go on.
    pub(crate) fn get(backend: Backend) -> &'static Self {
        let slot = match backend {
            Backend::Envtest => &ENVTEST,
            Backend::Existing => &EXISTING,
            Backend::Sandbox | Backend::InProcess => &SANDBOX,
        };
        match slot.get_or_init(|| Self::start(backend)) {
            Ok(wire) => wire,
            Err(failure) => panic!("there is no cluster to run tests on ({backend}): {failure}"),
        }
    }

    fn start(backend: Backend) -> Result<Self, String> {
        let started = runtime().block_on(async {
            match backend {
                Backend::Envtest => envtest::start().await,
                Backend::Existing => existing::start().await,
                Backend::Sandbox | Backend::InProcess => sandbox::start().await,
            }
        });
        let started = started.map_err(|failure| failure.to_string())?;
        Ok(Self { backend, started })
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// The kubeconfig of a user with all rights.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.started.kubeconfig
    }

    /// How to connect with all rights, or with a token instead of them.
    pub(crate) fn config(&self, token: Option<&str>) -> Config {
        let mut config = self.started.config.clone();
        if let Some(token) = token {
            config.auth_info = AuthInfo {
                token: Some(token.to_owned().into()),
                ..AuthInfo::default()
            };
        }
        config
    }

    pub(super) fn sandbox(&self) -> Option<&Sandbox> {
        match &self.started.held {
            Held::Sandbox(serving) => Some(&serving.sandbox),
            Held::Nothing | Held::Programs(_) => None,
        }
    }
}

/// Where clusters live.
pub(super) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("cluster")
            .enable_all()
            .build()
            .expect("threads can be started")
    })
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Started")
            .field("kubeconfig", &self.kubeconfig)
            .finish_non_exhaustive()
    }
}
