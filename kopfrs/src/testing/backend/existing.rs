//! A cluster that is there already.

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::Failure;
use super::wire::{Held, Started};

pub(super) async fn start() -> Result<Started, Failure> {
    // A cluster that nobody has named must not be met by accident.
    let files = std::env::var_os("KUBECONFIG").unwrap_or_default();
    // As the tools have it, several files may be named; the first one counts here.
    let kubeconfig = std::env::split_paths(&files)
        .find(|path| !path.as_os_str().is_empty())
        .ok_or("tests shall run on an existing cluster, but KUBECONFIG does not name it")?;
    let options = KubeConfigOptions::default();
    let config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(&kubeconfig)?, &options).await?;
    Ok(Started {
        kubeconfig,
        config,
        held: Held::Nothing,
    })
}
