//! Notices when kinds come, change and go, by the metadata of their CustomResourceDefinitions.

use std::sync::Arc;

use tokio::sync::Notify;

use super::context::Context;
use super::metadata::{Listener, MetadataWatch, Page, Source, read};
use crate::api::ApiError;

const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Where the watch tells what it has noticed.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// A definition has changed, or may have.
    pub(crate) changed: Notify,
    /// It is time to look, as changes are not told.
    pub(crate) poll: Notify,
}

/// Turns what is heard of definitions into hints.
struct Definitions {
    hints: Arc<Hints>,
    /// It was refused before: the first look at what is there is not due to a refusal.
    is_refused: bool,
}

/// Gives hints until it is dropped.
pub(crate) async fn watch(context: Arc<Context>, version: Option<String>, hints: Arc<Hints>) {
    let source = Source {
        path: PATH,
        what: "custom resource definitions",
        otherwise: "so new kinds are looked for from time to time; grant list and watch on \
            customresourcedefinitions.apiextensions.k8s.io to be told of them"
            .to_owned(),
        is_awaited: false,
    };
    let definitions = Definitions {
        hints,
        is_refused: false,
    };
    MetadataWatch::new(&context, source, definitions, version)
        .run()
        .await;
}

/// The version from which on changes are of interest.
///
/// # Errors
/// If it cannot be told.
pub(crate) async fn version(context: &Context) -> Result<String, ApiError> {
    let page: Page = read(&context.connection, &format!("{PATH}?limit=1")).await?;
    Ok(page.metadata.resource_version)
}

impl Listener for Definitions {
    async fn begin(&mut self, context: &Context) -> Result<String, ApiError> {
        if self.is_refused {
            self.hints.poll.notify_one();
        }
        version(context).await
    }

    fn opened(&mut self, has_gap: bool) {
        self.is_refused = false;
        if has_gap {
            self.hints.changed.notify_one();
        }
    }

    fn event(&mut self, _name: &str, _is_gone: bool) {
        self.hints.changed.notify_one();
    }

    fn unwatched(&mut self) {
        self.is_refused = true;
    }
}
