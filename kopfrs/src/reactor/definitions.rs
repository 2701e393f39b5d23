//! Notices when kinds come, change and go, by the metadata of their CustomResourceDefinitions.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::context::Context;
use super::watch::{Heard, SETTLED, ended_at_once, next, pause};
use crate::api::{ApiError, Failure, LineReader};

const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// How often to look when we may not watch.
const POLL: Duration = Duration::from_secs(60);

/// Where the watch tells what it has noticed.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// A definition has changed, or may have.
    pub(crate) changed: Notify,
    /// It is time to look, as changes are not told.
    pub(crate) poll: Notify,
}

/// The watch over all definitions, and how it stands.
struct Definitions {
    context: Arc<Context>,
    hints: Arc<Hints>,
    /// Where to go on; `None` means to find out where to begin.
    version: Option<String>,
    /// Changes may have been missed.
    has_gap: bool,
    failures: u32,
}

/// Gives hints until it is dropped.
pub(crate) async fn watch(context: Arc<Context>, version: Option<String>, hints: Arc<Hints>) {
    let mut definitions = Definitions {
        context,
        hints,
        has_gap: version.is_none(),
        version,
        failures: 0,
    };
    loop {
        let is_resumed = definitions.version.is_some();
        if let Err(error) = definitions.round().await {
            definitions.failed(&error, is_resumed).await;
        }
    }
}

/// The version from which on changes are of interest.
///
/// # Errors
/// If it cannot be told.
pub(crate) async fn version(context: &Context) -> Result<String, ApiError> {
    let text = context.connection.page(&format!("{PATH}?limit=1")).await?;
    let list: Value = serde_json::from_str(&text)
        .map_err(|error| ApiError::Garbage(format!("list of definitions: {error}")))?;
    Ok(list["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

impl Definitions {
    async fn round(&mut self) -> Result<(), ApiError> {
        let from = match self.version.take() {
            Some(version) => version,
            None => version(&self.context).await?,
        };
        let settings = &self.context.settings.watching;
        let path = format!(
            "{PATH}?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={from}",
            settings.server_timeout.as_secs()
        );
        let lines = self.context.connection.watch(&path).await?;
        self.version = Some(from);
        if std::mem::take(&mut self.has_gap) {
            self.hints.changed.notify_one();
        }
        self.follow(lines).await
    }

    async fn follow(&mut self, mut lines: LineReader) -> Result<(), ApiError> {
        let silence = self.context.settings.watching.inactivity_timeout;
        let opened = Instant::now();
        let mut is_settled = false;
        loop {
            let heard = next(&mut lines, silence).await;
            if is_settled || opened.elapsed() >= SETTLED {
                is_settled = true;
                self.failures = 0;
            }
            match heard? {
                Heard::Line(line) => is_settled |= self.event(&line)?,
                Heard::End if !is_settled => return Err(ended_at_once()),
                Heard::End | Heard::Silence => return Ok(()),
            }
        }
    }

    /// Takes one line in. Gives whether it has led on.
    fn event(&mut self, line: &[u8]) -> Result<bool, ApiError> {
        let event: Value = serde_json::from_slice(line)
            .map_err(|error| ApiError::Garbage(format!("event of definitions: {error}")))?;
        let object = &event["object"];
        if event["type"] == "ERROR" {
            return Err(ApiError::Status(Box::new(kube::core::Status {
                code: u16::try_from(object["code"].as_u64().unwrap_or_default())
                    .unwrap_or_default(),
                message: object["message"].as_str().unwrap_or_default().to_owned(),
                ..kube::core::Status::default()
            })));
        }
        if event["type"] != "BOOKMARK" {
            self.hints.changed.notify_one();
        }
        let Some(seen) = object["metadata"]["resourceVersion"].as_str() else {
            return Ok(false);
        };
        let before = self.version.replace(seen.to_owned());
        Ok(before.as_deref() != Some(seen))
    }

    /// Waits until it is worth another attempt.
    async fn failed(&mut self, error: &ApiError, is_resumed: bool) {
        self.version = None;
        if error.failure() == Failure::Forbidden {
            if self.context.is_news("definitions".to_owned()) {
                warn!(
                    "custom resource definitions may not be watched, new kinds are looked for every \
                     {POLL:?}: {error}"
                );
            }
            sleep(POLL).await;
            self.hints.poll.notify_one();
            return;
        }
        self.has_gap = true;
        if error.failure() == Failure::Expired && is_resumed {
            return;
        }
        let pause = pause(&self.context.settings.watching, &mut self.failures);
        debug!("the watch of custom resource definitions is started again in {pause:?}: {error}");
        sleep(pause).await;
    }
}
