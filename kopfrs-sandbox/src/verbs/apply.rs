//! Server-side apply.

use serde_json::{Value, json};

use super::{
    Target, WriteOptions, Written, create,
    decode::{self, Decoded},
    update,
};
use crate::{
    cluster::Cluster,
    error::ApiError,
    object::{Fields, fields_mut, meta, metadata_mut, text},
    ownership::{self, Apply, applied, typed_error},
    registry::Kind,
    strategy::Part,
};

/// Applies a configuration: creates the object, or merges into it what the manager wants and takes away what it wants
/// no more.
pub(crate) async fn apply(
    cluster: &Cluster,
    target: &Target,
    part: Part,
    (config, force): (Value, bool),
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    let kind = &target.kind;
    if part != Part::Main && cluster.store.get(&kind.resource, &target.key()).is_none() {
        return Err(target.not_found());
    }
    let mut decoded = decode(kind, config)?;
    let exists = || cluster.store.get(&kind.resource, &target.key()).is_some();
    if exists() && meta(&decoded, "name").is_empty() {
        // What is merged into an object has its name.
        metadata_mut(&mut decoded).insert("name".to_owned(), json!(target.name));
    }
    update::check_name(target, &decoded)?;
    let config = reduced(kind, decoded, part);
    let apply = Apply {
        config: &config,
        force,
    };
    loop {
        let result = if exists() {
            merge(cluster, target, part, apply, options).await
        } else if part == Part::Main {
            create(cluster, target, apply, options).await
        } else {
            return Err(target.not_found());
        };
        match result {
            // It came or went in between: the other way, then.
            Err(error) if error.code == 404 && part == Part::Main && is_about(&error, target) => {}
            Err(error) if error.code == 409 && error.is_already_exists() => {}
            result => return result,
        }
    }
}

fn is_about(error: &ApiError, target: &Target) -> bool {
    error.message == target.not_found().message
}

async fn merge(
    cluster: &Cluster,
    target: &Target,
    part: Part,
    apply: Apply<'_>,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    let now = cluster.clock.rfc3339();
    update::update_across(
        cluster,
        target,
        part,
        update::Method::Apply,
        options,
        |current, versions| {
            let mut live = current.clone();
            fields_mut(&mut live).remove("apiVersion");
            fields_mut(&mut live).remove("kind");
            let value = applied(&target.kind, &live, (options.writer(&now), apply), versions)?;
            Ok(Decoded {
                value,
                faults: Vec::new(),
            })
        },
    )
    .await
}

fn decode(kind: &Kind, config: Value) -> Result<Value, ApiError> {
    if config["metadata"]
        .get("managedFields")
        .is_some_and(|fields| !fields.is_null())
    {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let api_version = text(&config, &["apiVersion"]).unwrap_or_default();
    let name = text(&config, &["kind"]).unwrap_or_default();
    if api_version != kind.api_version || name != kind.kind {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        return Err(ApiError::bad_request(format!(
            "invalid object type: {group}/{version}, Kind={name}"
        )));
    }
    let original = config.clone();
    let decoded = decode::typed(kind, config, |why| {
        // The merging types are looked at first, and have their own words.
        let wrong = ownership::check(kind, &original).err();
        typed_error(kind, &original, &wrong.unwrap_or_else(|| expectation(why)))
    })?;
    let unknown = decoded
        .faults
        .first()
        .and_then(|fault| fault.split('"').nth(1));
    match unknown {
        Some(path) => Err(typed_error(
            kind,
            &original,
            &format!(".{path}: field not declared in schema"),
        )),
        None => Ok(decoded.value),
    }
}

/// The words of a typed decoder for what Go's decoder says about a wrong type.
fn expectation(why: &str) -> String {
    let parsed = || {
        let (found, rest) = why
            .strip_prefix("json: cannot unmarshal ")?
            .split_once(" into Go struct field ")?;
        let (field, wanted) = rest.split_once(" of type ")?;
        Some(format!(".{field}: expected {wanted}, got {found}"))
    };
    parsed().unwrap_or_else(|| why.to_owned())
}

/// What of a configuration this path may write.
fn reduced(kind: &Kind, mut config: Value, part: Part) -> Value {
    match part {
        Part::Main => {
            if kind.has_status() {
                fields_mut(&mut config).remove("status");
            }
            config
        }
        Part::Status | Part::Finalize => {
            let member = if part == Part::Status {
                "status"
            } else {
                "spec"
            };
            let mut metadata = Fields::new();
            for name in ["name", "namespace", "resourceVersion"] {
                metadata.extend(
                    config["metadata"]
                        .get(name)
                        .map(|value| (name.to_owned(), value.clone())),
                );
            }
            let mut reduced = json!({"metadata": metadata});
            if let Some(value) = config.get(member) {
                reduced[member] = value.clone();
            }
            reduced
        }
    }
}

async fn create(
    cluster: &Cluster,
    target: &Target,
    apply: Apply<'_>,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    let uid = meta(apply.config, "uid");
    if !uid.is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        return Err(ApiError::conflict(target.kind.subject(&target.name), why));
    }
    let mut value = apply.config.clone();
    metadata_mut(&mut value).remove("resourceVersion");
    create::create_owned(
        cluster,
        target,
        Decoded {
            value,
            faults: Vec::new(),
        },
        options,
        Some(apply),
    )
    .await
}
