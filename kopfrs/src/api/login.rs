//! Ways to find credentials, for login handlers.

use std::path::PathBuf;
use std::sync::OnceLock;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::credentials::{Credentials, LoginError, Source};

/// What the command line says.
static GIVEN: OnceLock<Given> = OnceLock::new();

struct Given {
    credentials: Credentials,
    /// Other ways lead there, too: the sandbox must not be mixed up with a cluster.
    is_only: bool,
}

/// There is one command line in a process.
#[cfg(feature = "cli")]
pub(crate) fn give(credentials: Credentials, is_only: bool) {
    let _ = GIVEN.set(Given {
        credentials,
        is_only,
    });
}

fn only() -> Option<Credentials> {
    GIVEN
        .get()
        .filter(|given| given.is_only)
        .map(|given| given.credentials.clone())
}

/// Takes what the command line says (`--kubeconfig`, `--context`, `--sandbox`); else looks in
/// `$KUBECONFIG`, then for the service account of the pod, then in `~/.kube/config`.
///
/// Everything is read anew at each call: a kubeconfig or token that was renewed is found.
///
/// # Errors
/// If none of them is there, or the first that is there cannot be used.
pub async fn infer() -> Result<Credentials, LoginError> {
    if let Some(given) = GIVEN.get() {
        return renewed(&given.credentials).await;
    }
    if std::env::var_os("KUBECONFIG").is_some_and(|value| !value.is_empty()) {
        return kubeconfig(None, None).await;
    }
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return in_cluster();
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match home
        .map(|home| home.join(".kube/config"))
        .filter(|path| path.exists())
    {
        Some(path) => kubeconfig(Some(path), None).await,
        None => Err(LoginError::Nothing),
    }
}

/// Uses a kubeconfig: the given file, or what `$KUBECONFIG` names; the given context, or the
/// current one.
///
/// Client certificates, tokens, token files (read again every minute) and credential plugins
/// (`exec`: called again shortly before what they gave expires) are supported.
///
/// # Errors
/// If the file or the context is not there, or cannot be read.
pub async fn kubeconfig(
    file: Option<PathBuf>,
    context: Option<String>,
) -> Result<Credentials, LoginError> {
    if let Some(only) = only() {
        return Ok(only);
    }
    read(Source { file, context }).await
}

/// Uses the service account that is mounted into the pod; its token is read again every minute.
///
/// # Errors
/// If the process does not run in a pod with a service account.
pub fn in_cluster() -> Result<Credentials, LoginError> {
    if let Some(only) = only() {
        return Ok(only);
    }
    Ok(Credentials::new(Config::incluster()?))
}

/// The same credentials, read again if they are from a file.
pub(crate) async fn renewed(credentials: &Credentials) -> Result<Credentials, LoginError> {
    match &credentials.source {
        Some(source) => Ok(Credentials {
            valid_until: credentials.valid_until,
            priority: credentials.priority,
            ..read(source.clone()).await?
        }),
        None => Ok(credentials.clone()),
    }
}

async fn read(source: Source) -> Result<Credentials, LoginError> {
    let kubeconfig = match &source.file {
        Some(file) => Kubeconfig::read_from(file)?,
        None => Kubeconfig::read()?,
    };
    let options = KubeConfigOptions {
        context: source.context.clone(),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    Ok(Credentials {
        source: Some(source),
        ..Credentials::new(config)
    })
}
