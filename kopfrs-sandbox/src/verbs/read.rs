//! Reading one object.

use std::sync::Arc;

use super::{Target, parse_version};
use crate::{cluster::Cluster, conversion, error::ApiError, object::Object};

/// Reads an object in the target's version, at least as new as `version` says, where `as_of` is taken for the newest
/// revision.
pub(crate) async fn get(
    cluster: &Cluster,
    target: &Target,
    version: &str,
    as_of: Option<u64>,
) -> Result<Arc<Object>, ApiError> {
    let object = find(cluster, target, version, as_of)?;
    if version.is_empty() {
        conversion::seen_anew(cluster, &target.kind, object).await
    } else {
        conversion::seen_one(cluster, &target.kind, object).await
    }
}

fn find(
    cluster: &Cluster,
    target: &Target,
    version: &str,
    as_of: Option<u64>,
) -> Result<Arc<Object>, ApiError> {
    if !version.is_empty() {
        let version = parse_version(version)
            .map_err(|why| ApiError::internal(format!("resourceVersion: {why}")))?;
        let current = as_of.unwrap_or_else(|| cluster.store.revision());
        if version > current {
            return Err(ApiError::too_large_version(version, current));
        }
    }
    let (store, resource, key) = (&cluster.store, &target.kind.resource, target.key());
    let found = match as_of {
        Some(revision) => store.get_at(resource, &key, revision),
        None => store.get(resource, &key),
    };
    found.ok_or_else(|| target.not_found())
}
