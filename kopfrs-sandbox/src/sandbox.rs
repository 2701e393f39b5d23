//! The handle users hold.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use http::{HeaderValue, header};
use tokio::task::JoinSet;

use crate::{
    apply::{self, Applied, ApplyError},
    auth::Tokens,
    builder::SandboxBuilder,
    cluster::Cluster,
    controllers, defaults,
    fault::{Faults, History},
    http::{auth::Strangers, router::Router},
    journal::Journal,
    load::{self, LoadError},
    persist::{Kept, PersistError},
    rbac,
    serve::{Front, ServeError, Server},
};

/// An embedded Kubernetes API server. Cheap to clone: all clones are the same cluster.
///
/// It starts with the namespaces a cluster has (`default`, `kube-system`, `kube-public`, `kube-node-lease`) and nothing
/// else. There are no nodes: Deployments, ReplicaSets and Jobs make Pods, and those stay Pending until somebody writes
/// their status.
///
/// The sandbox lives as long as any clone of it, client of it or server of it. All its time is tokio's: under
/// `tokio::time::pause` it needs no real time at all when reached through [`Sandbox::client`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kube::{Api, ResourceExt, api::PostParams};
/// use kopfrs_sandbox::Sandbox;
///
/// let sandbox = Sandbox::new();
/// let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
/// let mut map = ConfigMap::default();
/// map.metadata.name = Some("settings".to_owned());
/// maps.create(&PostParams::default(), &map).await?;
/// assert_eq!(maps.get("settings").await?.name_any(), "settings");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Sandbox {
    cluster: Arc<Cluster>,
    journal: Journal,
    faults: Faults,
    // Aborted when the last handle goes.
    _controllers: Arc<JoinSet<()>>,
    // Goes after the controllers: what they did last is kept.
    kept: Option<Arc<Kept>>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// Starts a sandbox with the usual settings.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime: its controllers are tasks.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Settings first.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Starts what happens by itself.
    pub(crate) fn start(cluster: Arc<Cluster>) -> Self {
        let controllers = Arc::new(controllers::start(&cluster));
        defaults::create(&cluster);
        if cluster.settings.rbac {
            rbac::create_defaults(&cluster);
        }
        let history = {
            let cluster = cluster.clone();
            History::new(move || cluster.store.revision())
        };
        Self {
            journal: Journal::new(cluster.settings.journal_capacity),
            cluster,
            faults: Faults::with_history(history),
            _controllers: controllers,
            kept: None,
        }
    }

    /// The same, its state kept.
    pub(crate) fn keeping(self, kept: Kept) -> Self {
        Self {
            kept: Some(Arc::new(kept)),
            ..self
        }
    }

    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.kept.as_deref()
    }

    pub(crate) fn front(&self) -> Front {
        Front {
            journal: self.journal.clone(),
            faults: self.faults.clone(),
            tokens: self.cluster.tokens.clone(),
            clock: self.cluster.clock.clone(),
        }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new(self.cluster.clone())
    }

    /// A client that reaches the sandbox in-process: no sockets, no threads. It may do everything.
    pub fn client(&self) -> kube::Client {
        self.client_showing(None)
    }

    /// A client that reaches the sandbox in-process with one of its [`Tokens`].
    pub fn client_with_token(&self, token: &str) -> kube::Client {
        self.client_showing(HeaderValue::from_str(&format!("Bearer {token}")).ok())
    }

    fn client_showing(&self, authorization: Option<HeaderValue>) -> kube::Client {
        let sandbox = self.clone();
        let stack = self.front().stack(self.router(), Strangers::Trusted);
        let service = tower::ServiceBuilder::new()
            .map_request(move |mut request: http::Request<kube::client::Body>| {
                // The client keeps the sandbox alive.
                let _ = &sandbox;
                if let Some(value) = &authorization {
                    let headers = request.headers_mut();
                    headers.insert(header::AUTHORIZATION, value.clone());
                }
                request
            })
            .service(stack);
        kube::Client::new(service, "default")
    }

    /// Another way into the same cluster, with a journal and faults of its own: its clients and servers meet nothing of
    /// what is made to go wrong here, nor the other way round.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sandbox = kopfrs_sandbox::Sandbox::new();
    /// let door = sandbox.door();
    /// door.faults().take_down();
    /// assert!(door.client().apiserver_version().await.is_err());
    /// assert!(sandbox.client().apiserver_version().await.is_ok());
    /// assert_eq!(door.journal().requests().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn door(&self) -> Self {
        Self {
            journal: Journal::new(self.cluster.settings.journal_capacity),
            faults: Faults::default(),
            ..self.clone()
        }
    }

    /// What the sandbox makes go wrong.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Says which address stands for a service that webhooks are to be reached by (`clientConfig.service`).
    ///
    /// No Pods run in a sandbox, so a service leads nowhere by itself. The certificate is checked as in a cluster: it has
    /// to be for `SERVICE.NAMESPACE.svc`. A service of the type `ExternalName` needs no route.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::net::SocketAddr;
    ///
    /// let sandbox = kopfrs_sandbox::Sandbox::new();
    /// sandbox.route_service("shop", "admission", SocketAddr::from(([127, 0, 0, 1], 9443)));
    /// # }
    /// ```
    pub fn route_service(&self, namespace: &str, service: &str, address: SocketAddr) {
        self.cluster.routes.set(namespace, service, address);
    }

    /// The bearer tokens that the sandbox accepts.
    pub fn tokens(&self) -> Tokens {
        self.cluster.tokens.clone()
    }

    /// Creates or updates the objects of a YAML text with any number of documents, and waits until the definitions in
    /// it are established, so that their objects may follow in the same text.
    ///
    /// # Errors
    ///
    /// When the text is no YAML, an object lacks `apiVersion`, `kind` or a name, its kind is not served, or the API
    /// refuses it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sandbox = kopfrs_sandbox::Sandbox::new();
    /// let applied = sandbox
    ///     .apply_yaml(
    ///         "
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: shop}
    /// ---
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata: {name: prices, namespace: shop}
    /// data: {apple: '1'}
    /// ",
    ///     )
    ///     .await?;
    /// assert_eq!(applied.len(), 2);
    /// assert!(applied[1].created);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn apply_yaml(&self, text: &str) -> Result<Vec<Applied>, ApplyError> {
        apply::apply(&self.cluster, text).await
    }

    /// Applies a YAML file as [`Sandbox::apply_yaml`] does, or those of a directory (`.yaml`, `.yml`, `.json`) in the
    /// order of their names.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or applied: the error names the file, the document in it and its line. What came
    /// before has been applied.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sandbox = kopfrs_sandbox::Sandbox::new();
    /// # let folder = std::env::temp_dir().join(format!("kopfrs-sandbox-load-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// std::fs::write(
    ///     folder.join("prices.yaml"),
    ///     "{apiVersion: v1, kind: ConfigMap, metadata: {name: prices}, data: {apple: '1'}}",
    /// )?;
    /// let applied = sandbox.load(&folder).await?;
    /// assert_eq!(applied[0].object["metadata"]["name"], "prices");
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn load(&self, path: impl AsRef<Path>) -> Result<Vec<Applied>, LoadError> {
        load::load(&self.cluster, path.as_ref()).await
    }

    /// Writes the state to its file now, if the sandbox was started with [`SandboxBuilder::persist`]; else does nothing.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or the sandbox was closed.
    pub async fn save(&self) -> Result<(), PersistError> {
        match &self.kept {
            Some(kept) => kept.save().await,
            None => Ok(()),
        }
    }

    /// Writes the state a last time and lets its file go, if there is one: what other handles of this sandbox change
    /// afterwards is not kept.
    ///
    /// The end of the last handle does the same; only here can be told whether it worked.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub async fn close(self) -> Result<(), PersistError> {
        match &self.kept {
            Some(kept) => kept.close().await,
            None => Ok(()),
        }
    }

    /// The requests this sandbox has seen.
    pub fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// Serves the sandbox over TLS on a free loopback port: on the one it had before if its state is kept and nobody
    /// else has that port now.
    ///
    /// # Errors
    ///
    /// When no port can be opened.
    pub async fn serve(&self) -> Result<Server, ServeError> {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        if let Some(before) = self.kept().and_then(Kept::port) {
            match self.serve_on(local(before)).await {
                Err(ServeError::Listen { source, .. })
                    if source.kind() == io::ErrorKind::AddrInUse =>
                {
                    tracing::warn!(
                        port = before,
                        "the port of before is taken: kubeconfigs that name it do not lead here"
                    );
                }
                served => return served,
            }
        }
        self.serve_on(local(0)).await
    }

    /// Serves the sandbox over TLS on a given address.
    ///
    /// The certificate is for `localhost` and `127.0.0.1`: on other addresses clients have to trust it by other means.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn serve_on(&self, addr: SocketAddr) -> Result<Server, ServeError> {
        Server::bind(self.clone(), addr).await
    }
}
