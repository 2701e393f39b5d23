//! Creating objects.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Target, WriteOptions, Written,
    decode::{self, Decoded},
};
use crate::{
    admission::{Chain, Operation},
    cluster::Cluster,
    conversion,
    error::ApiError,
    object::{Form, Object, fields_mut, is_deleting, key, meta, metadata_mut},
    ownership::{self, Apply},
    rbac,
    registry::{Kind, Origin},
    strategy,
};

/// How often a generated name may be taken before giving up.
const NAME_ATTEMPTS: usize = 8;

/// Creates an object in the target's namespace.
pub(crate) async fn create(
    cluster: &Cluster,
    target: &Target,
    decoded: Decoded,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    create_owned(cluster, target, decoded, options, None).await
}

/// The same, with the fields owned by an apply instead of by whoever creates.
pub(super) async fn create_owned(
    cluster: &Cluster,
    target: &Target,
    decoded: Decoded,
    options: &WriteOptions,
    apply: Option<Apply<'_>>,
) -> Result<Written, ApiError> {
    let mut new = New::begin(cluster, target, decoded, options)?;
    let warnings = new.warnings.clone();
    let made = finish(&mut new, apply).await;
    made.map_err(|error| error.with_warnings(warnings))
}

/// Goes through with a creation that has begun.
async fn finish(new: &mut New<'_>, apply: Option<Apply<'_>>) -> Result<Written, ApiError> {
    let (cluster, target, options) = (new.cluster, new.target, new.options);
    let chain = Chain::of_write(cluster, target, options);
    let given = chain.is_some().then(|| new.value.clone());
    new.prepare();
    new.own(apply);
    if let (Some(chain), Some(given)) = (&chain, given) {
        new.mutate(chain, given).await?;
    }
    rbac::refuse_escalation(cluster, target, options, (&new.value, None))?;
    new.check()?;
    new.warnings
        .extend(strategy::warnings(&target.kind, &new.value, None));
    if let Some(chain) = &chain {
        let shown = strategy::view::shown(&target.kind, &new.value);
        chain
            .validate(Operation::Create, Some(&shown), None)
            .await?;
    }
    let made = conversion::stored(cluster, &target.kind, std::mem::take(&mut new.value)).await?;
    let mut written = new.store(made)?;
    written.object = conversion::seen_one(cluster, &target.kind, written.object).await?;
    Ok(written)
}

/// Creates an object of the server itself, of a built-in kind, before anybody could have a say in it.
pub(crate) fn bootstrap(
    cluster: &Cluster,
    target: &Target,
    decoded: Decoded,
) -> Result<Written, ApiError> {
    let options = WriteOptions::default();
    let mut new = New::begin(cluster, target, decoded, &options)?;
    new.prepare();
    new.own(None);
    new.check()?;
    let value = std::mem::take(&mut new.value);
    new.store((value, Form::default()))
}

/// An object on its way into the store.
struct New<'a> {
    cluster: &'a Cluster,
    target: &'a Target,
    options: &'a WriteOptions,
    value: Value,
    is_name_generated: bool,
    now: String,
    warnings: Vec<String>,
}

impl<'a> New<'a> {
    /// Checks what can be checked first.
    fn begin(
        cluster: &'a Cluster,
        target: &'a Target,
        decoded: Decoded,
        options: &'a WriteOptions,
    ) -> Result<Self, ApiError> {
        let mut warnings = decode::judge(&decoded.faults, options.validation)
            .map_err(|why| decode::strict_error(&target.kind, &why))?;
        let value = decoded.value;
        warnings.extend(strategy::warn_of_duplicates(&value));
        check_namespace_matches(target, &value)?;
        if !meta(&value, "resourceVersion").is_empty() {
            return Err(ApiError::internal(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        admit(cluster, target, meta(&value, "name"))?;
        Ok(Self {
            cluster,
            target,
            options,
            is_name_generated: meta(&value, "name").is_empty()
                && !meta(&value, "generateName").is_empty(),
            value,
            now: cluster.clock.rfc3339(),
            warnings,
        })
    }

    /// Fills in what is the server's to say.
    fn prepare(&mut self) {
        let (kind, value) = (&self.target.kind, &mut self.value);
        strategy::generate_name(value);
        strategy::prepare_create(kind, value, &self.target.namespace, &self.now);
        strategy::view::inward(kind, value);
        strategy::normalise(kind, value);
        if let Origin::BuiltIn(rules) = &kind.origin {
            (rules.prepare)(value);
        }
    }

    fn own(&mut self, apply: Option<Apply<'_>>) {
        let writer = self.options.writer(&self.now);
        ownership::created(&self.target.kind, &mut self.value, writer, apply);
    }

    /// Lets webhooks change the object that was given, before the server fills in what is its own.
    async fn mutate(&mut self, chain: &Chain<'_>, given: Value) -> Result<(), ApiError> {
        let kind = &self.target.kind;
        let mut draft = given;
        strategy::draft(kind, &mut draft, &self.target.namespace);
        copy_books(&self.value, &mut draft);
        let shown = strategy::view::shown(kind, &draft);
        let made = chain.mutate(Operation::Create, Some(&shown), None).await?;
        if let Some(made) = made {
            self.value = untyped(made);
            check_namespace_matches(self.target, &self.value)?;
            self.prepare();
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ApiError> {
        let kind = &self.target.kind;
        refuse_invalid(
            kind,
            &self.value,
            strategy::validate_create(kind, &self.value),
        )
    }

    fn store(&mut self, made: (Value, Form)) -> Result<Written, ApiError> {
        let dry_run = self.options.dry_run;
        let object = store(
            self.cluster,
            self.target,
            made,
            (self.is_name_generated, dry_run),
        )?;
        Ok(Written {
            object,
            created: true,
            warnings: std::mem::take(&mut self.warnings),
        })
    }
}

/// Field owners are settled before webhooks come: what those change is nobody's.
pub(super) fn copy_books(from: &Value, to: &mut Value) {
    let metadata = metadata_mut(to);
    match from["metadata"].get("managedFields") {
        Some(books) => metadata.insert("managedFields".to_owned(), books.clone()),
        None => metadata.remove("managedFields"),
    };
}

/// An object without its type, as the rules work on it.
pub(super) fn untyped(mut value: Value) -> Value {
    let fields = fields_mut(&mut value);
    fields.remove("apiVersion");
    fields.remove("kind");
    value
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
    (mut value, form): (Value, Form),
    (generated, dry_run): (bool, bool),
) -> Result<Arc<Object>, ApiError> {
    let kind = &target.kind;
    let mut attempts = if generated { NAME_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let name = meta(&value, "name").to_owned();
        let key = key(&target.namespace, &name);
        let taken = if dry_run {
            match cluster.store.get(&kind.resource, &key) {
                None => return Ok(Arc::new(Object::new(0, form, value))),
                Some(present) => present,
            }
        } else {
            // The clone is only needed to try another name.
            let stored = if generated {
                value.clone()
            } else {
                std::mem::take(&mut value)
            };
            match cluster
                .store
                .create(&kind.resource, key, form.clone(), stored)
            {
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
