//! Ways to find credentials, for login handlers.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::credentials::{Credentials, LoginError, Source};

/// What the command line says.
static GIVEN: OnceLock<Given> = OnceLock::new();

tokio::task_local! {
    /// The only place that the login handlers which are being called may lead to.
    static CONFINED: Credentials;
}

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

/// Calls login handlers for which all ways lead to one place, of several operators in a process each to
/// its own.
pub(crate) async fn confined<F: Future>(credentials: Credentials, handlers: F) -> F::Output {
    CONFINED.scope(credentials, handlers).await
}

fn only() -> Option<Credentials> {
    let given = || GIVEN.get().filter(|given| given.is_only);
    let confined = CONFINED.try_with(Credentials::clone).ok();
    confined.or_else(|| given().map(|given| given.credentials.clone()))
}

/// Takes what the command line says (`--kubeconfig`, `--context`, `--sandbox`); else looks in
/// `$KUBECONFIG`, then for the service account of the pod, then in `~/.kube/config`.
///
/// Everything is read anew at each call: a kubeconfig or token that was renewed is found.
///
/// # Errors
/// If none of them is there, or the first that is there cannot be used.
pub async fn infer() -> Result<Credentials, LoginError> {
    if let Some(only) = only() {
        return Ok(only);
    }
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
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    exempt(&mut config, |name| std::env::var(name).ok());
    Ok(Credentials {
        source: Some(source),
        ..Credentials::new(config)
    })
}

/// Leaves out the proxy of the environment for servers that are exempt from it, as `kubectl` does: by
/// `NO_PROXY`, or because they are on this machine. kube compares that with the name of the proxy.
fn exempt(config: &mut Config, environment: impl Fn(&str) -> Option<String>) {
    let said = |name: &str| {
        let found = environment(name).filter(|text| !text.is_empty());
        found.or_else(|| environment(&name.to_lowercase()).filter(|text| !text.is_empty()))
    };
    // What the kubeconfig itself says counts for its server in any case.
    let of_environment = said("HTTPS_PROXY").and_then(|text| text.parse::<http::Uri>().ok());
    if config.proxy_url.is_none() || config.proxy_url != of_environment {
        return;
    }
    let host = config.cluster_url.host().unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let listed = said("NO_PROXY").unwrap_or_default();
    if is_here || listed.split(',').any(|entry| is_meant(entry.trim(), host)) {
        config.proxy_url = None;
    }
}

/// Whether an entry of `NO_PROXY` is about a server: all, a name with those below it, an address, or
/// the addresses of a network.
fn is_meant(entry: &str, host: &str) -> bool {
    if let (Some((network, bits)), Ok(address)) = (entry.split_once('/'), host.parse()) {
        let (Ok(network), Ok(bits)) = (network.parse(), bits.parse()) else {
            return false;
        };
        return is_within(address, network, bits);
    }
    let name = entry.trim_start_matches('*').trim_start_matches('.');
    entry == "*"
        || host == name
        || (!name.is_empty()
            && host
                .strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('.')))
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differing = address.to_bits() ^ network.to_bits();
            bits <= 32 && differing.leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differing = address.to_bits() ^ network.to_bits();
            bits <= 128 && differing.leading_zeros() >= bits
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, proxy: &str, no_proxy: &'static str) -> bool {
        let mut config = Config::new(server.parse().unwrap());
        config.proxy_url = Some(proxy.parse().unwrap());
        exempt(&mut config, |name| match name {
            "HTTPS_PROXY" => Some("http://proxy.example.com:3128".to_owned()),
            "no_proxy" => Some(no_proxy.to_owned()),
            _ => None,
        });
        config.proxy_url.is_some()
    }

    #[test]
    fn the_proxy_of_the_environment_is_for_servers_that_are_not_exempt() {
        let common = "http://proxy.example.com:3128";
        for (server, no_proxy, is_used) in [
            ("https://api.cluster.io:6443", "", true),
            ("https://api.cluster.io:6443", "other.io, cluster.io", false),
            ("https://api.cluster.io:6443", ".cluster.io", false),
            ("https://api.cluster.io:6443", "*.cluster.io", false),
            ("https://api.cluster.io:6443", "api.cluster.io", false),
            ("https://api.mycluster.io:6443", "cluster.io", true),
            ("https://api.cluster.io:6443", "*", false),
            ("https://10.1.2.3:6443", "10.0.0.0/8", false),
            ("https://11.1.2.3:6443", "10.0.0.0/8", true),
            ("https://11.1.2.3:6443", "10.0.0.0/99", true),
            ("https://11.1.2.3:6443", "0.0.0.0/0", false),
            ("https://10.1.2.3:6443", "10.1.2.3", false),
            ("https://[fd00::1]:6443", "fd00::/8", false),
            ("https://[fd00::1]:6443", "fd00::1", false),
            ("https://127.0.0.1:6443", "", false),
            ("https://[::1]:6443", "", false),
            ("https://localhost:6443", "", false),
        ] {
            assert_eq!(
                proxy(server, common, no_proxy),
                is_used,
                "{server} {no_proxy}"
            );
        }
        let own = "http://of-the-kubeconfig:3128";
        assert!(proxy("https://127.0.0.1:6443", own, "*"));
    }
}
