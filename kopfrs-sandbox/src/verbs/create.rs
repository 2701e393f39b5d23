//! Creating objects.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Target, WriteOptions, Written,
    decode::{self, Decoded},
};
use crate::{
    cluster::Cluster,
    error::ApiError,
    object::{Object, is_deleting, key, meta, metadata_mut},
    ownership::{self, Apply},
    registry::{Kind, Origin},
    strategy,
};

/// How often a generated name may be taken before giving up.
const NAME_ATTEMPTS: usize = 8;

/// Creates an object in the target's namespace.
pub(crate) fn create(
    cluster: &Cluster,
    target: &Target,
    decoded: Decoded,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    create_owned(cluster, target, decoded, options, None)
}

/// The same, with the fields owned by an apply instead of by whoever creates.
pub(super) fn create_owned(
    cluster: &Cluster,
    target: &Target,
    decoded: Decoded,
    options: &WriteOptions,
    apply: Option<Apply<'_>>,
) -> Result<Written, ApiError> {
    let kind = &target.kind;
    let warnings = decode::judge(&decoded.faults, options.validation)
        .map_err(|why| decode::strict_error(kind, &why))?;
    let mut value = decoded.value;
    check_namespace_matches(target, &value)?;
    if !meta(&value, "resourceVersion").is_empty() {
        return Err(ApiError::internal(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let generated = meta(&value, "name").is_empty() && !meta(&value, "generateName").is_empty();
    strategy::generate_name(&mut value);
    admit(cluster, target, meta(&value, "name"))?;
    let now = cluster.clock.rfc3339();
    strategy::prepare_create(kind, &mut value, &target.namespace, &now);
    strategy::view::inward(kind, &mut value);
    strategy::normalise(kind, &mut value);
    if let Origin::BuiltIn(rules) = &kind.origin {
        (rules.prepare)(&mut value);
    }
    ownership::created(kind, &mut value, options.writer(&now), apply);
    refuse_invalid(kind, &value, strategy::validate_create(kind, &value))?;
    let object = store(cluster, target, value, generated, options.dry_run)?;
    Ok(Written {
        object,
        created: true,
        warnings,
    })
}

/// The namespace of the body, if it has one, must be the path's.
pub(super) fn check_namespace_matches(target: &Target, value: &Value) -> Result<(), ApiError> {
    let given = meta(value, "namespace");
    if target.kind.namespaced && !given.is_empty() && given != target.namespace {
        let message =
            "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// What a real server's admission plugins say about new content: the namespace must be there and stay.
fn admit(cluster: &Cluster, target: &Target, name: &str) -> Result<(), ApiError> {
    let kind = &target.kind;
    if kind.custom().is_some_and(|custom| custom.is_terminating) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(ApiError::forbidden(kind.subject(name), why, None));
    }
    if !kind.namespaced {
        return Ok(());
    }
    let namespace = target.namespace.as_str();
    let Some(object) = cluster.store.get("namespaces", namespace) else {
        let subject = crate::error::Subject {
            group: "",
            resource: "namespaces",
            name: namespace,
        };
        return Err(ApiError::not_found(subject));
    };
    if is_deleting(&object.value) {
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let cause = json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        return Err(ApiError::forbidden(kind.subject(name), why, Some(cause)));
    }
    Ok(())
}

/// 422 if there is anything to refuse.
pub(super) fn refuse_invalid(
    kind: &Kind,
    value: &Value,
    mut errors: Vec<crate::error::FieldError>,
) -> Result<(), ApiError> {
    if errors.is_empty() {
        return Ok(());
    }
    errors.sort_by_key(ToString::to_string);
    Err(ApiError::invalid(
        kind.kind_subject(meta(value, "name")),
        &errors,
    ))
}

fn store(
    cluster: &Cluster,
    target: &Target,
    mut value: Value,
    generated: bool,
    dry_run: bool,
) -> Result<Arc<Object>, ApiError> {
    let kind = &target.kind;
    let schema = strategy::to_storage(kind, &mut value);
    let mut attempts = if generated { NAME_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let name = meta(&value, "name").to_owned();
        let key = key(&target.namespace, &name);
        let taken = if dry_run {
            match cluster.store.get(&kind.resource, &key) {
                None => return Ok(Arc::new(Object::new(0, schema, value))),
                Some(present) => present,
            }
        } else {
            // The clone is only needed to try another name.
            let stored = if generated {
                value.clone()
            } else {
                std::mem::take(&mut value)
            };
            match cluster.store.create(&kind.resource, key, schema, stored) {
                Ok(object) => return Ok(object),
                Err(present) => present,
            }
        };
        if attempts == 0 {
            return Err(ApiError::already_exists(
                kind.subject(&name),
                is_deleting(&taken.value),
            ));
        }
        metadata_mut(&mut value).remove("name");
        strategy::generate_name(&mut value);
    }
}
