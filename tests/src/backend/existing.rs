//! A cluster that is there already.

use std::path::PathBuf;

use super::{Failure, Keeper, Started, client};

pub(super) async fn start() -> Result<Started, Failure> {
    // As the tools have it, several files may be named; the first one counts here.
    let files = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let first = std::env::split_paths(&files).next();
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube/config"));
    let kubeconfig = first
        .filter(|path| !path.as_os_str().is_empty())
        .or(home)
        .ok_or("USE_EXISTING_CLUSTER is set, but KUBECONFIG is not")?;
    Ok(Started {
        client: client(&kubeconfig).await?,
        kubeconfig,
        keeper: Keeper::None,
    })
}
