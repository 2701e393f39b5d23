//! Loading YAML: many documents, created or updated, definitions first waited for.

use serde_json::{Value, json};

use crate::{
    admission::Caller,
    auth::User,
    cluster::Cluster,
    error::ApiError,
    object::{meta, normalise_numbers, text},
    patch::merge,
    strategy::Part,
    verbs::{Target, WriteOptions, Written, create, decode, read, update},
};

/// Who is said to own the fields.
const MANAGER: &str = "kopfrs-sandbox";

/// One object of an applied text.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Applied {
    /// The object as it is now, `apiVersion` and `kind` included.
    pub object: Value,
    /// Whether it was not there before.
    pub created: bool,
}

/// Why a text could not be applied; what came before in the text has been.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The text is no YAML.
    #[error("failed to parse the YAML: {0}")]
    Syntax(String),
    /// A document is not an object with `apiVersion` and `kind`.
    #[error("document {0} has no apiVersion or kind")]
    NoKind(usize),
    /// The kind is not served.
    #[error("no kind {kind} in {api_version} is served")]
    UnknownKind {
        /// The document's `apiVersion`.
        api_version: String,
        /// The document's `kind`.
        kind: String,
    },
    /// The API refused the object.
    #[error("failed to apply {object}: {message}")]
    Refused {
        /// Kind and name of the object.
        object: String,
        /// The status code.
        code: u16,
        /// The API's message.
        message: String,
    },
}

pub(crate) async fn apply(cluster: &Cluster, text: &str) -> Result<Vec<Applied>, ApplyError> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| ApplyError::Syntax(error.to_string()))?;
    let mut applied = Vec::new();
    for (index, mut document) in documents.into_iter().enumerate() {
        if document.is_null() {
            continue;
        }
        normalise_numbers(&mut document);
        for object in items(document) {
            applied.push(apply_one(cluster, index, object).await?);
        }
    }
    Ok(applied)
}

/// The objects of a `List`, or the object itself.
fn items(document: Value) -> Vec<Value> {
    match (document["kind"].as_str(), document["items"].as_array()) {
        (Some("List"), Some(items)) => items.clone(),
        _ => vec![document],
    }
}

async fn apply_one(cluster: &Cluster, index: usize, object: Value) -> Result<Applied, ApplyError> {
    let (Some(api_version), Some(name)) =
        (text(&object, &["apiVersion"]), text(&object, &["kind"]))
    else {
        return Err(ApplyError::NoKind(index));
    };
    let kinds = cluster.registry.kinds();
    let Some(kind) = kinds.by_type(api_version, name) else {
        return Err(ApplyError::UnknownKind {
            api_version: api_version.to_owned(),
            kind: name.to_owned(),
        });
    };
    let namespace = match meta(&object, "namespace") {
        _ if !kind.namespaced => "",
        "" => "default",
        given => given,
    };
    let target = Target {
        kind: kind.clone(),
        namespace: namespace.to_owned(),
        name: meta(&object, "name").to_owned(),
    };
    let refused = |error: ApiError| ApplyError::Refused {
        object: format!("{name} {}", target.key()),
        code: error.code,
        message: error.message,
    };
    let written = write(cluster, &target, &object).await.map_err(refused)?;
    if kind.kind == "CustomResourceDefinition" {
        established(cluster, &target).await;
    }
    Ok(Applied {
        object: kind.typed(&crate::strategy::view::outward(kind, &written.object)),
        created: written.created,
    })
}

async fn write(cluster: &Cluster, target: &Target, object: &Value) -> Result<Written, ApiError> {
    let options = WriteOptions {
        manager: MANAGER.to_owned(),
        caller: Some(Caller::new(User::admin())),
        given: json!({"fieldManager": MANAGER}),
        ..WriteOptions::default()
    };
    let refuse = |why: &str| decode::strict_error(&target.kind, why);
    let exists = !target.name.is_empty() && read::get(cluster, target, "").is_ok();
    if !exists {
        let create_target = Target {
            name: String::new(),
            ..target.clone()
        };
        let decoded = decode::typed(&target.kind, object.clone(), refuse)?;
        return create::create(cluster, &create_target, decoded, &options).await;
    }
    update::update(
        cluster,
        target,
        Part::Main,
        update::Method::Patch,
        &options,
        |current| {
            let mut value = current.clone();
            merge(&mut value, object);
            decode::typed(&target.kind, value, refuse)
        },
    )
    .await
}

/// Waits until a definition is served, or can be seen not to be.
async fn established(cluster: &Cluster, target: &Target) {
    let mut cursor = cluster.store.cursor(&target.kind.resource, None);
    loop {
        let Some(object) = cluster.store.get(&target.kind.resource, &target.key()) else {
            return;
        };
        let condition = |kind: &str, state: &str| {
            let conditions = object.value["status"]["conditions"]
                .as_array()
                .into_iter()
                .flatten();
            conditions
                .into_iter()
                .any(|one| one["type"] == kind && one["status"] == state)
        };
        let generation = object.value["metadata"]["generation"].as_i64();
        let served = cluster
            .registry
            .kinds()
            .resources()
            .filter_map(|kind| kind.custom())
            .any(|custom| {
                custom.definition == target.name && Some(custom.generation) == generation
            });
        if condition("NamesAccepted", "False") || (condition("Established", "True") && served) {
            return;
        }
        cursor.changed().await;
        // Moves the cursor, so that only news wakes it again.
        if cluster.store.read(&mut cursor, usize::MAX).is_err() {
            cursor = cluster.store.cursor(&target.kind.resource, None);
        }
    }
}
