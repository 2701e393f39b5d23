//! Namespaces of single tests.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::rest::Rest;

/// A fresh namespace. It is deleted by [`Namespace::delete`]: what has to be awaited cannot be left
/// to `Drop`.
#[derive(Debug)]
pub struct Namespace {
    rest: Rest,
    name: String,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Namespace {
    pub(super) async fn create(rest: Rest, prefix: &str) -> Self {
        let name = format!("{prefix}-{}", unique());
        let object = json!({"metadata": {"name": name}});
        if let Err(error) = rest.post("/api/v1/namespaces", &object).await {
            panic!("namespace {name} cannot be made: {error}");
        }
        Self { rest, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Deletes it. That it may take a while until it is gone is nobody's business here.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn delete(self) {
        let path = format!("/api/v1/namespaces/{}", self.name);
        if let Err(error) = self.rest.delete(&path, None).await {
            panic!("namespace {} cannot be deleted: {error}", self.name);
        }
    }
}

/// A text that no other test and no earlier run has.
fn unique() -> String {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    format!("{:x}-{process:x}-{count}", time.as_secs() & 0x00ff_ffff)
}
