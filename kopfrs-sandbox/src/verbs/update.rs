//! Changing objects: PUT and all patches.
//!
//! One loop for all: read, compute, write if nothing came between, else again. A resource version in the new state makes
//! the write conditional, as it does on a real server.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Target, WriteOptions, Written,
    create::{check_namespace_matches, copy_books, refuse_invalid, untyped},
    decode::{self, Decoded},
    scale,
};
use crate::{
    admission::{Chain, Operation},
    cluster::Cluster,
    conversion,
    error::{ApiError, FieldError, Subject},
    object::{Form, Object, meta, metadata_mut},
    ownership::{self, Halt, Versions, Wanted},
    rbac,
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
pub(crate) async fn update(
    cluster: &Cluster,
    target: &Target,
    part: Part,
    method: Method,
    options: &WriteOptions,
    change: impl Fn(&Value) -> Result<Decoded, ApiError>,
) -> Result<Written, ApiError> {
    let change = |current: &Value, _: &Versions| Ok(change(current)?);
    update_across(cluster, target, part, method, options, change).await
}

/// The same with a change that may have to know the state in other versions.
pub(super) async fn update_across(
    cluster: &Cluster,
    target: &Target,
    part: Part,
    method: Method,
    options: &WriteOptions,
    change: impl Fn(&Value, &Versions) -> Result<Decoded, Halt>,
) -> Result<Written, ApiError> {
    let kind = &target.kind;
    let attempt = Attempt {
        cluster,
        target,
        part,
        options,
    };
    loop {
        let current = cluster
            .store
            .get(&kind.resource, &target.key())
            .ok_or_else(|| target.not_found())?;
        let seen = conversion::seen_one(cluster, kind, current.clone()).await?;
        let mut old = strategy::view::outward(kind, &seen).into_owned();
        let decoded = attempt.changed(&kind.typed(&old), &change).await?;
        let mut warnings = judge(target, &decoded, method, options)?;
        let told = warnings.clone();
        check_identity(target, &decoded.value, &current, method)?;
        strategy::view::inward(kind, &mut old);
        let chain = Chain::of_write(cluster, target, options);
        let (new, version) = attempt
            .state(chain.as_ref(), decoded.value, &old, method)
            .await?;
        rbac::refuse_escalation(cluster, target, options, (&new, Some(&old)))?;
        check_version(target, &version, &current)?;
        let wrong = strategy::validate_update(kind, &new, &old, part);
        refuse_invalid(kind, &new, wrong).map_err(|error| error.with_warnings(told))?;
        warnings.extend(strategy::warnings(kind, &new, Some(&old)));
        if let Some(chain) = &chain {
            let (new, old) = (attempt.shown(&new)?, attempt.shown(&old)?);
            chain
                .validate(Operation::Update, Some(&new), Some(&old))
                .await?;
        }
        if let Some(object) = commit(cluster, target, &current, new, options.dry_run).await? {
            return Ok(Written {
                object: conversion::seen_one(cluster, kind, object).await?,
                created: false,
                warnings,
            });
        }
    }
}

/// What stays the same from one try to the next.
struct Attempt<'a> {
    cluster: &'a Cluster,
    target: &'a Target,
    part: Part,
    options: &'a WriteOptions,
}

impl Attempt<'_> {
    /// What a change makes of a state, with all conversions that it needs.
    async fn changed(
        &self,
        current: &Value,
        change: &impl Fn(&Value, &Versions) -> Result<Decoded, Halt>,
    ) -> Result<Decoded, ApiError> {
        let mut versions = Versions::default();
        loop {
            match change(current, &versions) {
                Ok(decoded) => return Ok(decoded),
                Err(Halt::Refused(error)) => return Err(error),
                Err(Halt::Wanted(wanted)) => self.find_out(*wanted, &mut versions).await?,
            }
        }
    }

    async fn find_out(&self, wanted: Wanted, versions: &mut Versions) -> Result<(), ApiError> {
        let (cluster, kind) = (self.cluster, &self.target.kind);
        let ways = (wanted.from.as_str(), wanted.to.as_str());
        let made = conversion::between(cluster, kind, wanted.value.clone(), ways).await?;
        versions.learn(wanted, made);
        Ok(())
    }

    /// The new state as it is to be checked, and the resource version it was made from.
    async fn state(
        &self,
        chain: Option<&Chain<'_>>,
        given: Value,
        old: &Value,
        method: Method,
    ) -> Result<(Value, String), ApiError> {
        let version = |value: &Value| meta(value, "resourceVersion").to_owned();
        let kept = chain.map(|chain| (chain, given.clone()));
        let before = version(&given);
        let mut new = self.prepare(given, old);
        if method != Method::Apply {
            self.own(&mut new, old).await;
        }
        let Some((chain, draft)) = kept else {
            return Ok((new, before));
        };
        match self.mutate(chain, draft, (&new, old)).await? {
            Some(made) => Ok((self.prepare(made.clone(), old), version(&made))),
            None => Ok((new, before)),
        }
    }

    /// Carries over what this write cannot change, and fills in defaults.
    fn prepare(&self, mut new: Value, old: &Value) -> Value {
        let kind = &self.target.kind;
        strategy::view::inward(kind, &mut new);
        strategy::prepare_update(kind, &mut new, old, self.part);
        strategy::normalise(kind, &mut new);
        strategy::count_generation(kind, &mut new, old);
        new
    }

    /// Notes who owns what. Without the conversions that takes, nobody owns anything any more, as with a real server.
    async fn own(&self, new: &mut Value, old: &Value) {
        let now = self.cluster.clock.rfc3339();
        let (kind, writer) = (&self.target.kind, self.options.writer(&now));
        let mut versions = Versions::default();
        while let Err(wanted) = ownership::updated(kind, (new, old), writer, &versions) {
            if let Err(error) = self.find_out(wanted, &mut versions).await {
                tracing::warn!(resource = %kind.resource, key = self.target.key(), %error, "the owners of fields are lost");
                metadata_mut(new).remove("managedFields");
                break;
            }
        }
        strategy::metadata::clean(metadata_mut(new));
    }

    /// What webhooks see: the object, or the Scale of it.
    fn shown(&self, value: &Value) -> Result<Value, ApiError> {
        let shown = strategy::view::shown(&self.target.kind, value);
        if self.options.subresource == scale::NAME {
            scale::from_value(self.target, &shown, false)
        } else {
            Ok(shown)
        }
    }

    /// Lets webhooks change the state that was given, before anything is carried over from the present one.
    async fn mutate(
        &self,
        chain: &Chain<'_>,
        mut draft: Value,
        (new, old): (&Value, &Value),
    ) -> Result<Option<Value>, ApiError> {
        let kind = &self.target.kind;
        strategy::view::inward(kind, &mut draft);
        strategy::normalise(kind, &mut draft);
        let namespace = &self.target.namespace;
        if !namespace.is_empty() {
            metadata_mut(&mut draft).insert("namespace".to_owned(), json!(namespace));
        }
        copy_books(new, &mut draft);
        let (shown, old) = (self.shown(&draft)?, self.shown(old)?);
        let made = chain
            .mutate(Operation::Update, Some(&shown), Some(&old))
            .await?;
        let Some(made) = made else {
            return Ok(None);
        };
        let made = if self.options.subresource == scale::NAME {
            scale::scaled(self.target, draft, &made)
        } else {
            made
        };
        check_name(self.target, &made)?;
        Ok(Some(untyped(made)))
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

/// Name, namespace and uid of the new state against the present object.
fn check_identity(
    target: &Target,
    new: &Value,
    current: &Object,
    method: Method,
) -> Result<(), ApiError> {
    let kind = &target.kind;
    check_name(target, new)?;
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
        if matches!(&kind.origin, Origin::BuiltIn(rules) if !rules.needs_version) {
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
async fn commit(
    cluster: &Cluster,
    target: &Target,
    current: &Arc<Object>,
    mut new: Value,
    dry_run: bool,
) -> Result<Option<Arc<Object>>, ApiError> {
    let kind = &target.kind;
    let (store, key, revision) = (&cluster.store, target.key(), current.revision);
    let version = json!(revision.to_string());
    metadata_mut(&mut new).insert("resourceVersion".to_owned(), version);
    if strategy::may_go(&new) {
        // A real server answers with the state that was not stored any more, under the old version.
        if !dry_run && store.remove(&kind.resource, &key, revision).is_err() {
            return Ok(None);
        }
        let form = kind
            .custom()
            .map_or(Form::default(), |custom| custom.form());
        return Ok(Some(Arc::new(Object::new(revision, form, new))));
    }
    let (new, form) = conversion::stored(cluster, kind, new).await?;
    // What is stored in an earlier version is written anew, though nothing changes.
    let is_same_version = current.form.version.is_none() || current.form.version == form.version;
    if is_same_version && new == current.value {
        return Ok(Some(current.clone()));
    }
    if dry_run {
        return Ok(Some(Arc::new(Object::new(revision, form, new))));
    }
    let written = store.replace(&kind.resource, &key, revision, form, new);
    Ok(written.ok())
}

/// PUT: replaces, or creates the few kinds that allow it.
pub(crate) async fn put(
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
        return super::create::create(cluster, target, decoded, options).await;
    }
    let Decoded { value, faults } = decoded;
    update(cluster, target, part, Method::Put, options, |_| {
        Ok(Decoded {
            value: value.clone(),
            faults: faults.clone(),
        })
    })
    .await
}
