//! The handle users hold.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderValue, header};
use tokio::task::JoinSet;

use crate::{
    apply::{self, Applied, ApplyError},
    auth::Tokens,
    cluster::{Cluster, Settings},
    controllers, defaults,
    fault::Faults,
    http::{auth::Strangers, router::Router},
    journal::Journal,
    rbac,
    serve::{Front, ServeError, Server},
};

/// An embedded Kubernetes API server. Cheap to clone: all clones are the same cluster.
///
/// It starts with the namespaces a cluster has (`default`, `kube-system`, `kube-public`, `kube-node-lease`) and nothing
/// else. There are no nodes and no workload controllers: Pods stay Pending, Deployments make nothing.
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
}

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
    /// [`Sandbox::client`] and the token of a [`Server`] are in `system:masters` and may do everything anyway.
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

    /// Starts the sandbox.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime: its controllers are tasks.
    pub fn build(self) -> Sandbox {
        let journal = Journal::new(self.settings.journal_capacity);
        let cluster = Arc::new(Cluster::new(self.settings));
        let controllers = Arc::new(controllers::start(&cluster));
        defaults::create(&cluster);
        if cluster.settings.rbac {
            rbac::create_defaults(&cluster);
        }
        Sandbox {
            cluster,
            journal,
            faults: Faults::default(),
            _controllers: controllers,
        }
    }
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

    /// The requests this sandbox has seen.
    pub fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// Serves the sandbox over TLS on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be opened.
    pub async fn serve(&self) -> Result<Server, ServeError> {
        self.serve_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
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
