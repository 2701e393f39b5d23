//! How far one handler has come with the present change of an object.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::cause::Reason;

/// The records of all handlers, by handler id.
pub(crate) type Progress = BTreeMap<String, Record>;

/// The progress of one handler. The names are Kopf's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// When the first attempt began.
    pub(crate) started: Timestamp,
    /// When it ended for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<Timestamp>,
    /// When the next attempt is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delayed: Option<Timestamp>,
    /// For what it was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<Reason>,
    /// How many attempts were made.
    #[serde(default)]
    pub(crate) retries: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) success: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) failure: bool,
    /// The last error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The digest of the essence it ended with: a later change calls it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<String>,
    /// The ids of its sub-handlers at any depth, which have records of their own.
    #[serde(
        default,
        deserialize_with = "null_is_none",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(crate) subrefs: Vec<String>,
    /// How many of the attempts have ended in waiting for sub-handlers: those are not limited.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) rounds: u32,
    /// It failed because the object does not fit its types: never stored, so that it is tried again
    /// at the next start, and with the next change.
    #[serde(skip)]
    pub(crate) is_misfit: bool,
    /// The handler itself has asked to be called again later: it has not failed.
    #[serde(skip)]
    pub(crate) is_wait: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Kopf may be told to write nulls.
fn null_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Record {
    /// A handler that has not been called yet.
    pub(crate) fn new(purpose: Reason, now: Timestamp) -> Self {
        Self {
            started: now,
            stopped: None,
            delayed: None,
            purpose: Some(purpose),
            retries: 0,
            success: false,
            failure: false,
            message: None,
            seen: None,
            subrefs: Vec::new(),
            rounds: 0,
            is_misfit: false,
            is_wait: false,
        }
    }

    /// Whether it ended for good, well or not.
    pub(crate) fn is_finished(&self) -> bool {
        self.success || self.failure
    }
}
