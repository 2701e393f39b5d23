//! What an operator's source usually needs: `use kopfrs::prelude::*;`.

pub use std::sync::Arc;
pub use std::time::Duration;

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
pub use k8s_openapi::jiff::Timestamp;
pub use kube::{Client, CustomResource, Resource as _, ResourceExt as _};
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};
pub use serde_json::{Value, json};
pub use tracing::{debug, error, info, trace, warn};

pub use crate::api::{ActionError, ActionResultExt as _, Actions, Credentials, login};
pub use crate::cause::{
    Activity, ActivityCause, AdmissionCause, ChangingCause, DaemonStoppingReason, EventType,
    Headers, IndexingCause, Live, Operation, RawEvent, Reason, SpawningCause, SslPeer, Stopped,
    Stopper, UserInfo, Warnings, WatchingCause,
};
pub use crate::extract::{Memo, State};
pub use crate::filter::{ABSENT, PRESENT};
pub use crate::handler::{
    AdmissionError, Attempt, ErrorsMode, HandlerError, Indexed, Invocation, Json, PermanentError,
    Result, Subhandlers, TemporaryError,
};
pub use crate::index::Index;
pub use crate::object::{Body, Diff, DiffItem, DiffOperation, FieldPath, Patch};
pub use crate::on;
pub use crate::operator::Operator;
pub use crate::reconcile::{Action, StatusError};
pub use crate::registry::Registry;
pub use crate::resource::{Resource, Selector};
pub use crate::settings::{Settings, SettingsHandle};
