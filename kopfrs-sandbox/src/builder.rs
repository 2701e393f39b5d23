//! What is decided before a sandbox starts.

use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    Sandbox,
    cluster::{Cluster, Settings},
    persist::{self, PersistError},
};

/// Sets up a [`Sandbox`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
/// use kopfrs_sandbox::Sandbox;
///
/// let sandbox = Sandbox::builder()
///     .bookmark_interval(Duration::from_secs(5))
///     .history_window(100)
///     .build();
/// # drop(sandbox);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct SandboxBuilder {
    settings: Settings,
}

impl SandboxBuilder {
    /// How often watches that allow it get a bookmark: 60 seconds unless set.
    pub fn bookmark_interval(mut self, interval: Duration) -> Self {
        self.settings.bookmark_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// How many events of each resource are remembered: 16384 unless set. Watches from before get a 410.
    pub fn history_window(mut self, events: usize) -> Self {
        self.settings.history_window = events;
        self
    }

    /// How many requests the journal remembers: 65536 unless set.
    pub fn journal_capacity(mut self, requests: usize) -> Self {
        self.settings.journal_capacity = requests;
        self
    }

    /// Whether what users may do is decided by roles and bindings; unless set, everybody may do everything.
    ///
    /// [`Sandbox::client`] and the token of a [`Server`](crate::Server) are in `system:masters` and may do everything
    /// anyway.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs_sandbox::Sandbox;
    /// use kube::{Api, api::ListParams};
    ///
    /// let sandbox = Sandbox::builder().rbac(true).build();
    /// let token = sandbox.tokens().issue("alice", ["developers"]);
    /// let pods: Api<Pod> = Api::all(sandbox.client_with_token(&token));
    /// let refused = pods.list(&ListParams::default()).await;
    /// assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 403));
    /// # }
    /// ```
    pub fn rbac(mut self, enforced: bool) -> Self {
        self.settings.rbac = enforced;
        self
    }

    /// Whether Deployments, ReplicaSets and Jobs make Pods, as they do unless this is turned off.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let sandbox = kopfrs_sandbox::Sandbox::builder().workloads(false).build();
    /// # drop(sandbox);
    /// # }
    /// ```
    pub fn workloads(mut self, enabled: bool) -> Self {
        self.settings.workloads = enabled;
        self
    }

    /// Starts the sandbox.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime: its controllers are tasks.
    pub fn build(self) -> Sandbox {
        Sandbox::start(Arc::new(Cluster::new(self.settings)))
    }

    /// Starts the sandbox with the state of a file, and keeps its state there; without such a file it begins anew.
    ///
    /// Objects come back with their versions and go on counting from there; definitions are served at once; tokens, and
    /// the kubeconfig of a [`Server`](crate::Server), stay good, as it gets the same certificates and, if it is free, the
    /// same port. The [`Journal`](crate::Journal), [`Faults`](crate::fault::Faults) and the history of watches are not
    /// kept: a watch from before goes on if nothing has happened to its kind since, and is told to start over with a 410
    /// otherwise, as after the restart of a real server.
    ///
    /// The state is written as a whole, into a draft that then takes the place of the file: at once after a change, and
    /// then every 400 milliseconds while changes go on, which a large state may stretch. [`Sandbox::close`] and the end
    /// of the last handle write it a last time. After a sudden end, what was not written is lost, and every watch from
    /// before starts over, so that nobody takes the lost for known.
    ///
    /// The file holds tokens and keys: only its owner can read it. It is JSON, an object a line, and tells its format;
    /// it is no interface. As long as the sandbox lives, no other one can have it.
    ///
    /// # Errors
    ///
    /// When another sandbox has the file, when it is no state, or a damaged one, or cannot be written.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime: its controllers are tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use kopfrs_sandbox::Sandbox;
    ///
    /// # let file = std::env::temp_dir().join(format!("kopfrs-sandbox-doc-{}", std::process::id()));
    /// let sandbox = Sandbox::builder().persist(&file)?;
    /// sandbox.apply_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}").await?;
    /// sandbox.close().await?;
    ///
    /// let again = Sandbox::builder().persist(&file)?;
    /// let applied = again.apply_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}").await?;
    /// assert!(!applied[0].created);
    /// # again.close().await?;
    /// # std::fs::remove_file(&file)?;
    /// # std::fs::remove_file(file.with_extension("lock"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn persist(self, path: impl AsRef<Path>) -> Result<Sandbox, PersistError> {
        let (opened, cluster) = persist::open(path.as_ref(), self.settings)?;
        let cluster = Arc::new(cluster);
        let sandbox = Sandbox::start(cluster.clone());
        Ok(sandbox.keeping(opened.keep(cluster)?))
    }
}
