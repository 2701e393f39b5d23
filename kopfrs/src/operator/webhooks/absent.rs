//! Without the feature `admission` there are no webhooks, and handlers that need some are a mistake.

use std::convert::Infallible;
use std::sync::Arc;

use super::error::OperatorError;
use crate::api::Connection;
use crate::reactor::Context;
use crate::registry::Registry;

/// As with the feature.
pub(super) struct Way {
    pub(super) connection: Connection,
    pub(super) client: kube::Client,
    pub(super) api: Option<http::Uri>,
}

/// There are none.
pub(super) struct Webhooks(Infallible);

/// Says what is missing.
///
/// # Errors
/// If there are handlers that the API server would have to ask.
#[expect(clippy::unused_async, reason = "as with the feature")]
pub(super) async fn open(
    _: &Arc<Context>,
    registry: &Registry,
    Way {
        connection: _,
        client: _,
        api: _,
    }: Way,
    on_ready: impl FnOnce(),
) -> Result<Option<Webhooks>, OperatorError> {
    if registry.admission().is_empty() && registry.conversions().is_empty() {
        on_ready();
        return Ok(None);
    }
    let text = "there are handlers of on::validate, on::mutate or on::convert, but kopfrs was built without its \
                feature `admission`: turn it on in Cargo.toml";
    Err(OperatorError::Admission(text.to_owned()))
}

impl Webhooks {
    #[expect(clippy::unused_async, reason = "as with the feature")]
    pub(super) async fn withdraw(&mut self) {
        match self.0 {}
    }

    #[expect(clippy::unused_async, reason = "as with the feature")]
    pub(super) async fn close(self, _: impl Future<Output = ()>) {
        match self.0 {}
    }
}

/// Nobody else has to be there first.
pub(super) fn both<F: FnOnce() + Send + 'static>(function: F) -> (F, impl FnOnce() + Send) {
    (function, || {})
}
