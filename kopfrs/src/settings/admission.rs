//! How the API server asks about requests: where webhooks are served, by which certificates, and who configures them.

use std::path::PathBuf;
use std::time::Duration;

/// How the API server asks handlers of `on::validate`, `on::mutate` and `on::convert`.
///
/// # Examples
/// ```
/// use kopfrs::settings::{Settings, WebhookServer};
///
/// let mut settings = Settings::default();
/// settings.admission.server = Some(WebhookServer::new().port(9443));
/// settings.admission.managed = Some("demo.example.com".to_owned());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AdmissionSettings {
    /// Where webhooks are served. Without it, an operator with such handlers does not start. None.
    pub server: Option<WebhookServer>,
    /// The name of the webhook configurations that the operator keeps up to date: the DNS name of the operator, such as
    /// `demo.example.com`. Without it, somebody else writes them. None.
    pub managed: Option<String>,
    /// How long questions are answered after the operator was told to stop, where they come by a Service: nodes go on
    /// to send them for a while. 5 s.
    pub closing_delay: Duration,
}

impl Default for AdmissionSettings {
    fn default() -> Self {
        Self {
            server: None,
            managed: None,
            closing_delay: Duration::from_secs(5),
        }
    }
}

/// An endpoint for webhooks in the process of the operator.
///
/// It serves HTTPS with a certificate of its own making, unless it is given others: in files
/// ([`certfile`](Self::certfile)), which may be renewed while it runs, or in a Secret that all replicas share
/// ([`secret`](Self::secret)), which is made and renewed by itself.
///
/// # Examples
/// ```
/// use kopfrs::settings::WebhookServer;
///
/// // The operator on the laptop, the cluster in k3d.
/// let development = WebhookServer::k3d();
/// assert_eq!(development.host.as_deref(), Some("host.k3d.internal"));
///
/// // The operator in the cluster, behind a Service.
/// let production = WebhookServer::new()
///     .addr("0.0.0.0")
///     .port(9443)
///     .service("operators", "demo")
///     .secret("operators", "demo-webhooks");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookServer {
    /// The address to listen on: by default the loopback one, and all of them where somebody else is told to come.
    pub addr: Option<String>,
    /// The port to listen on. A free one.
    pub port: Option<u16>,
    /// The path below which webhooks are served. The root.
    pub path: Option<String>,
    /// The name or address by which the API server gets here. The address that is listened on.
    pub host: Option<String>,
    /// Whether to find out from the API server's certificate which `host` to use. No.
    pub detects_host: bool,
    /// The whole URL by which the API server gets here, instead of `host`: the end of a tunnel. The ids of functions are
    /// appended to it, and it begins with `https://`, as API servers ask nobody else.
    pub url: Option<String>,
    /// The Service by which the API server gets here, instead of `host`.
    pub service: Option<ServiceReference>,
    /// Whether to serve HTTP without TLS, for something in front of it, at which [`url`](Self::url) leads. No.
    pub insecure: bool,
    /// The certificate in a file: PEM, with those that have signed it.
    pub certfile: Option<PathBuf>,
    /// The private key of that certificate in a file.
    pub pkeyfile: Option<PathBuf>,
    /// Whom the API server is to trust, in a file; without it, the certificate itself.
    pub cafile: Option<PathBuf>,
    /// The same as PEM.
    pub cadata: Option<Vec<u8>>,
    /// A file to write down whom the API server is to trust, for `curl --cacert`.
    pub cadump: Option<PathBuf>,
    /// More names and addresses for the certificate that is made.
    pub extra_sans: Vec<String>,
    /// Whether callers have to prove who they are.
    pub verify_mode: VerifyMode,
    /// By whom the certificates of callers are to be signed, in a file.
    pub verify_cafile: Option<PathBuf>,
    /// The same as PEM.
    pub verify_cadata: Option<Vec<u8>>,
    /// How often to look whether files have changed. 60 s.
    pub file_check_interval: Duration,
    /// The Secret in which certificates are kept that all replicas share.
    pub secret: Option<SecretReference>,
    /// How long certificates hold that are made here; they are renewed after two thirds of it. 90 days.
    pub lifetime: Duration,
}

/// A Service in front of the endpoint.
///
/// # Examples
/// ```
/// use kopfrs::settings::WebhookServer;
///
/// let server = WebhookServer::new().service("operators", "demo");
/// assert_eq!(server.service.unwrap().port, 443);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its port. 443.
    pub port: u16,
}

/// A Secret that holds certificates.
///
/// # Examples
/// ```
/// use kopfrs::settings::WebhookServer;
///
/// let server = WebhookServer::new().secret("operators", "demo-webhooks");
/// assert_eq!(server.secret.unwrap().name, "demo-webhooks");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Whether callers of the endpoint have to prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyMode {
    /// They are not asked, unless it is said by whom their certificates are to be signed: then as `Optional`.
    #[default]
    None,
    /// They may; what they prove reaches handlers as `sslpeer`.
    Optional,
    /// They must.
    Required,
}

impl Default for WebhookServer {
    fn default() -> Self {
        Self {
            addr: None,
            port: None,
            path: None,
            host: None,
            detects_host: false,
            url: None,
            service: None,
            insecure: false,
            certfile: None,
            pkeyfile: None,
            cafile: None,
            cadata: None,
            cadump: None,
            extra_sans: Vec::new(),
            verify_mode: VerifyMode::None,
            verify_cafile: None,
            verify_cadata: None,
            file_check_interval: Duration::from_secs(60),
            secret: None,
            lifetime: Duration::from_secs(90 * 24 * 60 * 60),
        }
    }
}

impl WebhookServer {
    /// An endpoint on the loopback address, for an API server on the same host.
    pub fn new() -> Self {
        Self::default()
    }

    /// An endpoint for an API server in k3d, on the host of its containers.
    pub fn k3d() -> Self {
        Self::new().host("host.k3d.internal")
    }

    /// An endpoint for an API server in minikube, on the host of its machine.
    pub fn minikube() -> Self {
        Self::new().host("host.minikube.internal")
    }

    /// An endpoint for the API server of Docker Desktop, on the host of its machine.
    pub fn docker_desktop() -> Self {
        Self::new().host("host.docker.internal")
    }

    /// An endpoint for an API server in kind, on the host of its containers. They reach it by the gateway of their
    /// network, which on Linux is `docker network inspect kind`'s; Docker Desktop names it `host.docker.internal`.
    pub fn kind() -> Self {
        Self::docker_desktop()
    }

    /// An endpoint that tells from the certificate of the API server whether that is in k3d, minikube or Docker
    /// Desktop; otherwise as [`new`](Self::new).
    pub fn auto() -> Self {
        Self {
            detects_host: true,
            ..Self::new()
        }
    }

    /// Sets the address to listen on.
    pub fn addr(mut self, addr: impl Into<String>) -> Self {
        self.addr = Some(addr.into());
        self
    }

    /// Sets the port to listen on.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets the path below which webhooks are served.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the name or address by which the API server gets here.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets the whole URL by which the API server gets here: the end of a tunnel.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::settings::WebhookServer;
    ///
    /// // Beside `ngrok http 9443`, which has the certificate.
    /// let tunnelled = WebhookServer::new().insecure(true).port(9443).url("https://x.ngrok.app");
    /// assert_eq!(tunnelled.url.as_deref(), Some("https://x.ngrok.app"));
    /// ```
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets the Service by which the API server gets here, with port 443.
    pub fn service(mut self, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        self.service = Some(ServiceReference {
            namespace: namespace.into(),
            name: name.into(),
            port: 443,
        });
        self
    }

    /// Serves HTTP without TLS.
    pub fn insecure(mut self, is_insecure: bool) -> Self {
        self.insecure = is_insecure;
        self
    }

    /// Sets the file with the certificate.
    pub fn certfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.certfile = Some(path.into());
        self
    }

    /// Sets the file with the private key.
    pub fn pkeyfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.pkeyfile = Some(path.into());
        self
    }

    /// Sets the file that says whom the API server is to trust.
    pub fn cafile(mut self, path: impl Into<PathBuf>) -> Self {
        self.cafile = Some(path.into());
        self
    }

    /// Sets whom the API server is to trust, as PEM.
    pub fn cadata(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.cadata = Some(pem.into());
        self
    }

    /// Sets a file to write down whom the API server is to trust.
    pub fn cadump(mut self, path: impl Into<PathBuf>) -> Self {
        self.cadump = Some(path.into());
        self
    }

    /// Adds names and addresses for the certificate that is made.
    pub fn extra_sans(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.extra_sans.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets whether callers have to prove who they are.
    pub fn verify_mode(mut self, mode: VerifyMode) -> Self {
        self.verify_mode = mode;
        self
    }

    /// Sets the file that says by whom the certificates of callers are to be signed.
    pub fn verify_cafile(mut self, path: impl Into<PathBuf>) -> Self {
        self.verify_cafile = Some(path.into());
        self
    }

    /// Sets by whom the certificates of callers are to be signed, as PEM.
    pub fn verify_cadata(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.verify_cadata = Some(pem.into());
        self
    }

    /// Sets how often to look whether files have changed.
    pub fn file_check_interval(mut self, interval: Duration) -> Self {
        self.file_check_interval = interval;
        self
    }

    /// Keeps certificates in a Secret that all replicas share. Whoever comes first makes it.
    pub fn secret(mut self, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        self.secret = Some(SecretReference {
            namespace: namespace.into(),
            name: name.into(),
        });
        self
    }

    /// Sets how long certificates hold that are made here.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }
}
