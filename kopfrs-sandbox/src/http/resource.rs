//! Requests about resources: which kind, which operation, may it be done there at all.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{
    Shutdown, documents,
    negotiate::{Accepted, Answer, Shape, negotiate, unwatchable},
    options,
    query::Query,
    reply::Reply,
    request::RequestInfo,
    write,
};
use crate::{
    admission::{self, Caller},
    cluster::Cluster,
    error::ApiError,
    object::Object,
    registry::{Kind, Kinds, Origin},
    render,
    storage::Past,
    strategy::Part,
    verbs::{
        Target, WriteOptions,
        delete::{self, DeleteOptions, Deleted},
        list, read, review, scale, token,
        watch::Watch,
    },
};

/// One request on its way.
pub(super) struct Context<'a> {
    pub(super) cluster: &'a Arc<Cluster>,
    pub(super) info: &'a RequestInfo,
    /// Asked for without the body of the answer.
    pub(super) is_head: bool,
    pub(super) query: &'a Query,
    pub(super) caller: &'a Caller,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    /// What a read is to see instead of the present.
    pub(super) past: Option<Past>,
    pub(super) shutdown: Shutdown,
}

impl Context<'_> {
    pub(super) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The revision that is read, if it is not the newest.
    fn as_of(&self, kind: &Kind) -> Option<u64> {
        let past = self.past?;
        Some(self.cluster.store.past(&kind.resource, past))
    }

    pub(super) fn accepted(&self, kind: &Kind, answer: Answer) -> Result<Accepted, ApiError> {
        negotiate(
            self.header(header::ACCEPT),
            answer,
            kind.go_type().as_deref(),
        )
    }

    /// The options of a write at this path; `name` is what they are called.
    pub(super) fn write_options(&self, name: &str) -> Result<WriteOptions, ApiError> {
        let options = options::write(self.query, self.headers, name)?;
        Ok(self.completed(options))
    }

    /// The options of a patch.
    pub(super) fn patch_options(&self, applies: bool) -> Result<WriteOptions, ApiError> {
        let options = options::patch(self.query, self.headers, applies)?;
        Ok(self.completed(options))
    }

    fn completed(&self, options: WriteOptions) -> WriteOptions {
        WriteOptions {
            subresource: self.info.subresource.clone(),
            caller: Some(self.caller.clone()),
            ..options
        }
    }

    fn delete_options(&self) -> Result<DeleteOptions, ApiError> {
        let options = options::delete(self.query, self.body)?;
        Ok(DeleteOptions {
            caller: Some(self.caller.clone()),
            ..options
        })
    }

    /// One object as the answer.
    pub(super) fn object(
        &self,
        kind: &Kind,
        status: StatusCode,
        object: &Object,
    ) -> Result<Reply, ApiError> {
        let accepted = self
            .accepted(kind, Answer::Object)?
            .fit(Answer::Object, kind.go_type().as_deref())?;
        let rows = options::rows(self.query, accepted)?;
        let bytes = render::object(kind, object, accepted.shape, rows, &self.cluster.clock);
        Ok(Reply::bytes(status, super::reply::JSON, bytes).with_version(object.revision))
    }
}

pub(super) async fn answer(context: &Context<'_>) -> Reply {
    let info = context.info;
    let kinds = context.cluster.registry.kinds();
    let Some(kind) = kinds.find(&info.group, &info.version, &info.resource) else {
        if let Some(refusal) = admission::unserved(&info.group, &info.resource) {
            return Reply::error(&refusal);
        }
        return documents::unknown(&kinds, &info.group);
    };
    let reply = match misplaced(context, kind) {
        Some(reply) => reply,
        None => dispatch(context, &kinds, kind)
            .await
            .unwrap_or_else(|error| Reply::error(&error)),
    };
    let deprecation = kind.custom().and_then(|custom| custom.deprecation.clone());
    reply
        .with_warnings(deprecation)
        .with_warnings(context.caller.warnings.take())
}

/// Requests that a kind's scope does not allow.
fn misplaced(context: &Context<'_>, kind: &Kind) -> Option<Reply> {
    let info = context.info;
    let no_such = || match kind.origin {
        Origin::BuiltIn(_) => Reply::error(&ApiError::no_such_resource()),
        Origin::Custom(_) => Reply::page_not_found(),
    };
    if info.has_more || (!kind.namespaced && !info.namespace.is_empty()) {
        return Some(no_such());
    }
    if kind.namespaced && info.namespace.is_empty() {
        if !info.name.is_empty() {
            return Some(no_such());
        }
        if !matches!(info.verb, "list" | "watch") {
            return Some(match kind.origin {
                Origin::BuiltIn(_) => Reply::error(&ApiError::method_not_allowed()),
                Origin::Custom(_) => Reply::page_not_found(),
            });
        }
    }
    None
}

/// Names that no path can lead to.
fn check_name(name: &str) -> Result<(), ApiError> {
    let why = match name {
        "." | ".." => format!("may not be '{name}'"),
        name if name.contains('%') => "may not contain '%'".to_owned(),
        _ => return Ok(()),
    };
    Err(ApiError::bad_request(format!(
        "Name parameter invalid: {name:?}: {why}"
    )))
}

async fn dispatch(
    context: &Context<'_>,
    kinds: &Kinds,
    kind: &Arc<Kind>,
) -> Result<Reply, ApiError> {
    let info = context.info;
    let target = Target {
        kind: kind.clone(),
        namespace: info.namespace.clone(),
        name: info.name.clone(),
    };
    check_name(&info.name)?;
    if !info.subresource.is_empty() {
        return subresource(context, kinds, &target).await;
    }
    if matches!(&kind.origin, Origin::BuiltIn(rules) if rules.is_review) {
        return access_review(context, kind);
    }
    let named = !info.name.is_empty();
    let is_custom = kind.custom().is_some();
    if !is_custom && (context.is_head || !kind.verbs.contains(&info.verb)) {
        return Err(ApiError::method_not_allowed());
    }
    match (info.verb, named) {
        // The name of a new custom resource is read from its body alone.
        ("create", true) if is_custom => {
            let unnamed = Target {
                name: String::new(),
                ..target
            };
            write::create(context, kinds, &unnamed).await
        }
        ("update" | "patch", false) if is_custom => {
            Err(ApiError::bad_request("name must be provided"))
        }
        ("get", true) => get(context, &target).await,
        ("list", false) => list(context, &target).await,
        ("watch", _) => watch(context, target),
        ("create", false) => write::create(context, kinds, &target).await,
        ("update", true) => write::put(context, kinds, &target, Part::Main).await,
        ("patch", true) => write::patch(context, &target, Part::Main).await,
        ("delete", true) => delete_one(context, &target).await,
        ("deletecollection", false) => delete_collection(context, &target).await,
        _ if is_custom => Err(ApiError::not_supported(kind.subject(""), "")),
        _ => Err(ApiError::method_not_allowed()),
    }
}

async fn subresource(
    context: &Context<'_>,
    kinds: &Kinds,
    target: &Target,
) -> Result<Reply, ApiError> {
    let info = context.info;
    let Some(subresource) = target.kind.subresource(&info.subresource) else {
        return Err(match target.kind.origin {
            Origin::BuiltIn(_) => ApiError::no_such_resource(),
            Origin::Custom(_) => target.not_found(),
        });
    };
    if !subresource.verbs.contains(&info.verb) {
        return Err(match target.kind.origin {
            Origin::BuiltIn(_) => ApiError::method_not_allowed(),
            Origin::Custom(_) => ApiError::not_supported(target.kind.subject(""), info.verb),
        });
    }
    match (subresource.name, info.verb) {
        ("status", "get") => get(context, target).await,
        ("status", "update") => write::put(context, kinds, target, Part::Status).await,
        ("status", "patch") => write::patch(context, target, Part::Status).await,
        ("finalize", "update") => write::put(context, kinds, target, Part::Finalize).await,
        ("scale", "get") => {
            let as_of = context.as_of(&target.kind);
            let object = read::get(context.cluster, target, "", as_of).await?;
            Ok(Reply::json(
                StatusCode::OK,
                &scale::scale_of(target, &object)?,
            ))
        }
        ("scale", "update") => write::put_scale(context, target).await,
        ("scale", "patch") => write::patch_scale(context, target).await,
        ("token", "create") => {
            let options = context.write_options("CreateOptions")?;
            let expected = ("authentication.k8s.io/v1", "TokenRequest");
            let body = write::body_of(context, expected)?;
            let answer = token::answer(context.cluster, target, &body, &options).await?;
            Ok(Reply::json(StatusCode::CREATED, &answer))
        }
        (name, _) => Err(ApiError::not_implemented(format!(
            "{}/{name}",
            target.kind.plural
        ))),
    }
}

fn access_review(context: &Context<'_>, kind: &Arc<Kind>) -> Result<Reply, ApiError> {
    if !context.info.name.is_empty() {
        return Err(ApiError::no_such_resource());
    }
    if context.info.verb != "create" {
        return Err(ApiError::method_not_allowed());
    }
    let body = write::body_of(context, (&kind.api_version, &kind.kind))?;
    let place = (kind.as_ref(), context.info.namespace.as_str());
    Ok(Reply::json(
        StatusCode::CREATED,
        &review::answer(context.cluster, place, (&body, &context.caller.user))?,
    ))
}

async fn get(context: &Context<'_>, target: &Target) -> Result<Reply, ApiError> {
    // What cannot be answered is not looked up.
    context.accepted(&target.kind, Answer::Object)?;
    if context.query.flag("export") {
        let message = "the export parameter, deprecated since v1.14, is no longer supported";
        return Err(ApiError::bad_request(message));
    }
    let object = read::get(
        context.cluster,
        target,
        context.query.text("resourceVersion"),
        context.as_of(&target.kind),
    )
    .await?;
    context.object(&target.kind, StatusCode::OK, &object)
}

async fn list(context: &Context<'_>, target: &Target) -> Result<Reply, ApiError> {
    let accepted = context.accepted(&target.kind, Answer::List)?;
    let rows = options::rows(context.query, accepted)?;
    let mut options = options::list(context.query, &target.kind)?;
    options.as_of = context.as_of(&target.kind);
    let listed = list::list(context.cluster, target, &options).await?;
    let accepted = accepted.fit(Answer::List, target.kind.go_type().as_deref())?;
    Ok(list_reply(context, target, &listed, accepted, rows))
}

fn list_reply(
    context: &Context<'_>,
    target: &Target,
    listed: &list::Listed,
    accepted: Accepted,
    rows: render::Rows,
) -> Reply {
    let bytes = render::list(
        &target.kind,
        listed,
        accepted.shape,
        rows,
        &context.cluster.clock,
    );
    Reply::bytes(StatusCode::OK, super::reply::JSON, bytes).with_version(listed.revision)
}

fn watch(context: &Context<'_>, mut target: Target) -> Result<Reply, ApiError> {
    let accepted = context.accepted(&target.kind, Answer::Watch)?;
    if accepted.yaml {
        return Err(unwatchable());
    }
    let mut options = options::watch(context.query, &target.kind, accepted)?;
    options.as_of = context.as_of(&target.kind);
    if !target.name.is_empty() {
        // /api/v1/watch/.../NAME is a watch of one object.
        let one = format!("metadata.name={}", target.name);
        options.selector.fields = crate::selector::FieldSelector::parse(&one, &target.kind)
            .map_err(ApiError::bad_request)?;
        target.name.clear();
    }
    let watch = Watch::open(
        context.cluster.clone(),
        target,
        options,
        context.shutdown.0.clone(),
    );
    Ok(Reply::watch(watch))
}

async fn delete_one(context: &Context<'_>, target: &Target) -> Result<Reply, ApiError> {
    let options = context.delete_options()?;
    match delete::delete(context.cluster, target, &options).await? {
        Deleted::Object(object) => context.object(&target.kind, StatusCode::OK, &object),
        Deleted::Gone(object) => {
            let mut details = target.kind.subject(&target.name).details();
            details["uid"] = object.value["metadata"]["uid"].clone();
            Ok(Reply::json(StatusCode::OK, &success(&details)).with_version(object.revision))
        }
    }
}

fn success(details: &Value) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Deletes each selected object; the answer is the list of what they were.
async fn delete_collection(context: &Context<'_>, target: &Target) -> Result<Reply, ApiError> {
    let delete_options = DeleteOptions {
        is_collective: true,
        ..context.delete_options()?
    };
    let options = options::list(context.query, &target.kind)?;
    let listed = list::list(context.cluster, target, &options).await?;
    for object in &listed.objects {
        let name = crate::object::meta(&object.value, "name").to_owned();
        let one = Target {
            name,
            ..target.clone()
        };
        match delete::delete(context.cluster, &one, &delete_options).await {
            Ok(_) => {}
            // Gone already: that is what was asked for.
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let accepted = Accepted {
        shape: Shape::Whole,
        ..Accepted::JSON
    };
    let rows = options::rows(context.query, accepted)?;
    Ok(list_reply(context, target, &listed, accepted, rows))
}
