//! Which representation a client wants: JSON or YAML, whole objects, tables or metadata only.

use crate::error::ApiError;

/// What an answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Whole,
    Table,
    /// PartialObjectMetadata.
    Metadata,
    /// PartialObjectMetadataList.
    MetadataList,
}

/// The representation to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) shape: Shape,
    pub(crate) yaml: bool,
    /// The version of `meta.k8s.io` that tables and metadata are written in.
    pub(crate) version: &'static str,
}

impl Accepted {
    pub(crate) const JSON: Self = Self {
        shape: Shape::Whole,
        yaml: false,
        version: META,
    };

    /// Refuses metadata of a list that is asked for of an object, and the other way round.
    pub(crate) fn fit(self, answer: Answer, go_type: Option<&str>) -> Result<Self, ApiError> {
        match (self.shape, answer) {
            (Shape::Metadata, Answer::List) | (Shape::MetadataList, Answer::Object) => {
                Err(unfit(self.shape, go_type))
            }
            _ => Ok(self),
        }
    }
}

const META: &str = "meta.k8s.io/v1";
const META_OF_OLD: &str = "meta.k8s.io/v1beta1";
const TYPES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// One entry of an Accept header.
#[derive(Debug)]
pub(crate) struct Range<'a> {
    pub(crate) media: &'a str,
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl Range<'_> {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    }
}

/// The entries of an Accept header, best first.
pub(crate) fn ranges(accept: &str) -> Vec<Range<'_>> {
    let mut ranges: Vec<Range<'_>> = accept
        .split(',')
        .filter_map(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let media = parts.next().filter(|media| !media.is_empty())?;
            let parameters: Vec<(&str, &str)> =
                parts.filter_map(|part| part.split_once('=')).collect();
            let quality = parameters
                .iter()
                .find(|(key, _)| *key == "q")
                .and_then(|(_, value)| value.parse().ok());
            Some(Range {
                media,
                parameters,
                quality: quality.unwrap_or(1.0),
            })
        })
        .collect();
    ranges.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    ranges
}

/// Whether YAML comes before anything else that can be answered.
pub(crate) fn prefers_yaml(accept: &str) -> bool {
    let known = ["application/json", "*/*", "application/yaml"];
    let ranges = ranges(accept);
    let best = ranges.iter().find(|range| known.contains(&range.media));
    best.is_some_and(|range| range.media == "application/yaml")
}

/// What kind of answer is being negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Object,
    List,
    Watch,
}

/// Chooses a representation. `go_type` is what a real server calls a built-in kind.
pub(crate) fn negotiate(
    accept: Option<&str>,
    answer: Answer,
    go_type: Option<&str>,
) -> Result<Accepted, ApiError> {
    let accept = accept.unwrap_or_default();
    if accept.trim().is_empty() {
        return Ok(Accepted::JSON);
    }
    let is_custom = go_type.is_none();
    let mut transform_refused = false;
    for range in ranges(accept) {
        let yaml = match range.media {
            "application/json" | "*/*" => false,
            "application/yaml" => true,
            // Custom resources are served by another part of a real server, which knows patterns.
            "application/*" if is_custom => false,
            _ => continue,
        };
        let Some(transform) = range.parameter("as") else {
            return Ok(Accepted {
                yaml,
                ..Accepted::JSON
            });
        };
        let shape = match transform {
            "Table" => Shape::Table,
            "PartialObjectMetadata" => Shape::Metadata,
            "PartialObjectMetadataList" => Shape::MetadataList,
            _ => {
                transform_refused = true;
                continue;
            }
        };
        let version = match (range.parameter("g"), range.parameter("v")) {
            (Some("meta.k8s.io"), Some("v1")) => META,
            (Some("meta.k8s.io"), Some("v1beta1")) => META_OF_OLD,
            _ => {
                transform_refused = true;
                continue;
            }
        };
        return Ok(Accepted {
            shape,
            yaml,
            version,
        });
    }
    Err(if transform_refused || is_custom {
        refused()
    } else {
        not_acceptable(answer)
    })
}

/// 406 where transformations are known.
pub(crate) fn refused() -> ApiError {
    only(TYPES)
}

fn only(types: &str) -> ApiError {
    let message = format!("only the following media types are accepted: {types}");
    ApiError::new(406, "NotAcceptable", message, None)
}

/// A watch in a format that has no frames.
pub(crate) fn unwatchable() -> ApiError {
    only("application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch")
}

/// Metadata of a list asked for of an object, or the other way round.
fn unfit(shape: Shape, go_type: Option<&str>) -> ApiError {
    let message = match (shape, go_type) {
        (Shape::MetadataList, None) => return ApiError::internal("content is not a list"),
        (Shape::MetadataList, Some(name)) => format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list (*{name})"
        ),
        (_, name) => format!(
            "you requested PartialObjectMetadata, but the requested object is a list (*{}List)",
            name.unwrap_or("unstructured.Unstructured")
        ),
    };
    ApiError::new(406, "NotAcceptable", message, None)
}

/// 406 of a document that there is in JSON only.
pub(super) fn only_json() -> ApiError {
    unavailable("application/json")
}

pub(crate) fn not_acceptable(answer: Answer) -> ApiError {
    let watch = ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
    // Lists and watches share their path.
    let more = if answer == Answer::Object { "" } else { watch };
    unavailable(&format!("{TYPES}{more}"))
}

fn unavailable(types: &str) -> ApiError {
    let message = format!("406: Not Acceptable\n\nAvailable representations: {types}");
    ApiError::new(406, "NotAcceptable", message, Some(serde_json::json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_they_ask_for() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        let shape = |accept: &str, answer| {
            let go_type = Some("core.ConfigMap");
            negotiate(Some(accept), answer, go_type)
                .and_then(|accepted| accepted.fit(answer, go_type))
                .ok()
                .map(|accepted| accepted.shape)
        };
        assert_eq!(shape(kubectl, Answer::List), Some(Shape::Table));
        assert_eq!(shape("*/*", Answer::List), Some(Shape::Whole));
        assert_eq!(shape("", Answer::List), Some(Shape::Whole));
        assert_eq!(
            shape("text/html,application/json;q=0.5", Answer::Object),
            Some(Shape::Whole)
        );
        assert_eq!(
            shape(
                "application/vnd.kubernetes.protobuf,application/json",
                Answer::Object
            ),
            Some(Shape::Whole)
        );
        let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        assert_eq!(shape(metadata, Answer::Object), Some(Shape::Metadata));
        assert_eq!(shape(metadata, Answer::List), None);
        assert_eq!(shape("text/html", Answer::Object), None);
        assert_eq!(shape("application/*", Answer::Object), None);
    }
}
