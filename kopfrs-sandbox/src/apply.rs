//! Loading YAML: many documents, created or updated, definitions first waited for.

use std::fmt;

use serde_json::{Value, json};
use serde_saphyr::Spanned;

use crate::{
    admission::Caller,
    auth::User,
    cluster::Cluster,
    error::ApiError,
    object::{meta, normalise_numbers, text},
    patch::merge,
    strategy::Part,
    verbs::{Target, WriteOptions, Written, create, decode, update},
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
    /// The text is no YAML: nothing of it has been applied.
    #[error("{at}: failed to parse line {line}: {reason}")]
    Syntax {
        /// Which document.
        at: Document,
        /// Where, counted from one.
        line: u64,
        /// What the parser says.
        reason: String,
    },
    /// A document is not an object with `apiVersion` and `kind`.
    #[error("{at}: it has no apiVersion or no kind")]
    NoKind {
        /// Which document.
        at: Document,
    },
    /// The kind is not served.
    #[error("{at}: no kind {kind} in {api_version} is served; apply its definition first")]
    UnknownKind {
        /// Which document.
        at: Document,
        /// The document's `apiVersion`.
        api_version: String,
        /// The document's `kind`.
        kind: String,
    },
    /// The API refused the object.
    #[error("{at}: failed to apply {object}: {message}")]
    Refused {
        /// Which document.
        at: Document,
        /// Kind and name of the object.
        object: String,
        /// The status code.
        code: u16,
        /// The API's message.
        message: String,
    },
}

/// A document of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// Which one it is, counted from one; empty ones do not count.
    pub number: usize,
    /// The line it begins at, counted from one.
    pub line: u64,
}

impl Document {
    /// The document that a line of a text is in, where the text cannot be parsed.
    fn around(text: &str, line: u64) -> Self {
        let mut at = Self { number: 0, line: 1 };
        let mut is_empty = true;
        for (number, content) in (1..=line).zip(text.lines()) {
            let rest = content.strip_prefix("---");
            if rest.is_some() {
                is_empty = true;
            }
            let content = rest.unwrap_or(content).trim();
            if is_empty && !content.is_empty() && !content.starts_with('#') {
                is_empty = false;
                at.number += 1;
                at.line = number;
            }
        }
        at.number = at.number.max(1);
        at
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "document {} (line {})", self.number, self.line)
    }
}

pub(crate) async fn apply(cluster: &Cluster, text: &str) -> Result<Vec<Applied>, ApplyError> {
    let documents: Vec<Spanned<Value>> =
        serde_saphyr::from_multiple(text).map_err(|error| syntax(text, &error))?;
    let mut applied = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        let at = Document {
            number: index + 1,
            line: document.referenced.line(),
        };
        let mut value = document.value;
        normalise_numbers(&mut value);
        for object in items(value) {
            applied.push(apply_one(cluster, at, object).await?);
        }
    }
    Ok(applied)
}

fn syntax(text: &str, error: &serde_saphyr::Error) -> ApplyError {
    let line = error
        .location()
        .map_or(1, |location| location.line())
        .max(1);
    ApplyError::Syntax {
        at: Document::around(text, line),
        line,
        reason: error.without_snippet().to_string(),
    }
}

/// The objects of a `List`, or the object itself.
fn items(document: Value) -> Vec<Value> {
    match (document["kind"].as_str(), document["items"].as_array()) {
        (Some("List"), Some(items)) => items.clone(),
        _ => vec![document],
    }
}

async fn apply_one(cluster: &Cluster, at: Document, object: Value) -> Result<Applied, ApplyError> {
    let (Some(api_version), Some(name)) =
        (text(&object, &["apiVersion"]), text(&object, &["kind"]))
    else {
        return Err(ApplyError::NoKind { at });
    };
    let kinds = cluster.registry.kinds();
    let Some(kind) = kinds.by_type(api_version, name) else {
        return Err(ApplyError::UnknownKind {
            at,
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
        at,
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
    let exists = !target.name.is_empty()
        && cluster
            .store
            .get(&target.kind.resource, &target.key())
            .is_some();
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
    let mut kinds = cluster.registry.changes();
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
        // What is defined anew may be served without another change of its definition.
        tokio::select! {
            () = cursor.changed() => {}
            _ = kinds.changed() => {}
        }
        // Moves the cursor, so that only news wakes it again.
        if cluster.store.read(&mut cursor, usize::MAX).is_err() {
            cursor = cluster.store.cursor(&target.kind.resource, None);
        }
    }
}
