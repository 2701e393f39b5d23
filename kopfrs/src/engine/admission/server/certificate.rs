//! Certificates: making them, reading them, and showing the present one to whoever connects.

use std::fmt;
use std::fs;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::EndpointError;
use crate::cause::SslPeer;
use crate::settings::{VerifyMode, WebhookServer};

/// The present certificate. Connections that are there go on when it changes.
#[derive(Default)]
pub(super) struct Certificates(RwLock<Option<Arc<CertifiedKey>>>);

impl Certificates {
    /// Shows another one from now on.
    pub(super) fn set(&self, key: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Reads a certificate with those that have signed it, and its private key.
pub(super) fn read(certificates: &[u8], key: &[u8]) -> Result<CertifiedKey, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.map_err(|error| format!("the certificate is no PEM: {error}"))?;
    if chain.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| format!("the private key is no PEM: {error}"))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|error| format!("the certificate and the private key do not fit: {error}"))
}

/// How callers are verified.
pub(super) struct Verification(Option<Arc<dyn rustls::server::danger::ClientCertVerifier>>);

impl Verification {
    pub(super) fn of(server: &WebhookServer) -> Result<Self, EndpointError> {
        let mut pem = server.verify_cadata.clone().unwrap_or_default();
        let failed = |why: String| EndpointError::Certificate {
            what: "the certificates of those who sign callers' certificates".to_owned(),
            why,
        };
        if let Some(path) = &server.verify_cafile {
            let read = fs::read(path);
            pem.extend(read.map_err(|error| failed(format!("{}: {error}", path.display())))?);
        }
        let mode = match server.verify_mode {
            VerifyMode::None if pem.is_empty() => return Ok(Self(None)),
            VerifyMode::None | VerifyMode::Optional => VerifyMode::Optional,
            VerifyMode::Required => VerifyMode::Required,
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            let added = roots.add(certificate);
            added.map_err(|error| failed(error.to_string()))?;
        }
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match mode {
            VerifyMode::Required => builder,
            VerifyMode::None | VerifyMode::Optional => builder.allow_unauthenticated(),
        };
        let verifier = builder.build().map_err(|error| {
            failed(format!(
                "{error}; set verify_cafile in settings.admission.server"
            ))
        })?;
        Ok(Self(Some(verifier)))
    }

    /// How connections are encrypted.
    pub(super) fn config(
        &self,
        certificates: Arc<Certificates>,
    ) -> Result<Arc<ServerConfig>, EndpointError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| EndpointError::Certificate {
            what: "TLS".to_owned(),
            why: error.to_string(),
        })?;
        let builder = match &self.0 {
            Some(verifier) => builder.with_client_cert_verifier(verifier.clone()),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(certificates);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// What a verified certificate says of the caller.
pub(super) fn peer(certificate: &CertificateDer<'_>) -> SslPeer {
    let der = certificate.as_ref().to_vec();
    let parsed = X509Certificate::from_der(certificate);
    let (subject, common_name) = match &parsed {
        Ok((_, parsed)) => {
            let subject = parsed.subject();
            let mut names = subject.iter_common_name();
            let name = names.next().and_then(|name| name.as_str().ok());
            (subject.to_string(), name.map(str::to_owned))
        }
        Err(_) => (String::new(), None),
    };
    SslPeer::new(der, subject, common_name)
}
