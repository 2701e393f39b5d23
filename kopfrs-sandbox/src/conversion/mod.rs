//! Objects in other versions than the ones they are stored in, as the webhook of their definition makes them.
//!
//! `verbs` asks for the version that is wanted before anything is shown, and for the stored one before anything is
//! written; admission and the books of field owners look at yet others. Nothing is asked about objects that are of the
//! right version already, nor about kinds without a webhook: their versions differ by schemas, see `strategy::view`.

mod metadata;
mod review;

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use self::review::Question;
use crate::{
    cluster::Cluster,
    error::ApiError,
    object::{Form, Object, fields_mut, normalise_numbers, to_json},
    registry::{
        Kind,
        custom::{Conversion, Custom, Webhook},
    },
    schema,
    webhook::{self, Unasked},
};

/// As long as a real server waits.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How much is put into one question: some servers of webhooks take no more than a megabyte.
const QUESTION: usize = 512 * 1024;

/// Stored objects as a version of their kind shows them. Those that have to be converted are sent together, those that
/// have been before are not sent again.
pub(crate) async fn seen(
    cluster: &Cluster,
    kind: &Kind,
    mut objects: Vec<Arc<Object>>,
) -> Result<Vec<Arc<Object>>, ApiError> {
    let Some(converter) = Converter::of(cluster, kind) else {
        return Ok(objects);
    };
    let form = converter.custom.form();
    for object in &mut objects {
        if let Some(known) = object.converted(&form) {
            *object = known;
        }
    }
    while let Some(from) = objects
        .iter()
        .map(|object| converter.version_of(object))
        .find(|version| **version != *converter.custom.version)
    {
        let is_meant = |object: &&mut Arc<Object>| converter.version_of(object) == from;
        let mut meant: Vec<&mut Arc<Object>> = objects.iter_mut().filter(is_meant).collect();
        let current = meant.iter().map(|object| converter.current(object, &from));
        let values = current.collect::<Result<_, _>>()?;
        let made = converter.convert(values, &from, &converter.custom.version);
        for (object, value) in meant.iter_mut().zip(made.await?) {
            let made = Arc::new(Object::new(object.revision, form.clone(), value));
            object.keep(made.clone());
            **object = made;
        }
    }
    Ok(objects)
}

/// The same of one object.
pub(crate) async fn seen_one(
    cluster: &Cluster,
    kind: &Kind,
    object: Arc<Object>,
) -> Result<Arc<Object>, ApiError> {
    let mut seen = seen(cluster, kind, vec![object]).await?;
    Ok(seen.remove(0))
}

/// The same, converted in any case: a real server has no cache of what it reads one by one.
pub(crate) async fn seen_anew(
    cluster: &Cluster,
    kind: &Kind,
    object: Arc<Object>,
) -> Result<Arc<Object>, ApiError> {
    let has_to =
        |converter: Converter<'_>| *converter.version_of(&object) != *converter.custom.version;
    if !Converter::of(cluster, kind).is_some_and(has_to) {
        return Ok(object);
    }
    let fresh = Object::new(object.revision, object.form.clone(), object.value.clone());
    seen_one(cluster, kind, Arc::new(fresh)).await
}

/// A written object as it is to be stored.
pub(crate) async fn stored(
    cluster: &Cluster,
    kind: &Kind,
    value: Value,
) -> Result<(Value, Form), ApiError> {
    let Some(custom) = kind.custom() else {
        return Ok((value, Form::default()));
    };
    let versions = &custom.versions;
    if custom.version == versions.stored {
        return Ok((value, custom.stored_form()));
    }
    let mut value = between(cluster, kind, value, (&custom.version, &versions.stored)).await?;
    if let Some(schema) = versions.schemas.get(&versions.stored) {
        schema::prune(&mut value, schema);
        schema::apply_defaults(&mut value, schema);
    }
    Ok((value, custom.stored_form()))
}

/// A value of one version of a kind in another.
pub(crate) async fn between(
    cluster: &Cluster,
    kind: &Kind,
    value: Value,
    (from, to): (&str, &str),
) -> Result<Value, ApiError> {
    match Converter::of(cluster, kind) {
        Some(converter) if from != to => {
            let mut made = converter.convert(vec![value], from, to).await?;
            Ok(made.remove(0))
        }
        Some(_) | None => Ok(value),
    }
}

/// The webhook of a kind.
struct Converter<'a> {
    cluster: &'a Cluster,
    kind: &'a Kind,
    custom: &'a Custom,
    webhook: &'a Webhook,
}

impl<'a> Converter<'a> {
    /// `None` when there is nobody to ask.
    fn of(cluster: &'a Cluster, kind: &'a Kind) -> Option<Self> {
        let custom = kind.custom()?;
        match &custom.versions.conversion {
            Conversion::None => None,
            Conversion::Webhook(webhook) => Some(Self {
                cluster,
                kind,
                custom,
                webhook,
            }),
        }
    }

    /// The version that an object is of.
    fn version_of(&self, object: &Object) -> Arc<str> {
        let known = object.form.version.as_ref();
        known.unwrap_or(&self.custom.versions.stored).clone()
    }

    /// A stored object by today's schema of its version.
    fn current(&self, object: &Object, version: &str) -> Result<Value, ApiError> {
        let schema = self.custom.versions.schemas.get(version);
        let schema = schema.ok_or_else(|| {
            ApiError::internal(format!(
                "request to convert CR from an invalid group/version: {}",
                self.api_version(version)
            ))
        })?;
        let mut value = object.value.clone();
        if object.form.schema != self.custom.storage_id {
            schema::prune(&mut value, schema);
            schema::apply_defaults(&mut value, schema);
        }
        Ok(value)
    }

    fn api_version(&self, version: &str) -> String {
        format!("{}/{version}", self.kind.group)
    }

    /// Values of a version in another, in as many questions as it takes.
    async fn convert(
        &self,
        values: Vec<Value>,
        from: &str,
        to: &str,
    ) -> Result<Vec<Value>, ApiError> {
        let mut made = Vec::with_capacity(values.len());
        let mut question = Question::new(self.api_version(from), self.api_version(to));
        let mut size = 0;
        for value in values {
            size += to_json(&value).len();
            if size > QUESTION && !question.is_empty() {
                made.extend(self.ask(&question, to).await?);
                size = to_json(&value).len();
                question.clear();
            }
            question.add(&self.kind.kind, value);
        }
        made.extend(self.ask(&question, to).await?);
        Ok(made)
    }

    async fn ask(&self, question: &Question, to: &str) -> Result<Vec<Value>, ApiError> {
        let subject = format!(
            "conversion webhook for {}, Kind={}",
            question.from, self.kind.kind
        );
        let failed = |why: String| ApiError::internal(format!("{subject} failed: {why}"));
        let version = review::version(&self.webhook.review_versions).ok_or_else(|| {
            ApiError::internal("no supported conversion review versions".to_owned())
        })?;
        let uid = uuid::Uuid::new_v4().to_string();
        let body = to_json(&question.review(version, &uid));
        let answer = webhook::ask(self.cluster, &self.webhook.client, TIMEOUT, body).await;
        let answer = answer.map_err(|unasked| match unasked {
            Unasked::Client(why) | Unasked::Call(why) => failed(why),
        })?;
        let answer = answer.read(&review::expected(version)).map_err(failed)?;
        let answers = review::answers((version, &uid), answer).map_err(failed)?;
        let mut made = question
            .check(answers)
            .map_err(|fault| ApiError::internal(fault.told_of(&subject)))?;
        for value in &mut made {
            self.fit(value, to);
        }
        Ok(made)
    }

    /// Brings what a webhook has made into the shape of objects: as it decodes them, a real server fills in nothing.
    fn fit(&self, value: &mut Value, version: &str) {
        let fields = fields_mut(value);
        fields.remove("apiVersion");
        fields.remove("kind");
        normalise_numbers(value);
        if let Some(schema) = self.custom.versions.schemas.get(version) {
            schema::prune(value, schema);
            schema::drop_nulls(value, schema);
        }
    }
}
