//! How often which verb was done to which kind, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Method;

use super::place::{Place, is_watch};
use crate::metrics::{Histogram, REQUEST};

/// Counts requests. Clones share what they count.
///
/// # Examples
/// ```
/// use kopfrs::api::{RequestCounts, RequestOutcome};
///
/// let counts = RequestCounts::default();
/// assert_eq!(counts.total(|row| row.verb == "create" && row.outcome == RequestOutcome::Ok), 0);
/// ```
#[derive(Clone, Default)]
pub struct RequestCounts(Arc<Inner>);

#[derive(Default)]
struct Inner {
    rows: Mutex<BTreeMap<RequestKind, u64>>,
    /// How long answers took, by method.
    times: Mutex<BTreeMap<String, Arc<Histogram>>>,
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct RequestKind {
    /// The verb as roles name it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
    /// `deletecollection`.
    pub verb: &'static str,
    /// The plural name of the kind, with its group: `pods`, `deployments.apps`. Empty for requests that
    /// are for no kind, such as discovery.
    pub resource: String,
    /// The subresource: `status`. Empty for the object itself.
    pub subresource: String,
    /// What came of it.
    pub outcome: RequestOutcome,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestOutcome {
    /// The server did what was asked.
    Ok,
    /// The server refused, with this status code.
    Refused(u16),
    /// There was no answer, or none that could be read.
    Failed,
}

impl RequestCounts {
    /// All counts, in the order of verbs and kinds.
    pub fn rows(&self) -> Vec<(RequestKind, u64)> {
        let rows = self.lock();
        rows.iter().map(|(kind, n)| (kind.clone(), *n)).collect()
    }

    /// How many requests of some kinds there were.
    pub fn total(&self, mut of: impl FnMut(&RequestKind) -> bool) -> u64 {
        let rows = self.lock();
        rows.iter()
            .filter(|(kind, _)| of(kind))
            .map(|(_, n)| n)
            .sum()
    }

    /// Counts a request by its method and its path, with its query.
    pub(super) fn add(
        &self,
        (method, path): (&Method, &str),
        outcome: RequestOutcome,
        took: Duration,
    ) {
        let kind = RequestKind::of(method, path, outcome);
        *self.lock().entry(kind).or_default() += 1;
        let mut times = self.0.times.lock().unwrap_or_else(PoisonError::into_inner);
        match times.get(method.as_str()) {
            Some(histogram) => histogram.observe(took),
            None => {
                let histogram = Histogram::new(REQUEST);
                histogram.observe(took);
                times.insert(method.as_str().to_owned(), Arc::new(histogram));
            }
        }
    }

    /// How long answers took, by method.
    #[cfg(feature = "admin")]
    pub(crate) fn times(&self) -> BTreeMap<String, Arc<Histogram>> {
        let times = self.0.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RequestKind, u64>> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestKind {
    /// Tells a request by its method and its path with the query.
    pub(super) fn of(method: &Method, path: &str, outcome: RequestOutcome) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let place = Place::of(path);
        let verb = match (method.as_str(), !place.name.is_empty()) {
            ("GET", _) if is_watch(query) => "watch",
            ("GET", false) if !place.plural.is_empty() => "list",
            ("GET", _) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => "other",
        };
        Self {
            verb,
            resource: place.resource(),
            subresource: place.subresource.to_owned(),
            outcome,
        }
    }
}

impl fmt::Debug for RequestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.rows().iter().map(|(kind, n)| (kind, n)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(method: &Method, path: &str) -> String {
        let kind = RequestKind::of(method, path, RequestOutcome::Ok);
        format!("{} {} {}", kind.verb, kind.resource, kind.subresource)
    }

    #[test]
    fn requests_are_counted_as_roles_name_them() {
        for (method, path, expected) in [
            (Method::GET, "/api/v1/namespaces/a/pods/b", "get pods "),
            (Method::GET, "/api/v1/namespaces/a/pods", "list pods "),
            (
                Method::GET,
                "/api/v1/pods?limit=5&watch=true",
                "watch pods ",
            ),
            (Method::GET, "/api/v1/namespaces/a", "get namespaces "),
            (Method::GET, "/api/v1/namespaces", "list namespaces "),
            (
                Method::PUT,
                "/api/v1/namespaces/a/finalize",
                "update namespaces finalize",
            ),
            (Method::GET, "/apis", "get  "),
            (Method::GET, "/apis/apps/v1", "get  "),
            (
                Method::POST,
                "/apis/apps/v1/namespaces/a/deployments",
                "create deployments.apps ",
            ),
            (
                Method::PATCH,
                "/apis/apps/v1/namespaces/a/deployments/b/status?fieldManager=x",
                "patch deployments.apps status",
            ),
            (
                Method::DELETE,
                "/apis/e.io/v1/demos/b",
                "delete demos.e.io ",
            ),
            (
                Method::DELETE,
                "/apis/e.io/v1/demos?limit=1",
                "deletecollection demos.e.io ",
            ),
        ] {
            assert_eq!(counted(&method, path), expected, "{method} {path}");
        }
    }
}
