//! From a row of a fixture to handlers: one line a kind of handlers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kopfrs::cause::{
    ActivityCause, ChangingCause, IndexingCause, ObjectCause, Stopped, WatchingCause,
};
use kopfrs::handler::{ErrorsMode, Handler, HandlerError, Invocation, Output, Subhandlers};
use kopfrs::index::Indices;
use kopfrs::object::{Body, FieldPath};
use kopfrs::on::{Builder, Filtered, Retried, Transitional};
use kopfrs::resource::Selector;
use kopfrs::{Registry, Result, on};
use serde_json::{Map, Value, json};

use super::fixture::{Kind, Row};
use super::log::{Attempt, Log};
use super::{Failure, criteria, script};

/// Adds the handlers of a row: one for each thing that it is called on.
pub(crate) fn add(
    registry: Registry,
    row: &Row,
    kinds: &BTreeMap<String, Kind>,
    log: &Arc<Log>,
) -> Result<Registry, Failure> {
    let scripted = Scripted {
        row: Arc::new(row.clone()),
        log: log.clone(),
    };
    let mut registry = registry;
    for event in row.events() {
        registry = scripted.add(registry, event, kinds)?;
    }
    match row.unknown() {
        None => Ok(registry),
        Some(option) => Err(scripted.lacking(option)),
    }
}

/// An attempt, and what it returns.
type Attempted = BoxFuture<'static, Result<Option<Value>>>;

/// A row with what its handlers need.
#[derive(Clone)]
pub(super) struct Scripted {
    pub(super) row: Arc<Row>,
    pub(super) log: Arc<Log>,
}

impl Scripted {
    fn add(
        &self,
        registry: Registry,
        event: &str,
        kinds: &BTreeMap<String, Kind>,
    ) -> Result<Registry, Failure> {
        let options = &self.row.options;
        let of = || self.selector(kinds);
        Ok(match event {
            "startup" => registry.add(self.activity(on::startup(), event)?),
            "login" => registry.add(self.activity(on::login(), event)?),
            "cleanup" => registry.add(self.activity(on::cleanup(), event)?),
            "index" => registry.add(self.indexing(on::index_of(of()?))?),
            "event" => registry.add(self.watching(on::event_of(of()?))?),
            "create" => registry.add(self.changing(on::create_of(of()?))?),
            "update" => registry.add(self.transition(on::update_of(of()?))?),
            "delete" => {
                registry.add(self.changing(on::delete_of(of()?).optional(options.optional))?)
            }
            "resume" => registry.add(self.changing(on::resume_of(of()?).deleted(options.deleted))?),
            "field" => registry.add(self.transition(on::field_of(of()?).field(self.field()?))?),
            "daemon" => registry.add(self.daemon(of()?)?),
            "timer" => registry.add(self.timer(of()?)?),
            "validate" => registry.add(self.reviewing(on::validate_of(of()?), event)?),
            "mutate" => registry.add(self.reviewing(on::mutate_of(of()?), event)?),
            other => return Err(self.lacking(other)),
        })
    }

    fn lacking(&self, what: &str) -> Failure {
        let id = &self.row.id;
        format!("handler {id:?} needs `{what}`, which kopfrs does not have yet").into()
    }

    fn selector(&self, kinds: &BTreeMap<String, Kind>) -> Result<Selector, Failure> {
        let alias = &self.row.kind;
        let kind = kinds
            .get(alias)
            .ok_or_else(|| format!("there is no kind {alias:?}"))?;
        Ok(Selector::full(&kind.group, &kind.version, &kind.plural)?)
    }

    fn field(&self) -> Result<FieldPath, Failure> {
        let field = self.row.filters.field.as_deref();
        Ok(field.unwrap_or_default().parse()?)
    }

    /// Handlers of changes that know the field's old and new values.
    fn transition<K>(&self, builder: Builder<K>) -> Result<Handler<ChangingCause>, Failure>
    where
        K: Transitional + Retried + on::Kind<Cause = ChangingCause>,
        Value: Output<K::Returns>,
        K::Returns: 'static,
    {
        let mut builder = builder;
        if let Some(old) = &self.row.filters.old {
            builder = builder.old(criteria::of_value(old)?);
        }
        if let Some(new) = &self.row.filters.new {
            builder = builder.new(criteria::of_value(new)?);
        }
        self.changing(builder)
    }

    fn changing<K>(&self, builder: Builder<K>) -> Result<Handler<ChangingCause>, Failure>
    where
        K: Filtered + Retried + on::Kind<Cause = ChangingCause>,
        Value: Output<K::Returns>,
        K::Returns: 'static,
    {
        let builder = self.retried(self.filtered(builder)?)?;
        Ok(builder.run(self.change()))
    }

    /// One function, whatever it is called on: several handlers of it may have one id.
    fn change(
        &self,
    ) -> impl Fn(Arc<Invocation<ChangingCause>>, Subhandlers, Indices) -> Attempted + Send + Sync + use<>
    {
        let scripted = self.clone();
        move |call: Arc<Invocation<ChangingCause>>, subs: Subhandlers, indices: Indices| {
            let scripted = scripted.clone();
            Box::pin(async move {
                scripted.register(call.cause.body(), &subs);
                scripted.changed(&call, told(&indices)?).await
            })
        }
    }

    /// Registers a sub-handler for each item of a list, and below it one for each item of its own.
    fn register(&self, body: &Body, subs: &Subhandlers) {
        let options = &self.row.options;
        for item in items(body, options.subs_from.as_deref()) {
            let nested = options.nested_from.as_ref();
            let nested = nested.map(|field| format!("{field}.{item}"));
            let mut row = self.row.below(&item);
            row.options.subs_from = nested;
            let scripted = Self {
                row: Arc::new(row),
                log: self.log.clone(),
            };
            let mut sub = subs.register(item);
            if let Some(retries) = options.sub_retries {
                sub = sub.retries(retries);
            }
            sub.run(scripted.change());
        }
    }

    /// What one label of an object says is the key of its value. Attempts fail as `data.script` says.
    fn indexing(&self, builder: Builder<on::Index>) -> Result<Handler<IndexingCause>, Failure> {
        let builder = self.retried(self.filtered(builder)?)?;
        let label = self.row.options.key_label.clone().unwrap_or_default();
        Ok(builder.run(move |call: Arc<Invocation<IndexingCause>>| {
            let label = label.clone();
            async move {
                let body = call.cause.body();
                let data = &body.as_value()["data"];
                let script = data["script"].as_str().unwrap_or("[]");
                let actions: Vec<Value> = serde_json::from_str(script)?;
                let action = script::nth(&actions, call.attempt.retry);
                script::play(&action, None, None).await?;
                let key = body.label(&label).unwrap_or_default().to_owned();
                Ok::<_, HandlerError>(vec![(key, data["value"].clone())])
            }
        }))
    }

    fn watching(&self, builder: Builder<on::Event>) -> Result<Handler<WatchingCause>, Failure> {
        let builder = self.filtered(builder.id(&self.row.id))?;
        let scripted = self.clone();
        Ok(builder.run(move |call: Arc<Invocation<WatchingCause>>| {
            let scripted = scripted.clone();
            async move { scripted.watched(&call).await }
        }))
    }

    fn activity<K>(&self, builder: Builder<K>, on: &str) -> Result<Handler<ActivityCause>, Failure>
    where
        K: Retried + on::Kind<Cause = ActivityCause>,
        (): Output<K::Returns>,
        K::Returns: 'static,
    {
        let builder = self.retried(builder)?;
        let (scripted, on) = (self.clone(), on.to_owned());
        Ok(builder.run(move |call: Arc<Invocation<ActivityCause>>| {
            let (scripted, on) = (scripted.clone(), on.clone());
            async move {
                let (id, retry) = (&scripted.row.id, call.attempt.retry);
                let line = json!({"ph": "activity", "h": id, "on": on, "retry": retry});
                scripted.log.write(line);
                let action = script::action(&scripted.row, None, retry);
                script::play(&action, None, None).await.map(drop)
            }
        }))
    }

    pub(super) fn filtered<K>(&self, builder: Builder<K>) -> Result<Builder<K>, Failure>
    where
        K: Filtered,
        K::Cause: ObjectCause,
    {
        let filters = &self.row.filters;
        let mut builder = builder;
        for (key, label) in &filters.labels {
            builder = builder.label(key, criteria::of_text(label)?);
        }
        for (key, annotation) in &filters.annotations {
            builder = builder.annotation(key, criteria::of_text(annotation)?);
        }
        if filters.field.is_some() {
            builder = builder.field(self.field()?);
        }
        if let Some(value) = &filters.value {
            builder = builder.value(criteria::of_value(value)?);
        }
        if let Some(when) = &filters.when {
            builder = builder.when(criteria::when(when, &self.row.id)?);
        }
        Ok(builder)
    }

    pub(super) fn retried<K: Retried>(&self, builder: Builder<K>) -> Result<Builder<K>, Failure> {
        let options = &self.row.options;
        let mut builder = builder.id(&self.row.id);
        if let Some(mode) = &options.errors {
            builder = builder.errors(match mode.as_str() {
                "TEMPORARY" => ErrorsMode::Temporary,
                "PERMANENT" => ErrorsMode::Permanent,
                "IGNORED" => ErrorsMode::Ignored,
                other => return Err(format!("unknown mode of errors {other:?}").into()),
            });
        }
        if let Some(retries) = options.retries {
            builder = builder.retries(retries);
        }
        if let Some(seconds) = options.timeout {
            builder = builder.timeout(Duration::from_secs_f64(seconds));
        }
        if let Some(seconds) = options.backoff {
            builder = builder.backoff(Duration::from_secs_f64(seconds));
        }
        Ok(builder)
    }
}

impl Scripted {
    async fn changed(
        &self,
        call: &Invocation<ChangingCause>,
        index: Option<Value>,
    ) -> Result<Option<Value>> {
        let cause = &call.cause;
        let mut details = json!({
            "reason": cause.reason,
            "old": cause.old.as_deref(),
            "new": cause.new.as_deref(),
            "diff": *cause.diff,
        });
        if let Some(index) = index {
            details["index"] = index;
        }
        self.play(cause, (call.attempt.retry, None), details).await
    }

    async fn watched(&self, call: &Invocation<WatchingCause>) -> Result<Option<Value>> {
        let cause = &call.cause;
        let details = json!({
            "type": cause.event.event_type.as_str(),
            "deleting": cause.body().is_deleting(),
        });
        self.play(cause, (call.attempt.retry, None), details).await
    }

    /// One attempt, with its lines in the log.
    pub(super) async fn play(
        &self,
        cause: &impl ObjectCause,
        (retry, stopped): (u32, Option<Stopped>),
        details: Value,
    ) -> Result<Option<Value>> {
        let (row, body) = (&self.row, cause.body());
        let about = json!({
            "h": row.id,
            "on": row.on(),
            "k": row.kind,
            "ns": body.namespace(),
            "name": body.name(),
            "uid": body.uid(),
            "retry": retry,
        });
        let attempt = Attempt::start((&self.log, stopped.clone()), map(about), map(details));
        let action = script::action(row, Some(body), retry);
        let result = script::play(&action, Some(cause.patch()), stopped.as_ref()).await;
        let returned = result.as_ref().ok().cloned().flatten();
        let patch = cause.patch().merged();
        attempt.end(
            script::outcome(&result),
            &returned.unwrap_or_default(),
            &patch,
        );
        result
    }
}

/// The texts in a list of the object.
fn items(body: &Body, field: Option<&str>) -> Vec<String> {
    let path = field.and_then(|field| field.parse::<FieldPath>().ok());
    let list = path.and_then(|path| body.get(&path)).cloned();
    serde_json::from_value(list.unwrap_or_default()).unwrap_or_default()
}

/// All that indices hold, if there are any: by id and key, sorted.
fn told(indices: &Indices) -> Result<Option<Value>> {
    let mut told = Map::new();
    for id in indices.ids() {
        let mut index = Map::new();
        for (key, store) in &indices.get::<String, Value>(id)? {
            let mut values = store.to_vec();
            values.sort_by_key(Value::to_string);
            index.insert(key, values.into());
        }
        told.insert(id.to_owned(), index.into());
    }
    Ok(Some(told.into()).filter(|_| indices.ids().next().is_some()))
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}
