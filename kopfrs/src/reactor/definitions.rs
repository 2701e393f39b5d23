//! Notices when kinds come, change and go, by the metadata of their CustomResourceDefinitions.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::context::Context;
use crate::api::{ApiError, Failure, Line};

const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// How often to look when we may not watch.
const POLL: Duration = Duration::from_secs(60);

/// Notifies of each change until it is dropped.
pub(crate) async fn watch(context: Arc<Context>, version: Option<String>, changed: Arc<Notify>) {
    let mut version = version;
    loop {
        match round(&context, &mut version, &changed).await {
            Ok(()) => {}
            Err(error) if error.failure() == Failure::Forbidden => {
                if context.is_news("definitions".to_owned()) {
                    warn!(
                        "custom resource definitions may not be watched, new kinds are looked for every \
                         {POLL:?}: {error}"
                    );
                }
                sleep(POLL).await;
                version = None;
                changed.notify_one();
            }
            Err(error) => {
                debug!("the watch of custom resource definitions is started again: {error}");
                version = None;
                sleep(context.settings.watching.backoff).await;
                changed.notify_one();
            }
        }
    }
}

/// The version from which on changes are of interest; `None` if it cannot be told.
pub(crate) async fn version(context: &Context) -> Option<String> {
    let text = context
        .connection
        .page(&format!("{PATH}?limit=1"))
        .await
        .ok()?;
    let list: Value = serde_json::from_str(&text).ok()?;
    list["metadata"]["resourceVersion"]
        .as_str()
        .map(str::to_owned)
}

async fn round(
    context: &Context,
    version: &mut Option<String>,
    changed: &Notify,
) -> Result<(), ApiError> {
    let from = match version.take() {
        Some(version) => version,
        None => {
            let text = context.connection.page(&format!("{PATH}?limit=1")).await?;
            let list: Value = serde_json::from_str(&text)
                .map_err(|error| ApiError::Garbage(format!("list of definitions: {error}")))?;
            list["metadata"]["resourceVersion"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }
    };
    let settings = &context.settings.watching;
    let path = format!(
        "{PATH}?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={from}",
        settings.server_timeout.as_secs()
    );
    let mut lines = context.connection.watch(&path).await?;
    *version = Some(from);
    loop {
        let silence = settings.inactivity_timeout;
        let line = timeout(silence, lines.next())
            .await
            .map_err(|_| ApiError::Timeout(silence))??;
        let Line::Text(line) = line else {
            return Ok(());
        };
        let event: Value = serde_json::from_slice(&line)
            .map_err(|error| ApiError::Garbage(format!("event of definitions: {error}")))?;
        if event["type"] == "ERROR" {
            return Err(ApiError::Garbage(event["object"]["message"].to_string()));
        }
        if let Some(seen) = event["object"]["metadata"]["resourceVersion"].as_str() {
            *version = Some(seen.to_owned());
        }
        if event["type"] != "BOOKMARK" {
            changed.notify_one();
        }
    }
}
