//! Where a server is and how it lets one in, from a kubeconfig.

use std::{fs, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::Value;

use super::Failure;

/// A way to a server.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// `host:port`.
    pub(crate) authority: String,
    pub(crate) name: ServerName<'static>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) token: Option<String>,
}

impl Access {
    /// Reads the current context of a kubeconfig. Only TLS with a known authority will do.
    pub(crate) fn from_kubeconfig(text: &str) -> Result<Self, Failure> {
        let config: Value = serde_saphyr::from_str(text)?;
        let context = named(&config, "contexts", &config["current-context"], "context")?;
        let cluster = named(&config, "clusters", &context["cluster"], "cluster")?;
        let user = named(&config, "users", &context["user"], "user")?;

        let server = cluster["server"].as_str().unwrap_or_default();
        let authority = server
            .strip_prefix("https://")
            .ok_or_else(|| format!("the server is to be an https URL, not {server:?}"))?
            .trim_end_matches('/');
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        let mut roots = RootCertStore::empty();
        let pem = content(cluster, "certificate-authority")?
            .ok_or("the kubeconfig names no certificate authority")?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate?)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let certificate = content(user, "client-certificate")?;
        let tls = match (certificate, content(user, "client-key")?) {
            (Some(certificate), Some(key)) => {
                let chain: Result<Vec<_>, _> =
                    CertificateDer::pem_slice_iter(&certificate).collect();
                builder.with_client_auth_cert(chain?, PrivateKeyDer::from_pem_slice(&key)?)?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Self {
            authority: authority.to_owned(),
            name: ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?,
            tls: Arc::new(tls),
            token: user["token"].as_str().map(str::to_owned),
        })
    }
}

/// What a list of a kubeconfig holds under a name.
fn named<'a>(
    config: &'a Value,
    list: &str,
    name: &Value,
    member: &str,
) -> Result<&'a Value, Failure> {
    let entries = config[list].as_array().into_iter().flatten();
    let mut found = entries.filter(|entry| entry["name"] == *name);
    let entry = found
        .next()
        .ok_or_else(|| format!("the kubeconfig has no {member} {name}"))?;
    Ok(&entry[member])
}

/// A file's content, given as such or by its path.
fn content(holder: &Value, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    if let Some(data) = holder[format!("{name}-data")].as_str() {
        return Ok(Some(STANDARD.decode(data)?));
    }
    let path = holder[name].as_str();
    let read = path.map(|path| fs::read(path).map_err(|error| format!("{path}: {error}")));
    Ok(read.transpose()?)
}
