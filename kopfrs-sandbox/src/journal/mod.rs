//! The request journal: what clients asked, in order, for tests to judge.
//!
//! A tower layer records each request before it is answered and completes the record with the answer. Bounded: the
//! oldest requests are forgotten.

mod body;
mod condition;
mod connections;
mod expect;
mod layer;
mod requests;
mod wait;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use self::connections::Connections;
pub use self::{
    condition::On,
    expect::Expectation,
    requests::{Request, Requests},
    wait::{Unseen, Wait},
};
pub(crate) use self::{
    connections::OpenConnection,
    layer::{Journaled, disturbed, identify},
};

/// The requests a sandbox has seen; cheap to clone. The oldest are forgotten when there are too many, or when what they
/// have sent is more than 128 MiB.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use k8s_openapi::api::core::v1::Namespace;
/// use kube::Api;
/// use kopfrs_sandbox::{On, Sandbox};
///
/// let sandbox = Sandbox::new();
/// let namespaces: Api<Namespace> = Api::all(sandbox.client());
/// let mark = sandbox.journal().mark();
/// namespaces.get("default").await?;
///
/// let seen = sandbox.journal().since(mark);
/// assert_eq!(seen.count("get"), 1);
/// seen.expect(On::writes()).never();
/// sandbox.journal().wait_for(On::verb("get").resource("namespaces").name("default")).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Mutex<Inner>>,
    connections: Arc<Connections>,
    // Told of every request, answer, and end of an answer.
    news: Arc<Notify>,
    capacity: usize,
}

/// A moment in a [`Journal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    requests: VecDeque<Arc<Request>>,
    /// The bytes of what the requests have sent, roughly.
    size: usize,
}

/// What is remembered of requests at most, whatever their number.
const SIZE_LIMIT: usize = 128 * 1024 * 1024;

impl Inner {
    fn push(&mut self, request: Arc<Request>) {
        self.size += request.size();
        self.requests.push_back(request);
    }

    fn forget_oldest(&mut self) {
        if let Some(forgotten) = self.requests.pop_front() {
            self.size -= forgotten.size();
        }
    }
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            inner: Arc::default(),
            connections: Arc::default(),
            news: Arc::default(),
            capacity: capacity.max(1),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self, mut request: Request) -> Arc<Request> {
        let mut inner = self.lock();
        inner.next += 1;
        request.number = inner.next;
        let request = Arc::new(request);
        inner.push(request.clone());
        while inner.requests.len() > self.capacity || inner.size > SIZE_LIMIT {
            inner.forget_oldest();
        }
        drop(inner);
        self.news.notify_waiters();
        request
    }

    /// Waits until a condition holds of what has been recorded; it is asked after every request, every answer, and every
    /// end of a watch or connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use k8s_openapi::api::core::v1::Namespace;
    /// use kopfrs_sandbox::Sandbox;
    /// use kube::Api;
    ///
    /// let sandbox = Sandbox::new();
    /// let namespaces: Api<Namespace> = Api::all(sandbox.client());
    /// let asking = tokio::spawn(async move { namespaces.get("default").await });
    /// sandbox.journal().until(|journal| journal.count("get") == 1).await;
    /// asking.await??;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn until(&self, mut condition: impl FnMut(&Self) -> bool) {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // What happens between the question and the wait counts as well.
            news.as_mut().enable();
            if condition(self) {
                return;
            }
            news.await;
        }
    }

    /// The number of watches whose streams are open now.
    pub fn open_watches(&self) -> usize {
        self.requests().verb("watch").open().len()
    }

    /// The number of connections that are open now, of all servers of the sandbox. In-process there are none.
    pub fn open_connections(&self) -> usize {
        self.connections.open()
    }

    /// The number of connections that have been accepted so far.
    pub fn accepted_connections(&self) -> u64 {
        self.connections.accepted()
    }

    pub(crate) fn connection(&self) -> OpenConnection {
        OpenConnection::new(self.connections.clone(), self.news.clone())
    }

    /// All requests that are still remembered, oldest first.
    pub fn requests(&self) -> Requests {
        self.lock().requests.iter().cloned().collect()
    }

    /// The moment after the newest request.
    pub fn mark(&self) -> Mark {
        Mark(self.lock().next)
    }

    /// The requests after a moment.
    pub fn since(&self, mark: Mark) -> Requests {
        self.lock()
            .requests
            .iter()
            .filter(|request| request.number > mark.0)
            .cloned()
            .collect()
    }

    /// The requests that create, change or delete.
    pub fn writes(&self) -> Requests {
        self.requests().writes()
    }

    /// The requests about one object: plural, namespace (empty for cluster-scoped ones) and name.
    pub fn for_object(&self, resource: &str, namespace: &str, name: &str) -> Requests {
        self.requests().for_object(resource, namespace, name)
    }

    /// The number of requests of a verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub fn count(&self, verb: &str) -> usize {
        self.requests().count(verb)
    }

    /// Forgets all requests. Marks stay good.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.requests.clear();
        inner.size = 0;
    }
}
