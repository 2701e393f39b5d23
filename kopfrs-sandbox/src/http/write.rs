//! Requests that write: bodies, patches, scales.

use http::{StatusCode, header};
use serde_json::Value;

use super::{reply::Reply, resource::Context};
use crate::{
    error::ApiError,
    object::fields_mut,
    patch::{JsonPatch, merge, strategic_merge},
    registry::{Kind, Kinds, types::Struct},
    strategy::Part,
    verbs::{
        Target, Written, apply, create,
        decode::{self, Format},
        scale,
        update::{self, Method},
    },
};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const UNKNOWN_FORMAT: &str =
    "the body of the request was in an unknown format - accepted media types include:";

fn media(context: &Context<'_>) -> String {
    let value = context.header(header::CONTENT_TYPE).unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default().trim();
    if media.is_empty() && !value.is_empty() {
        // Parameters of nothing: no type that anybody accepts.
        return value.to_owned();
    }
    media.to_ascii_lowercase()
}

/// The format of a body that is an object.
fn format(context: &Context<'_>, kind: Option<&Kind>) -> Result<Format, ApiError> {
    match media(context).as_str() {
        "" | "application/json" => Ok(Format::Json),
        "application/yaml" => Ok(Format::Yaml),
        // Custom resources have no field numbers.
        PROTOBUF if kind.is_none_or(|kind| kind.custom().is_none()) => Ok(Format::Protobuf),
        PROTOBUF => Err(ApiError::unsupported_media_type(format!(
            "{UNKNOWN_FORMAT} application/json, application/yaml"
        ))),
        _ => Err(ApiError::unsupported_media_type(format!(
            "{UNKNOWN_FORMAT} application/json, application/yaml, {PROTOBUF}"
        ))),
    }
}

/// A body that is any object.
pub(super) fn body(context: &Context<'_>) -> Result<Value, ApiError> {
    decode::parse(context.body, format(context, None)?).map_err(|error| {
        ApiError::bad_request(format!(
            "couldn't get version/kind; json parse error: {error}"
        ))
    })
}

/// A body that is an object of one kind, which it need not name.
pub(super) fn body_of(
    context: &Context<'_>,
    (api_version, kind): (&str, &str),
) -> Result<Value, ApiError> {
    let value = body(context)?;
    let given = |name: &str, usual| {
        value[name]
            .as_str()
            .filter(|text| !text.is_empty())
            .unwrap_or(usual)
    };
    let (given_version, given_kind) = (given("apiVersion", api_version), given("kind", kind));
    if (given_version, given_kind) == (api_version, kind) {
        return Ok(value);
    }
    let version = given_version.rsplit('/').next().unwrap_or_default();
    Err(ApiError::bad_request(format!(
        "{given_kind} in version {version:?} cannot be handled as a {kind}: no kind {given_kind:?} is registered for \
         version {given_version:?} in scheme \"sandbox\""
    )))
}

fn reply(context: &Context<'_>, kind: &Kind, written: Written) -> Result<Reply, ApiError> {
    let status = if written.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(context
        .object(kind, status, &written.object)?
        .with_warnings(written.warnings))
}

pub(super) async fn create(
    context: &Context<'_>,
    kinds: &Kinds,
    target: &Target,
) -> Result<Reply, ApiError> {
    let options = context.write_options("CreateOptions")?;
    let decoded = decode::object(
        kinds,
        &target.kind,
        context.body,
        format(context, Some(&target.kind))?,
    )?;
    let written = create::create(context.cluster, target, decoded, &options).await?;
    reply(context, &target.kind, written)
}

pub(super) async fn put(
    context: &Context<'_>,
    kinds: &Kinds,
    target: &Target,
    part: Part,
) -> Result<Reply, ApiError> {
    let options = context.write_options("UpdateOptions")?;
    let decoded = decode::object(
        kinds,
        &target.kind,
        context.body,
        format(context, Some(&target.kind))?,
    )?;
    let written = update::put(context.cluster, target, part, decoded, &options).await?;
    reply(context, &target.kind, written)
}

/// How a patch is to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

fn patch_type(context: &Context<'_>, kind: &Kind) -> Result<PatchType, ApiError> {
    match media(context).as_str() {
        "application/json-patch+json" => Ok(PatchType::Json),
        "application/merge-patch+json" => Ok(PatchType::Merge),
        "application/strategic-merge-patch+json" if kind.custom().is_none() => {
            Ok(PatchType::Strategic)
        }
        "application/apply-patch+yaml" => Ok(PatchType::Apply),
        _ if kind.custom().is_none() => Err(ApiError::unrouted_media_type()),
        _ => Err(ApiError::unsupported_media_type(format!(
            "{UNKNOWN_FORMAT} application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        ))),
    }
}

/// The patch document; some kinds of nonsense have their own words.
fn document(context: &Context<'_>, kind: PatchType) -> Result<Value, ApiError> {
    // Strategic patches are decoded elsewhere, and not called by their name.
    let begin = match kind {
        PatchType::Strategic => "",
        PatchType::Json | PatchType::Merge | PatchType::Apply => "error decoding patch: ",
    };
    let patch = decode::parse(context.body, Format::Json).map_err(|error| {
        let text = if error.contains("EOF") {
            "unexpected end of JSON input".to_owned()
        } else if error.contains("trailing characters") {
            trailing(context.body)
        } else {
            error
        };
        ApiError::bad_request(format!("{begin}{text}"))
    })?;
    match (kind, &patch) {
        (PatchType::Json, _) | (_, Value::Object(_)) | (PatchType::Strategic, Value::Null) => {
            Ok(patch)
        }
        (_, Value::Null) => Err(ApiError::bad_request("Invalid JSON Patch")),
        _ => Err(ApiError::bad_request(format!(
            "{begin}json: cannot unmarshal into Go value of type map[string]interface {{}}"
        ))),
    }
}

/// Go's words for a document that goes on after its end.
fn trailing(body: &[u8]) -> String {
    let mut documents = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    documents.next();
    let rest = body.get(documents.byte_offset()..).unwrap_or_default();
    let text = String::from_utf8_lossy(rest);
    let next = text.trim_start().chars().next().unwrap_or_default();
    format!("invalid character {next:?} after top-level value")
}

fn apply_patch(
    context: &Context<'_>,
    (kind, fields): (PatchType, Option<&'static Struct>),
    value: &mut Value,
) -> Result<(), ApiError> {
    let patch = document(context, kind)?;
    match kind {
        PatchType::Json => JsonPatch::decode(&patch)?.apply(value),
        PatchType::Merge => {
            merge(value, &patch);
            Ok(())
        }
        PatchType::Strategic => strategic_merge(value, &patch, fields),
        PatchType::Apply => Err(ApiError::not_implemented(
            "server-side apply on this subresource",
        )),
    }
}

pub(super) async fn patch(
    context: &Context<'_>,
    target: &Target,
    part: Part,
) -> Result<Reply, ApiError> {
    let kind = patch_type(context, &target.kind)?;
    let options = context.patch_options(kind == PatchType::Apply)?;
    if kind == PatchType::Apply {
        let force = context.query.flag("force");
        let written = apply::apply(
            context.cluster,
            target,
            part,
            (configuration(context)?, force),
            &options,
        )
        .await?;
        return reply(context, &target.kind, written);
    }
    let written = update::update(
        context.cluster,
        target,
        part,
        Method::Patch,
        &options,
        |current| {
            let mut value = current.clone();
            apply_patch(context, (kind, target.kind.fields), &mut value)?;
            let text = String::from_utf8_lossy(context.body);
            let mut decoded = decode::typed(&target.kind, value, |why| {
                let converted = (kind == PatchType::Strategic).then(|| conversion(why));
                ApiError::invalid_patch(&text, converted.flatten().as_deref().unwrap_or(why))
            })?;
            decoded.faults.splice(0..0, patch_faults(context, kind));
            decode::judge(&decoded.faults, options.validation)
                .map_err(|why| ApiError::invalid_patch(&text, why))?;
            Ok(decoded)
        },
    )
    .await?;
    reply(context, &target.kind, written)
}

/// A wrong type in the words of what turns a strategic patch into an object.
fn conversion(why: &str) -> Option<String> {
    let (found, rest) = why
        .strip_prefix("json: cannot unmarshal ")?
        .split_once(" into ")?;
    let wanted = rest.rsplit_once(" of type ")?.1;
    let found = match found {
        "number" => "int64",
        "object" => "map",
        "array" => "slice",
        other => other,
    };
    Some(if wanted.starts_with("[]") {
        format!("cannot restore slice from {found}")
    } else if wanted.starts_with("map[") {
        format!("cannot restore map from {found}")
    } else if wanted.starts_with("v1.") {
        format!("cannot restore struct from: {found}")
    } else {
        format!("cannot convert {found} to {wanted}")
    })
}

/// What a strict decoder says about the patch document itself.
fn patch_faults(context: &Context<'_>, kind: PatchType) -> Vec<String> {
    if kind != PatchType::Json {
        return Vec::new();
    }
    let patch = document(context, kind).and_then(|document| JsonPatch::decode(&document));
    let unknown = patch
        .map(|patch| patch.unknown_fields())
        .unwrap_or_default();
    unknown
        .iter()
        .map(|path| format!("json patch unknown field {path:?}"))
        .collect()
}

/// The body of an apply: YAML, which most clients write as JSON.
fn configuration(context: &Context<'_>) -> Result<Value, ApiError> {
    let json = decode::parse(context.body, Format::Json);
    json.or_else(|_| decode::parse(context.body, Format::Yaml))
        .map_err(|error| {
            ApiError::bad_request(format!(
                "error decoding YAML: error converting YAML to JSON: {error}"
            ))
        })
}

pub(super) async fn put_scale(context: &Context<'_>, target: &Target) -> Result<Reply, ApiError> {
    let options = context.write_options("UpdateOptions")?;
    let given = body_of(context, ("autoscaling/v1", "Scale"))?;
    let scale = scale::write(context.cluster, target, Method::Patch, &options, |_| {
        Ok(given.clone())
    })
    .await?;
    Ok(Reply::json(StatusCode::OK, &scale))
}

pub(super) async fn patch_scale(context: &Context<'_>, target: &Target) -> Result<Reply, ApiError> {
    let options = context.patch_options(false)?;
    // A Scale is built in, whatever is scaled.
    let kind = match media(context).as_str() {
        "application/strategic-merge-patch+json" => PatchType::Merge,
        _ => patch_type(context, &target.kind)?,
    };
    let scale = scale::write(
        context.cluster,
        target,
        Method::Patch,
        &options,
        |current| {
            let mut value = current.clone();
            // Zero is not shown, but a patch may replace or test it.
            let spec = crate::object::child_mut(&mut value, "spec");
            spec.entry("replicas").or_insert(Value::from(0));
            apply_patch(context, (kind, None), &mut value)?;
            fields_mut(&mut value);
            Ok(value)
        },
    )
    .await?;
    Ok(Reply::json(StatusCode::OK, &scale))
}
