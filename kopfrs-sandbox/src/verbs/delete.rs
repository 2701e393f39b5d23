//! Deleting objects, one or a collection.
//!
//! Deletion marks what finalizers or a grace period hold, and removes the rest.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::Target;
use crate::{
    admission::{Caller, Chain, Operation},
    cluster::Cluster,
    conversion,
    error::{ApiError, FieldError, Subject},
    object::{Object, child_mut, fields_mut, is_deleting, meta, meta_list, metadata_mut, text},
    registry::Origin,
    storage::Changed,
    strategy::{self, builtin::definition},
};

/// What becomes of an object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

impl Propagation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

/// The options of a deletion.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) grace: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    /// Whether the object is one of a collection that is deleted.
    pub(crate) is_collective: bool,
    /// Who asks; nobody when the server deletes for itself, which no webhook hears of.
    pub(crate) caller: Option<Caller>,
    /// The options as the client gave them.
    pub(crate) given: Value,
}

/// What a deletion did.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// The object is still there, or was and is answered with.
    Object(Arc<Object>),
    /// The object is gone; this is what it was.
    Gone(Arc<Object>),
}

/// Namespaces that a real server protects.
const PROTECTED: [&str; 3] = ["default", "kube-public", "kube-system"];

pub(crate) async fn delete(
    cluster: &Cluster,
    target: &Target,
    options: &DeleteOptions,
) -> Result<Deleted, ApiError> {
    let kind = &target.kind;
    if kind.plural == "namespaces"
        && kind.group.is_empty()
        && PROTECTED.contains(&target.name.as_str())
    {
        return Err(ApiError::forbidden(
            kind.subject(&target.name),
            "this namespace may not be deleted",
            None,
        ));
    }
    loop {
        let current = cluster
            .store
            .get(&kind.resource, &target.key())
            .ok_or_else(|| target.not_found())?;
        let seen = conversion::seen_anew(cluster, kind, current.clone()).await?;
        check_preconditions(target, &current, options)?;
        if let Some(chain) = Chain::of_deletion(cluster, target, options) {
            let value = strategy::view::outward(kind, &seen);
            let old = Some(kind.typed(&value));
            chain.mutate(Operation::Delete, None, old.as_ref()).await?;
            chain
                .validate(Operation::Delete, None, old.as_ref())
                .await?;
        }
        if let Some(deleted) = attempt(cluster, target, (&current, &seen), options).await? {
            return Ok(match deleted {
                Deleted::Object(object) => {
                    Deleted::Object(conversion::seen_one(cluster, kind, object).await?)
                }
                Deleted::Gone(object) => Deleted::Gone(object),
            });
        }
    }
}

fn check_preconditions(
    target: &Target,
    current: &Object,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    let subject = target.kind.kind_subject(&target.name);
    let uid = meta(&current.value, "uid");
    let refuse = |what: &str, given: &str, present: &str| {
        let end = match what {
            "UID" => "The object might have been deleted and then recreated",
            _ => "The object might have been modified",
        };
        let why = format!(
            "the {what} in the precondition ({given}) does not match the {what} in record ({present}). {end}"
        );
        Err(ApiError::conflict(subject, why))
    };
    if let Some(given) = options.uid.as_deref().filter(|given| *given != uid) {
        return refuse("UID", given, uid);
    }
    let version = current.revision.to_string();
    if let Some(given) = options
        .resource_version
        .as_deref()
        .filter(|given| *given != version)
    {
        return refuse("ResourceVersion", given, &version);
    }
    Ok(())
}

/// One try with an object as it is stored and as it is seen; `None` when it changed meanwhile.
async fn attempt(
    cluster: &Cluster,
    target: &Target,
    (current, seen): (&Arc<Object>, &Arc<Object>),
    options: &DeleteOptions,
) -> Result<Option<Deleted>, ApiError> {
    let kind = &target.kind;
    let (store, resource, key) = (&cluster.store, &kind.resource, target.key());
    let value = strategy::view::outward(kind, seen);
    let marked = mark(cluster, target, &value, options);
    let goes =
        strategy::may_go(&marked) || (is_deleting(&marked) && is_forced(target, options, &marked));
    if goes {
        if options.dry_run {
            return Ok(Some(answer(target, current.clone(), &marked)));
        }
        let mut revision = current.revision;
        // A Pod whose grace is cut to nothing is seen to change before it goes.
        if is_deleting(&value) && marked != *value {
            let (marked, form) = conversion::stored(cluster, kind, marked.clone()).await?;
            match store.replace(resource, &key, revision, form, marked) {
                Ok(object) => revision = object.revision,
                Err(Changed) => return Ok(None),
            }
        }
        let removed = store.remove(resource, &key, revision);
        return Ok(removed
            .ok()
            .map(|_| answer(target, current.clone(), &marked)));
    }
    if marked == *value {
        return Ok(Some(Deleted::Object(seen.clone())));
    }
    let (marked, form) = conversion::stored(cluster, kind, marked).await?;
    if options.dry_run {
        let object = Object::new(current.revision, form, marked);
        return Ok(Some(Deleted::Object(Arc::new(object))));
    }
    let written = store.replace(resource, &key, current.revision, form, marked);
    Ok(written.ok().map(Deleted::Object))
}

/// A Pod deleted with no grace goes unless finalizers hold it.
fn is_forced(target: &Target, options: &DeleteOptions, marked: &Value) -> bool {
    is_pod(target) && options.grace == Some(0) && meta_list(marked, "finalizers").next().is_none()
}

fn is_pod(target: &Target) -> bool {
    target.kind.plural == "pods" && target.kind.group.is_empty()
}

fn answer(target: &Target, current: Arc<Object>, marked: &Value) -> Deleted {
    match &target.kind.origin {
        Origin::BuiltIn(rules) if rules.delete_answers_object => {
            let value = if is_pod(target) {
                marked.clone()
            } else {
                current.value.clone()
            };
            Deleted::Object(Arc::new(Object::new(
                current.revision,
                current.form.clone(),
                value,
            )))
        }
        _ => Deleted::Gone(current),
    }
}

/// The object as it is once deletion has been asked for.
fn mark(cluster: &Cluster, target: &Target, current: &Value, options: &DeleteOptions) -> Value {
    let mut value = current.clone();
    set_policy_finalizers(&mut value, options.propagation);
    let is_definition = target.kind.kind == "CustomResourceDefinition";
    if is_definition && !is_deleting(&value) {
        mark_definition(&mut value, &cluster.clock.rfc3339());
    }
    let grace = grace(target, current, options);
    if is_deleting(&value) {
        shorten_grace(cluster, &mut value, grace);
        return value;
    }
    let after = Duration::from_secs(u64::try_from(grace).unwrap_or_default());
    let at = cluster.clock.rfc3339_after(after);
    metadata_mut(&mut value).insert("deletionTimestamp".to_owned(), json!(at));
    if target.kind.plural == "namespaces" && target.kind.group.is_empty() {
        child_mut(&mut value, "status").insert("phase".to_owned(), json!("Terminating"));
    } else if !is_definition {
        metadata_mut(&mut value).insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
    }
    strategy::bump_generation(&mut value);
    value
}

/// Only Pods on a node have time to say goodbye.
fn grace(target: &Target, value: &Value, options: &DeleteOptions) -> i64 {
    let on_node = text(value, &["spec", "nodeName"]).is_some_and(|node| !node.is_empty());
    let running = !matches!(
        text(value, &["status", "phase"]),
        Some("Succeeded" | "Failed")
    );
    if !is_pod(target) || !on_node || !running {
        return 0;
    }
    let own = value["spec"]["terminationGracePeriodSeconds"]
        .as_i64()
        .unwrap_or(30);
    // A negative period means "now, but politely".
    options
        .grace
        .map_or(own, |grace| if grace < 0 { 1 } else { grace })
}

fn shorten_grace(cluster: &Cluster, value: &mut Value, grace: i64) {
    let present = value["metadata"]["deletionGracePeriodSeconds"]
        .as_i64()
        .unwrap_or_default();
    if grace < present {
        let at = cluster.clock.rfc3339_after(Duration::from_secs(
            u64::try_from(grace).unwrap_or_default(),
        ));
        let metadata = metadata_mut(value);
        metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
        metadata.insert("deletionTimestamp".to_owned(), json!(at));
    }
}

/// The policy becomes a finalizer that the garbage collector works off.
fn set_policy_finalizers(value: &mut Value, propagation: Option<Propagation>) {
    let (add, keep_orphan, keep_foreground) = match propagation {
        None => return,
        Some(Propagation::Background) => (None, false, false),
        Some(Propagation::Foreground) => (Some("foregroundDeletion"), false, true),
        Some(Propagation::Orphan) => (Some("orphan"), true, false),
    };
    let kept = |finalizer: &&str| match *finalizer {
        "orphan" => keep_orphan,
        "foregroundDeletion" => keep_foreground,
        _ => true,
    };
    let mut finalizers: Vec<String> = meta_list(value, "finalizers")
        .filter(kept)
        .map(str::to_owned)
        .collect();
    if let Some(add) = add
        && !finalizers.iter().any(|finalizer| finalizer == add)
    {
        finalizers.push(add.to_owned());
    }
    let metadata = metadata_mut(value);
    if finalizers.is_empty() {
        metadata.remove("finalizers");
    } else {
        metadata.insert("finalizers".to_owned(), json!(finalizers));
    }
}

/// A definition goes only after its objects: the CRD controller takes the finalizer away.
fn mark_definition(value: &mut Value, now: &str) {
    let mut finalizers: Vec<String> = meta_list(value, "finalizers").map(str::to_owned).collect();
    if !finalizers
        .iter()
        .any(|finalizer| finalizer == definition::CLEANUP)
    {
        finalizers.push(definition::CLEANUP.to_owned());
    }
    metadata_mut(value).insert("finalizers".to_owned(), json!(finalizers));
    let status = child_mut(value, "status");
    let message = "CustomResource deletion is pending";
    definition::set_condition(
        status,
        "Terminating",
        "True",
        "InstanceDeletionPending",
        message,
        now,
    );
}

/// The options as webhooks see them: without their type, which they may lack.
fn given(body: &Value) -> Value {
    let mut given = body.clone();
    let fields = fields_mut(&mut given);
    fields.remove("kind");
    fields.remove("apiVersion");
    fields.retain(|_, value| !value.is_null());
    given
}

impl DeleteOptions {
    /// Reads the options from a body (or the query in the same shape).
    pub(crate) fn parse(body: &Value) -> Result<Self, ApiError> {
        let refuse = |error: FieldError| {
            let subject = Subject {
                group: "meta.k8s.io",
                resource: "DeleteOptions",
                name: "",
            };
            Err(ApiError::invalid(subject, &[error]))
        };
        let policy = &body["propagationPolicy"];
        let orphan = body["orphanDependents"].as_bool();
        if !policy.is_null() && orphan.is_some() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            return refuse(FieldError::invalid("propagationPolicy", policy, why));
        }
        let propagation = match policy.as_str() {
            None => orphan.map(|orphan| {
                if orphan {
                    Propagation::Orphan
                } else {
                    Propagation::Background
                }
            }),
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(_) => {
                let known = ["Foreground", "Background", "Orphan", "nil"];
                return refuse(FieldError::unsupported("propagationPolicy", policy, &known));
            }
        };
        let dry_run = &body["dryRun"];
        let stages = dry_run.as_array().map(Vec::as_slice).unwrap_or_default();
        if stages.iter().any(|stage| stage != "All") {
            return refuse(FieldError::unsupported("dryRun", dry_run, &["All"]));
        }
        let precondition = |name: &str| text(body, &["preconditions", name]).map(str::to_owned);
        Ok(Self {
            dry_run: !stages.is_empty(),
            grace: body["gracePeriodSeconds"].as_i64(),
            propagation,
            uid: precondition("uid"),
            resource_version: precondition("resourceVersion"),
            given: given(body),
            ..Self::default()
        })
    }
}
