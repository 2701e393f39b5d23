//! Kubeconfig files and client configurations for a server.

use std::{io::Write, net::SocketAddr, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use kube::config::AuthInfo;

use super::{ServeError, identity::Identity};

/// The text of a kubeconfig.
pub(super) fn text(addr: SocketAddr, identity: &Identity, token: &str) -> String {
    let authority = STANDARD.encode(&identity.authority_pem);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: sandbox
  cluster:
    server: https://{addr}
    certificate-authority-data: {authority}
users:
- name: sandbox
  user:
    token: {token}
contexts:
- name: sandbox
  context:
    cluster: sandbox
    user: sandbox
    namespace: default
current-context: sandbox
"
    )
}

/// Writes a file that only its owner can read: it holds the token.
pub(super) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        let mut file = options.open(path)?;
        // The mode above is for new files only.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())
    }
    #[cfg(not(unix))]
    options.open(path)?.write_all(text.as_bytes())
}

/// The configuration of a kube client.
pub(super) fn client(
    addr: SocketAddr,
    identity: &Identity,
    token: &str,
) -> Result<kube::Config, ServeError> {
    let url = format!("https://{addr}")
        .parse()
        .map_err(ServeError::Address)?;
    let mut config = kube::Config::new(url);
    "default".clone_into(&mut config.default_namespace);
    config.root_cert = Some(vec![identity.authority_der.clone()]);
    config.auth_info = credentials(token);
    Ok(config)
}

pub(super) fn credentials(token: &str) -> AuthInfo {
    AuthInfo {
        token: Some(token.to_owned().into()),
        ..AuthInfo::default()
    }
}
