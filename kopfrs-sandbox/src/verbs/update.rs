//! Changing objects: PUT and all patches.
//!
//! One loop for all: read, compute, write if nothing came between, else again. A resource version in the new state makes
//! the write conditional, as it does on a real server.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Target, WriteOptions, Written,
    create::{check_namespace_matches, refuse_invalid},
    decode::{self, Decoded},
};
use crate::{
    cluster::Cluster,
    error::{ApiError, FieldError, Subject},
    object::{Object, meta, metadata_mut},
    ownership,
    registry::Origin,
    strategy::{self, Part},
};

/// How the new state is made; decides some error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Put,
    Patch,
    /// The new state comes with its books of field owners.
    Apply,
}

/// Replaces the object's state by what `change` makes of the present one (given with `apiVersion` and `kind`).
pub(crate) fn update(
    cluster: &Cluster,
    target: &Target,
    part: Part,
    method: Method,
    options: &WriteOptions,
    change: impl Fn(&Value) -> Result<Decoded, ApiError>,
) -> Result<Written, ApiError> {
    let kind = &target.kind;
    loop {
        let current = cluster
            .store
            .get(&kind.resource, &target.key())
            .ok_or_else(|| target.not_found())?;
        let old = strategy::view::outward(kind, &current);
        let decoded = change(&kind.typed(&old))?;
        let warnings = judge(target, &decoded, method, options)?;
        let mut new = decoded.value;
        check_identity(target, &new, &current, method)?;
        let mut old = old.into_owned();
        strategy::view::inward(kind, &mut new);
        strategy::view::inward(kind, &mut old);
        strategy::prepare_update(kind, &mut new, &old, part);
        strategy::normalise(kind, &mut new);
        strategy::count_generation(kind, &mut new, &old);
        if method != Method::Apply {
            ownership::updated(
                kind,
                &mut new,
                &old,
                options.writer(&cluster.clock.rfc3339()),
            );
            strategy::metadata::clean(metadata_mut(&mut new));
        }
        refuse_invalid(
            kind,
            &new,
            strategy::validate_update(kind, &new, &old, part),
        )?;
        if let Some(object) = commit(cluster, target, &current, new, options.dry_run) {
            return Ok(Written {
                object,
                created: false,
                warnings,
            });
        }
    }
}

fn judge(
    target: &Target,
    decoded: &Decoded,
    method: Method,
    options: &WriteOptions,
) -> Result<Vec<String>, ApiError> {
    decode::judge(&decoded.faults, options.validation).map_err(|why| match method {
        Method::Put => decode::strict_error(&target.kind, &why),
        Method::Patch | Method::Apply => ApiError::invalid_patch(&target.name, why),
    })
}

/// Name, namespace, resource version and uid of the new state against the present object.
fn check_identity(
    target: &Target,
    new: &Value,
    current: &Object,
    method: Method,
) -> Result<(), ApiError> {
    let kind = &target.kind;
    check_name(target, new)?;
    check_version(target, meta(new, "resourceVersion"), current)?;
    let (given, uid) = (meta(new, "uid"), meta(&current.value, "uid"));
    if method == Method::Put && !given.is_empty() && given != uid {
        let key = format!("/registry/{}/{}", kind.plural, target.key());
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object meta: {uid}"
        );
        return Err(ApiError::conflict(kind.subject(&target.name), why));
    }
    Ok(())
}

/// The name and the namespace of a body are the path's.
pub(super) fn check_name(target: &Target, value: &Value) -> Result<(), ApiError> {
    let name = meta(value, "name");
    if name.is_empty() {
        let message = format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        );
        return Err(ApiError::bad_request(message));
    }
    if name != target.name {
        let message = format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        );
        return Err(ApiError::bad_request(message));
    }
    check_namespace_matches(target, value)
}

fn check_version(target: &Target, given: &str, current: &Object) -> Result<(), ApiError> {
    let kind = &target.kind;
    if given.is_empty() || given == "0" {
        if kind.custom().is_none() {
            return Ok(());
        }
        let error = FieldError::invalid(
            "metadata.resourceVersion",
            &json!(0),
            "must be specified for an update",
        );
        let subject = Subject {
            group: &kind.group,
            resource: &kind.plural,
            name: &target.name,
        };
        return Err(ApiError::invalid(subject, &[error]));
    }
    let Ok(version) = given.parse::<u64>() else {
        return Err(ApiError::internal(format!(
            "strconv.ParseUint: parsing {given:?}: invalid syntax"
        )));
    };
    if version == current.revision {
        Ok(())
    } else {
        Err(ApiError::modified(kind.subject(&target.name)))
    }
}

/// Writes the new state; `None` when someone else wrote in between.
fn commit(
    cluster: &Cluster,
    target: &Target,
    current: &Arc<Object>,
    mut new: Value,
    dry_run: bool,
) -> Option<Arc<Object>> {
    let kind = &target.kind;
    let version = json!(current.revision.to_string());
    metadata_mut(&mut new).insert("resourceVersion".to_owned(), version);
    let schema = strategy::to_storage(kind, &mut new);
    if strategy::may_go(&new) {
        // A real server answers with the state that was not stored any more, under the old version.
        if !dry_run {
            cluster
                .store
                .remove(&kind.resource, &target.key(), current.revision)
                .ok()?;
        }
        return Some(Arc::new(Object::new(current.revision, schema, new)));
    }
    if new == current.value {
        return Some(current.clone());
    }
    if dry_run {
        return Some(Arc::new(Object::new(current.revision, schema, new)));
    }
    cluster
        .store
        .replace(&kind.resource, &target.key(), current.revision, schema, new)
        .ok()
}

/// PUT: replaces, or creates the few kinds that allow it.
pub(crate) fn put(
    cluster: &Cluster,
    target: &Target,
    part: Part,
    decoded: Decoded,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    let creates = matches!(&target.kind.origin, Origin::BuiltIn(rules) if rules.put_creates)
        && part == Part::Main;
    if creates
        && cluster
            .store
            .get(&target.kind.resource, &target.key())
            .is_none()
    {
        return super::create::create(cluster, target, decoded, options);
    }
    let Decoded { value, faults } = decoded;
    update(cluster, target, part, Method::Put, options, |_| {
        Ok(Decoded {
            value: value.clone(),
            faults: faults.clone(),
        })
    })
}
