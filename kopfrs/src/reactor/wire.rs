//! How lists and watches look on the wire. Objects stay text: only what names them is read.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api::ApiError;

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct List<'a> {
    #[serde(default)]
    pub(super) metadata: ListMeta,
    /// Some servers write an empty list as `null`.
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

impl List<'_> {
    pub(super) fn items(&self) -> &[&RawValue] {
        self.items.as_deref().unwrap_or_default()
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListMeta {
    #[serde(default)]
    pub(super) resource_version: String,
    /// Where the next page begins; empty or absent on the last one.
    #[serde(default, rename = "continue")]
    pub(super) continue_token: Option<String>,
}

/// A line of a watch.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) event_type: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) object: &'a RawValue,
}

/// What names an object.
#[derive(Deserialize)]
pub(super) struct Peek<'a> {
    #[serde(borrow, default)]
    pub(super) metadata: PeekMeta<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PeekMeta<'a> {
    #[serde(borrow, default)]
    pub(super) uid: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) namespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) resource_version: Cow<'a, str>,
}

/// The error that comes in the place of an object, which may have fields of these names, too.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    message: String,
}

/// A bookmark.
#[derive(Default, Deserialize)]
pub(super) struct Bookmark {
    #[serde(default)]
    pub(super) metadata: BookmarkMeta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BookmarkMeta {
    #[serde(default)]
    pub(super) resource_version: String,
    #[serde(default)]
    annotations: HashMap<String, String>,
}

impl Bookmark {
    pub(super) fn read(object: &RawValue) -> Self {
        serde_json::from_str(object.get()).unwrap_or_default()
    }

    /// Whether all objects have been told that were there when the watch began.
    pub(super) fn is_end_of_listing(&self) -> bool {
        self.metadata
            .annotations
            .get("k8s.io/initial-events-end")
            .is_some_and(|value| value == "true")
    }
}

pub(super) fn peek(object: &RawValue) -> Option<Peek<'_>> {
    serde_json::from_str(object.get()).ok()
}

/// The error that a watch ends with.
pub(super) fn stream_error(status: &RawValue) -> ApiError {
    match serde_json::from_str::<Said>(status.get()) {
        Ok(said) => ApiError::Status(Box::new(kube::core::Status {
            code: said.code,
            message: said.message,
            ..kube::core::Status::default()
        })),
        Err(_) => ApiError::Garbage(clipped(status.get())),
    }
}

/// The beginning of a text, for the log.
pub(super) fn clipped(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Continue tokens are base64 with characters that mean something in queries.
pub(super) fn escaped(token: &str) -> String {
    token
        .replace('%', "%25")
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
        .replace('&', "%26")
}
