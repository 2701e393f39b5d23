//! The endpoint: where the API server brings its questions.
//!
//! hyper itself, not a framework above it: there is one route and one method, and the certificates change under
//! connections that go on.

mod certificate;
mod connection;
mod detection;
mod generation;
mod http;
mod source;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use self::certificate::{Certificates, Verification};
use self::connection::Listening;
use self::http::Budget;
use self::source::Source;
use super::Admission;
use super::configuration::{Address, ClientConfig};
use crate::api::Connection;
use crate::clock::Clock;
use crate::health::Gate;
use crate::settings::{VerifyMode, WebhookServer};

const LOOPBACK: &str = "127.0.0.1";
const ANYWHERE: &str = "0.0.0.0";

/// Why there can be no endpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    /// Nobody can listen there.
    #[error("webhooks cannot be served at {address}: {source}")]
    Bind {
        address: String,
        #[source]
        source: std::io::Error,
    },
    /// A file with certificates is not what it should be.
    #[error("{what} for webhooks cannot be used: {why}")]
    Certificate { what: String, why: String },
    /// What is set contradicts itself.
    #[error("{0}")]
    Settings(&'static str),
}

/// An endpoint that listens, and does not serve yet.
pub(crate) struct Endpoint {
    listener: TcpListener,
    server: WebhookServer,
    /// How the API server gets here, but for whom to trust.
    address: Address,
    names: Vec<String>,
    certificates: Arc<Certificates>,
    /// `None` for HTTP without TLS.
    tls: Option<Arc<rustls::ServerConfig>>,
    client: watch::Sender<Option<ClientConfig>>,
}

/// What an endpoint needs to know of the operator.
pub(crate) struct Surroundings {
    pub(crate) connection: Connection,
    pub(crate) clock: Clock,
    /// Where the API is, if it is reached over a network.
    pub(crate) api: Option<::http::Uri>,
}

impl Endpoint {
    /// Listens at the place that is set.
    ///
    /// # Errors
    /// If that is not possible, or the settings contradict themselves.
    pub(crate) async fn open(
        mut server: WebhookServer,
        surroundings: &Surroundings,
    ) -> Result<Self, EndpointError> {
        check(&server)?;
        let is_named = server.host.is_some() || server.service.is_some() || server.url.is_some();
        if server.detects_host && !is_named {
            server.host = detection::host(surroundings).await;
        }
        let is_awaited_elsewhere = server.host.is_some() || server.service.is_some();
        let default = if is_awaited_elsewhere {
            ANYWHERE
        } else {
            LOOPBACK
        };
        let addr = server.addr.clone().unwrap_or_else(|| default.to_owned());
        let port = server.port.unwrap_or(0);
        let failed = |source| EndpointError::Bind {
            address: format!("{addr}:{port}"),
            source,
        };
        let listener = TcpListener::bind((&*addr, port)).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let path = server.path.as_deref().unwrap_or_default();
        let path = path.trim_matches('/');
        let path = if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        };
        let accessible = accessible(&addr);
        let host = server.host.clone().unwrap_or_else(|| accessible.clone());
        let address = match (&server.service, &server.url) {
            (Some(service), _) => Address::Service(service.clone(), path),
            (None, Some(url)) => Address::Url(url.clone()),
            (None, None) => Address::Url(url(&server, &host, bound, &path)),
        };
        let certificates = Arc::new(Certificates::default());
        let tls = if server.insecure {
            None
        } else {
            Some(Verification::of(&server)?.config(certificates.clone())?)
        };
        debug!("listening for webhooks at {bound}");
        Ok(Self {
            names: names(&server, &host, &accessible),
            certificates,
            tls,
            listener,
            server,
            address,
            client: watch::Sender::new(None),
        })
    }

    /// How the API server gets here, as soon as there is a certificate, and whenever there is another one.
    pub(crate) fn client(&self) -> watch::Receiver<Option<ClientConfig>> {
        self.client.subscribe()
    }

    /// Opens the gate and serves until it is told to stop; what is under way may finish.
    pub(crate) async fn serve(
        self,
        admission: Arc<Admission>,
        surroundings: Surroundings,
        (gate, stop): (Gate, CancellationToken),
    ) {
        let listening = Listening {
            admission: admission.clone(),
            base: base(&self.server),
            tls: self.tls,
            budget: Budget::default(),
        };
        let client = self.client.clone();
        let (address, cadump) = (self.address.clone(), self.server.cadump.clone());
        let tell = move |trusted: Option<Vec<u8>>| {
            if let (Some(path), Some(pem)) = (&cadump, &trusted)
                && let Err(error) = std::fs::write(path, pem)
            {
                warn!("{} cannot be written: {error}", path.display());
            }
            let config = ClientConfig {
                address: address.clone(),
                trusted: trusted.filter(|pem| !pem.is_empty()),
            };
            client.send_replace(Some(config));
        };
        let source = Source::new(&self.server, self.names, surroundings);
        let kept = source.keep(&self.certificates, tell);
        let served = async {
            let mut insights = admission.insights.clone();
            // Questions before that would find nobody. They wait in the line of the socket.
            let _ = insights.wait_for(Option::is_some).await;
            let mut client = self.client.subscribe();
            let _ = client.wait_for(Option::is_some).await;
            info!("serving webhooks at {}", self.address);
            gate.open();
            listening
                .accept(self.listener, TaskTracker::new(), stop)
                .await;
        };
        tokio::select! {
            () = kept => {}
            () = served => {}
        }
    }
}

/// How short certificates may live: replicas and the API server have to take notice of each.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);

/// What contradicts itself is said before anything begins.
fn check(server: &WebhookServer) -> Result<(), EndpointError> {
    let has_files = server.certfile.is_some() && server.pkeyfile.is_some();
    let has_one_file = server.certfile.is_some() != server.pkeyfile.is_some();
    let ways = [
        server.service.is_some(),
        server.host.is_some(),
        server.url.is_some(),
    ];
    let is_verifying = server.verify_mode != VerifyMode::None
        || server.verify_cafile.is_some()
        || server.verify_cadata.is_some();
    let is_refused_url = (server.url.as_deref()).is_some_and(|url| !url.starts_with("https://"));
    let mistakes = [
        (
            has_one_file,
            "webhooks are served with a certificate and its private key: set both \
             settings.admission.server.certfile and pkeyfile, or none",
        ),
        (
            has_files && server.secret.is_some(),
            "webhooks have their certificates from files or from a Secret: set either certfile or secret in \
             settings.admission.server",
        ),
        (
            ways.into_iter().filter(|is_set| *is_set).count() > 1,
            "webhooks are reached by a Service, by a host, or by a URL: set one of service, host and url in \
             settings.admission.server",
        ),
        (
            is_refused_url,
            "API servers ask by TLS only: let settings.admission.server.url begin with https://",
        ),
        (
            server.insecure && server.service.is_some(),
            "API servers ask Services by TLS only: leave insecure out of settings.admission.server",
        ),
        (
            server.insecure && is_verifying,
            "nobody shows a certificate where there is no TLS: leave insecure or verify_mode, verify_cafile and \
             verify_cadata out of settings.admission.server",
        ),
        (
            server.lifetime < SHORTEST_LIFETIME,
            "certificates that live less than a minute cannot be renewed in time: let \
             settings.admission.server.lifetime be longer",
        ),
    ];
    let mistake = mistakes.into_iter().find(|(is_made, _)| *is_made);
    mistake.map_or(Ok(()), |(_, why)| Err(EndpointError::Settings(why)))
}

/// An address that stands for all of them cannot be called.
fn accessible(addr: &str) -> String {
    match addr.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => LOOPBACK.to_owned(),
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => "::1".to_owned(),
        Ok(_) | Err(_) => addr.to_owned(),
    }
}

fn url(server: &WebhookServer, host: &str, bound: SocketAddr, path: &str) -> String {
    let (scheme, usual) = if server.insecure {
        ("http", 80)
    } else {
        ("https", 443)
    };
    let host = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
        Ok(IpAddr::V4(_)) | Err(_) => host.to_owned(),
    };
    match bound.port() {
        port if port == usual => format!("{scheme}://{host}{path}"),
        port => format!("{scheme}://{host}:{port}{path}"),
    }
}

/// The path below which questions come, without a slash at its end.
fn base(server: &WebhookServer) -> String {
    match server.path.as_deref().unwrap_or_default().trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

/// All names that a certificate has to stand for.
fn names(server: &WebhookServer, host: &str, accessible: &str) -> Vec<String> {
    let mut names = vec![host.to_owned(), accessible.to_owned()];
    if let Some(service) = &server.service {
        let (name, namespace) = (&service.name, &service.namespace);
        names = vec![
            format!("{name}.{namespace}.svc"),
            format!("{name}.{namespace}.svc.cluster.local"),
            format!("{name}.{namespace}"),
            name.clone(),
        ];
    }
    let url = server.url.as_deref().unwrap_or_default();
    let url: Option<::http::Uri> = url.parse().ok();
    let host = url.as_ref().and_then(::http::Uri::host);
    names.extend(host.map(|host| host.trim_matches(['[', ']']).to_owned()));
    names.extend(server.extra_sans.iter().cloned());
    names.extend(["localhost".to_owned(), LOOPBACK.to_owned()]);
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::Service(service, path) => {
                let (namespace, name) = (&service.namespace, &service.name);
                write!(f, "service {namespace}/{name}{path}")
            }
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_names_are_what_the_api_server_can_call() {
        let bound = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let server = WebhookServer::new();
        for (host, port, expected) in [
            ("localhost", 9443, "https://localhost:9443/p"),
            ("localhost", 443, "https://localhost/p"),
            ("::1", 9443, "https://[::1]:9443/p"),
        ] {
            assert_eq!(url(&server, host, bound(port), "/p"), expected);
        }
        let insecure = WebhookServer::new().insecure(true);
        assert_eq!(url(&insecure, "h", bound(80), ""), "http://h");
        assert_eq!(accessible("0.0.0.0"), "127.0.0.1");
        assert_eq!(accessible("::"), "::1");
        assert_eq!(accessible("10.0.0.1"), "10.0.0.1");
        let served = WebhookServer::new().service("ns", "svc").extra_sans(["x"]);
        let names = names(&served, "127.0.0.1", "127.0.0.1");
        assert_eq!(names[0], "svc.ns.svc");
        assert!(names.contains(&"x".to_owned()) && names.contains(&"localhost".to_owned()));
    }

    #[test]
    fn contradictions_are_told() {
        let rows = [
            (WebhookServer::new(), true),
            (WebhookServer::new().certfile("a"), false),
            (WebhookServer::new().certfile("a").pkeyfile("b"), true),
            (
                WebhookServer::new()
                    .certfile("a")
                    .pkeyfile("b")
                    .secret("n", "s"),
                false,
            ),
            (WebhookServer::new().host("h").service("n", "s"), false),
            (WebhookServer::new().url("https://x").host("h"), false),
            (WebhookServer::new().url("http://x"), false),
            (WebhookServer::new().url("https://x").insecure(true), true),
            (WebhookServer::new().insecure(true), true),
            (WebhookServer::new().insecure(true).service("n", "s"), false),
            (
                WebhookServer::new().insecure(true).verify_cadata("pem"),
                false,
            ),
            (
                WebhookServer::new()
                    .insecure(true)
                    .verify_mode(VerifyMode::Required),
                false,
            ),
            (
                WebhookServer::new().lifetime(Duration::from_secs(59)),
                false,
            ),
        ];
        for (server, is_fine) in rows {
            assert_eq!(check(&server).is_ok(), is_fine, "{server:?}");
        }
    }
}
