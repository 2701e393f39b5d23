//! Which host to name, as the API server's own certificate tells where it runs.
//!
//! Nothing secret is sent: the certificate is looked at before anybody logs in, and nothing is decided by it but the
//! name under which this endpoint is told to be found.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tracing::debug;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate, X509Name};

use super::Surroundings;
use crate::settings::WebhookServer;

const PATIENCE: Duration = Duration::from_secs(5);

/// What a certificate says that tells clusters apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    issuer: String,
    subject: String,
    organization: String,
    names: Vec<String>,
}

/// The name by which the API server gets to this host, if it is one of those that are known.
pub(super) async fn host(surroundings: &Surroundings) -> Option<String> {
    let told = match &surroundings.api {
        Some(api) => timeout(PATIENCE, certificate(api)).await.ok().flatten(),
        None => None,
    };
    let server = match told.as_ref().and_then(recognised) {
        Some(server) => Some(server),
        None if told.is_some() => {
            let version = surroundings
                .connection
                .read::<Value>("/version", "application/json");
            let version = version.await.unwrap_or_default();
            let version = version["gitVersion"].as_str().unwrap_or_default();
            version.contains("+k3s").then(WebhookServer::k3d)
        }
        None => None,
    };
    let host = server.and_then(|server| server.host);
    debug!("the API server gets to webhooks at {host:?}, as its certificate tells: {told:?}");
    host
}

fn recognised(told: &Told) -> Option<WebhookServer> {
    let is_k3s = told.subject == "k3s" || told.organization == "k3s";
    if is_k3s || told.issuer.starts_with("k3s-") {
        Some(WebhookServer::k3d())
    } else if told.subject == "minikube" || told.issuer == "minikubeCA" {
        Some(WebhookServer::minikube())
    } else if told.names.iter().any(|name| name == "docker-for-desktop") {
        Some(WebhookServer::docker_desktop())
    } else {
        None
    }
}

async fn certificate(api: &http::Uri) -> Option<Told> {
    if api.scheme_str() != Some("https") {
        return None;
    }
    let host = api.host()?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), api.port_u16().unwrap_or(443)));
    let stream = stream.await.ok()?;
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).ok()?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .ok()?;
    let chain = stream.get_ref().1.peer_certificates()?;
    told(chain.first()?)
}

fn told(certificate: &CertificateDer<'_>) -> Option<Told> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let common = |name: &X509Name<'_>| {
        let mut names = name.iter_common_name();
        names
            .next()
            .and_then(|name| name.as_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let mut organizations = parsed.subject().iter_organization();
    let organization = organizations.next().and_then(|name| name.as_str().ok());
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let names = alternative
        .into_iter()
        .flat_map(|names| &names.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    Some(Told {
        issuer: common(parsed.issuer()),
        subject: common(parsed.subject()),
        organization: organization.unwrap_or_default().to_owned(),
        names: names.collect(),
    })
}

/// Lets anybody show a certificate, to look at it.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_util::task::AbortOnDropHandle;

    use super::*;
    use crate::api::Connection;
    use crate::clock::Clock;

    /// What distinguishes the certificate of an API server: issuer, common name, organization, alternative names.
    type Facts = (
        &'static str,
        &'static str,
        &'static str,
        &'static [&'static str],
    );

    /// Shows a certificate to whoever connects, as the API server of a cluster does.
    async fn shown(
        (issuer, subject, organization, names): Facts,
    ) -> (http::Uri, AbortOnDropHandle<()>) {
        let named = |names: &[&str], common: &str, organization: &str| {
            let names = names.iter().map(|name| (*name).to_owned());
            let mut params = CertificateParams::new(names.collect::<Vec<_>>()).unwrap();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, common);
            if !organization.is_empty() {
                let organization_name = DnType::OrganizationName;
                params
                    .distinguished_name
                    .push(organization_name, organization);
            }
            params
        };
        let issuer = Issuer::new(named(&[], issuer, ""), KeyPair::generate().unwrap());
        let key = KeyPair::generate().unwrap();
        let signed = named(names, subject, organization).signed_by(&key, &issuer);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![signed.unwrap().der().clone()], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let showing = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever has seen enough goes away.
                let _ = acceptor.accept(stream).await;
            }
        });
        let uri = format!("https://{address}").parse().unwrap();
        (uri, AbortOnDropHandle::new(showing))
    }

    /// A cluster of which its API server tells a version.
    fn surroundings(api: Option<http::Uri>, version: &'static str) -> Surroundings {
        let service = tower::service_fn(
            move |request: http::Request<kube::client::Body>| async move {
                assert_eq!(request.uri().path(), "/version");
                let text = json!({"gitVersion": version}).to_string();
                let body = kube::client::Body::from(text.into_bytes());
                Ok::<_, std::convert::Infallible>(http::Response::new(body))
            },
        );
        let client = kube::Client::new(service, "default");
        Surroundings {
            connection: Connection::new(client, crate::settings::NetworkingSettings::default()),
            clock: Clock::start(),
            api,
        }
    }

    #[tokio::test]
    async fn the_host_is_told_by_what_the_api_server_shows() {
        let kubernetes: &[&str] = &["kubernetes", "kubernetes.default.svc", "localhost"];
        let rows: [(Facts, &str, Option<&str>); 6] = [
            (
                ("k3s-server-ca@1719", "k3s", "k3s", kubernetes),
                "v1.33.1+k3s1",
                Some("host.k3d.internal"),
            ),
            (
                ("minikubeCA", "minikube", "system:masters", kubernetes),
                "v1.33.1",
                Some("host.minikube.internal"),
            ),
            (
                (
                    "kubernetes",
                    "kube-apiserver",
                    "",
                    &["docker-for-desktop", "kubernetes"],
                ),
                "v1.33.1",
                Some("host.docker.internal"),
            ),
            // Behind something that shows a certificate of its own.
            (
                ("somebody", "proxy", "", &["proxy.example.com"]),
                "v1.33.1+k3s1",
                Some("host.k3d.internal"),
            ),
            // kind shows what any cluster of kubeadm's shows: nothing is told by that.
            (
                ("kubernetes", "kube-apiserver", "", kubernetes),
                "v1.33.1",
                None,
            ),
            (("kubernetes", "kube-apiserver", "", kubernetes), "", None),
        ];
        for (facts, version, expected) in rows {
            let (api, _showing) = shown(facts).await;
            let found = host(&surroundings(Some(api), version)).await;
            assert_eq!(found.as_deref(), expected, "{facts:?} {version}");
        }
    }

    #[tokio::test]
    async fn where_no_certificate_is_shown_nothing_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = listener.local_addr().unwrap();
        drop(listener);
        for api in [
            None,
            Some(format!("http://{nobody}")),
            Some(format!("https://{nobody}")),
        ] {
            let api = api.map(|api| api.parse().unwrap());
            assert_eq!(host(&surroundings(api, "v1.33.1+k3s1")).await, None);
        }
    }

    #[test]
    fn clusters_are_recognised_by_their_certificates() {
        let told = |issuer: &str, subject: &str, organization: &str, name: &str| Told {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            organization: organization.to_owned(),
            names: vec![name.to_owned()],
        };
        let rows = [
            (
                told("k3s-server-ca@1", "x", "", ""),
                Some("host.k3d.internal"),
            ),
            (told("", "k3s", "", ""), Some("host.k3d.internal")),
            (told("", "", "k3s", ""), Some("host.k3d.internal")),
            (
                told("minikubeCA", "", "", ""),
                Some("host.minikube.internal"),
            ),
            (
                told("", "", "", "docker-for-desktop"),
                Some("host.docker.internal"),
            ),
            (told("kubernetes", "kube-apiserver", "", "kubernetes"), None),
        ];
        for (told, expected) in rows {
            let host = recognised(&told).and_then(|server| server.host);
            assert_eq!(host.as_deref(), expected, "{told:?}");
        }
    }
}
