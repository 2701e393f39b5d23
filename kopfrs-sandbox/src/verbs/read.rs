//! Reading one object.

use std::sync::Arc;

use super::Target;
use crate::{cluster::Cluster, error::ApiError, object::Object};

/// Reads an object, at least as new as `version` says.
pub(crate) fn get(
    cluster: &Cluster,
    target: &Target,
    version: &str,
) -> Result<Arc<Object>, ApiError> {
    if !version.is_empty() {
        let Ok(version) = version.parse::<u64>() else {
            let why = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
            return Err(ApiError::internal(format!(
                "resourceVersion: Invalid value: {version:?}: {why}"
            )));
        };
        let current = cluster.store.revision();
        if version > current {
            return Err(ApiError::too_large_version(version, current));
        }
    }
    cluster
        .store
        .get(&target.kind.resource, &target.key())
        .ok_or_else(|| target.not_found())
}
