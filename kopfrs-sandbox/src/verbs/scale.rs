//! The scale subresource: replicas of an object seen as `autoscaling/v1` Scale.

use serde_json::{Value, json};

use super::{Target, WriteOptions, decode::Decoded, update};
use crate::{
    cluster::Cluster,
    error::{ApiError, FieldError, Subject},
    object::{Object, fields_mut, meta},
    registry::custom::ScalePaths,
    strategy::{Part, view},
};

/// The subresource.
pub(super) const NAME: &str = "scale";

fn paths(target: &Target) -> ScalePaths {
    let path = |names: [&str; 2]| names.iter().map(|&name| name.to_owned()).collect();
    match target.kind.custom().and_then(|custom| custom.scale.clone()) {
        Some(paths) => paths,
        None => ScalePaths {
            spec: path(["spec", "replicas"]),
            status: path(["status", "replicas"]),
            selector: None,
        },
    }
}

fn find<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

fn put(value: &mut Value, path: &[String], replicas: i64) {
    match path.split_first() {
        None => *value = json!(replicas),
        Some((name, rest)) => put(
            fields_mut(value).entry(name).or_insert(Value::Null),
            rest,
            replicas,
        ),
    }
}

/// The object seen as a Scale.
pub(crate) fn scale_of(target: &Target, object: &Object) -> Result<Value, ApiError> {
    let value = view::outward(&target.kind, object);
    from_value(target, &value, true)
}

/// The same of a value that is not stored.
pub(super) fn from_value(target: &Target, value: &Value, strict: bool) -> Result<Value, ApiError> {
    let paths = paths(target);
    let custom = target.kind.custom().is_some();
    let replicas = find(value, &paths.spec).and_then(Value::as_i64);
    if custom && strict && replicas.is_none() {
        let why = format!(
            "the spec replicas field \".{}\" does not exist",
            paths.spec.join(".")
        );
        let details = json!({"causes": [{"message": why}]});
        return Err(ApiError::new(
            500,
            "InternalError",
            format!("Internal error occurred: {why}"),
            Some(details),
        ));
    }
    let mut metadata = json!({});
    for name in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        if let Some(member) = value["metadata"].get(name) {
            metadata[name] = member.clone();
        }
    }
    // Zero is left out of `spec` and never of `status`: so are the Go types.
    let spec = replicas
        .filter(|replicas| *replicas != 0)
        .map_or(json!({}), |replicas| json!({"replicas": replicas}));
    let mut status =
        json!({"replicas": find(value, &paths.status).and_then(Value::as_i64).unwrap_or(0)});
    let selector = match &paths.selector {
        Some(path) => find(value, path).and_then(Value::as_str).map(str::to_owned),
        None if custom => None,
        None => selector_text(&value["spec"]["selector"]),
    };
    if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
        status["selector"] = json!(selector);
    }
    Ok(
        json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}),
    )
}

fn selector_text(selector: &Value) -> Option<String> {
    let labels = selector["matchLabels"].as_object()?;
    let pairs = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    Some(pairs.collect::<Vec<_>>().join(","))
}

/// The object with the replicas of a Scale.
pub(super) fn scaled(target: &Target, mut value: Value, scale: &Value) -> Value {
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
    put(&mut value, &paths(target).spec, replicas);
    value
}

/// Writes the replicas of a Scale made from the present one.
pub(crate) async fn write(
    cluster: &Cluster,
    target: &Target,
    method: update::Method,
    options: &WriteOptions,
    change: impl Fn(&Value) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    let paths = paths(target);
    let written = update::update(cluster, target, Part::Main, method, options, |current| {
        let scale = change(&from_value(target, current, false)?)?;
        check(target, &scale)?;
        let mut value = current.clone();
        put(
            &mut value,
            &paths.spec,
            scale["spec"]["replicas"].as_i64().unwrap_or(0),
        );
        let given = meta(&scale, "resourceVersion");
        if !given.is_empty() {
            value["metadata"]["resourceVersion"] = json!(given);
        }
        fields_mut(&mut value).remove("apiVersion");
        fields_mut(&mut value).remove("kind");
        Ok(Decoded {
            value,
            faults: Vec::new(),
        })
    })
    .await?;
    scale_of(target, &written.object)
}

fn check(target: &Target, scale: &Value) -> Result<(), ApiError> {
    let name = meta(scale, "name");
    if name != target.name {
        let message = format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        );
        return Err(ApiError::bad_request(message));
    }
    let replicas = &scale["spec"]["replicas"];
    if replicas.as_i64().unwrap_or(0) >= 0 {
        return Ok(());
    }
    if target.kind.custom().is_some() {
        let field = format!(".{}", paths(target).spec.join("."));
        let error = FieldError::invalid(field, replicas, "should be a non-negative integer");
        return Err(ApiError::invalid(target.kind.kind_subject(name), &[error]));
    }
    let error = FieldError::invalid(
        "spec.replicas",
        replicas,
        "must be greater than or equal to 0",
    );
    Err(ApiError::invalid(
        Subject {
            group: "autoscaling",
            resource: "Scale",
            name,
        },
        &[error],
    ))
}
