//! A certificate authority and a server certificate: fresh for each server, unless they are kept.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde::{Deserialize, Serialize};

use super::ServeError;

/// What makes a server itself, as text.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Pems {
    /// The authority's certificate, for clients.
    authority: String,
    certificate: String,
    key: String,
}

/// What makes a server itself, ready for use.
pub(super) struct Identity {
    pub(super) tls: Arc<ServerConfig>,
    /// The authority's certificate, for clients.
    pub(super) authority_pem: String,
    pub(super) authority_der: Vec<u8>,
}

impl Pems {
    pub(crate) fn generate() -> Result<Self, ServeError> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "kopfrs-sandbox");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let authority_key = KeyPair::generate()?;
        let authority = params.self_signed(&authority_key)?;
        let issuer = Issuer::new(params, authority_key);

        let mut params =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        Ok(Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Identity {
    pub(super) fn of(pems: &Pems) -> Result<Self, ServeError> {
        let authority = CertificateDer::from_pem_slice(pems.authority.as_bytes())?;
        let certificate = CertificateDer::from_pem_slice(pems.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(pems.key.as_bytes())?;
        let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            tls: Arc::new(tls),
            authority_pem: pems.authority.clone(),
            authority_der: authority.to_vec(),
        })
    }
}
