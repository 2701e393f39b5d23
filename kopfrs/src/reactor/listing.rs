//! The objects that are there at first, page by page. Changes are watched from the first page on: what
//! happens meanwhile does not wait for the end of a long list, and the list is asked for no
//! faster than its objects are worked off.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::queue::{self, Queue};
use super::wire::{List, escaped};
use crate::api::ApiError;

/// What a page should weigh, in bytes: objects may be as large as a megabyte each.
const PAGE_WEIGHT: usize = 4 * 1024 * 1024;
/// Objects of the first page, when nothing is known of their size.
const FIRST_PAGE: usize = 100;

/// A listing on its way.
#[derive(Debug, Default)]
pub(super) struct Listing {
    number: u64,
    /// The page that is being asked for; there is no more than one at a time.
    next: JoinSet<Result<Page, ApiError>>,
    /// What is known to be gone though a page may still show it.
    vanished: HashSet<Box<str>>,
    /// The list was too old before its end: this time nobody waits.
    pub(super) is_hurried: bool,
    is_open: bool,
    /// How often in a row it has failed before its end.
    failures: u32,
}

/// A page as it came.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) text: String,
    path: String,
    /// How many objects were asked for.
    limit: usize,
}

impl Listing {
    /// Begins anew.
    pub(super) fn begin(&mut self, queue: &Queue) {
        self.number = queue.next_listing();
        self.next = JoinSet::new();
        self.vanished.clear();
        self.is_open = true;
    }

    /// Which one it is, and whether more of it is to come.
    pub(super) fn now(&self) -> queue::Listing {
        queue::Listing {
            number: self.number,
            is_open: self.is_open,
        }
    }

    /// An object has gone; a page that was made before does not know that.
    pub(super) fn vanish(&mut self, uid: &str) {
        if self.is_open {
            self.vanished.insert(uid.into());
        }
    }

    pub(super) fn has_vanished(&self, uid: &str) -> bool {
        self.vanished.contains(uid)
    }

    /// All of it has come.
    pub(super) fn end(&mut self) {
        self.is_open = false;
        self.is_hurried = false;
        self.failures = 0;
        self.vanished = HashSet::new();
    }

    /// It has failed before its end; gives how often it did so before.
    pub(super) fn failed(&mut self) -> u32 {
        let before = self.failures;
        self.failures = before.saturating_add(1);
        before
    }

    /// Whether a page is on its way.
    pub(super) fn is_paging(&self) -> bool {
        !self.next.is_empty()
    }

    /// Asks for the page that a token stands for, when the objects before it have been worked off.
    pub(super) fn turn(&mut self, queue: &Arc<Queue>, page: &Page, list: &List<'_>, token: &str) {
        let most = most(queue);
        let weight = page.text.len() / list.items().len().max(1);
        let limit = (PAGE_WEIGHT / weight.max(1)).clamp(1, most);
        let (queue, path, token) = (queue.clone(), page.path.clone(), escaped(token));
        let is_hurried = self.is_hurried;
        self.next.spawn(async move {
            if !is_hurried {
                queue.room(most).await;
            }
            Page::fetch(&queue, path, limit, &format!("&continue={token}")).await
        });
    }

    /// The page that is on its way. Safe to be cancelled.
    pub(super) async fn page(&mut self) -> Option<Result<Page, ApiError>> {
        let page = self.next.join_next().await?;
        Some(page.unwrap_or_else(|error| {
            Err(ApiError::Garbage(format!("reading a page failed: {error}")))
        }))
    }
}

impl Page {
    /// The first page of a list.
    pub(super) async fn first(queue: &Queue, path: String) -> Result<Self, ApiError> {
        Self::fetch(queue, path, FIRST_PAGE.min(most(queue)), "").await
    }

    async fn fetch(
        queue: &Queue,
        path: String,
        limit: usize,
        from: &str,
    ) -> Result<Self, ApiError> {
        let connection = &queue.context.connection;
        let text = connection
            .page(&format!("{path}?limit={limit}{from}"))
            .await?;
        Ok(Self { text, path, limit })
    }

    pub(super) fn list(&self) -> Result<List<'_>, ApiError> {
        serde_json::from_str(&self.text).map_err(|error| {
            ApiError::Garbage(format!("a page of {} objects: {error}", self.limit))
        })
    }
}

fn most(queue: &Queue) -> usize {
    let most = queue.context.settings.watching.page_size.max(1);
    usize::try_from(most).unwrap_or(usize::MAX)
}
