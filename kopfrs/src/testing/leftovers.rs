//! What a test leaves behind, and how it is removed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::{TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::rest::Rest;
use crate::resource::Resource;

/// How much of a name goes into a unique one: names of namespaces have at most 63 characters.
const LONGEST: usize = 36;

/// How many objects are released at a time: a busy server needs long for hundreds, one after another.
const AT_ONCE: usize = 16;

/// What a test has made, as far as it outlives the test.
#[derive(Debug, Default)]
pub(super) struct Leftovers(Mutex<Made>);

#[derive(Debug, Default)]
struct Made {
    namespaces: Vec<String>,
    /// The kinds whose objects may have finalizers that nobody is going to remove.
    kinds: Vec<Resource>,
    /// The paths of objects outside of namespaces.
    objects: Vec<String>,
}

impl Leftovers {
    fn made(&self) -> MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A namespace has been made.
    pub(super) fn namespace(&self, name: &str) {
        self.made().namespaces.push(name.to_owned());
    }

    /// Objects of a kind are dealt with.
    pub(super) fn kind(&self, resource: &Resource) {
        let mut made = self.made();
        let path = resource.path(None, None);
        if resource.namespaced
            && made
                .kinds
                .iter()
                .all(|known| known.path(None, None) != path)
        {
            made.kinds.push(resource.clone());
        }
    }

    /// An object has been made. Definitions of kinds stay: other tests may need them.
    pub(super) fn object(&self, resource: &Resource, object: &Value) {
        if resource.namespaced || resource.kind == "CustomResourceDefinition" {
            return;
        }
        let name = object["metadata"]["name"].as_str();
        self.made().objects.push(resource.path(None, name));
    }

    /// Removes everything: namespaces begin to end, and whatever would keep them from it is let go. Gives what has gone
    /// wrong.
    pub(super) async fn remove(&self, rest: &Rest) -> Vec<String> {
        let made = std::mem::take(&mut *self.made());
        let mut problems = Vec::new();
        for namespace in &made.namespaces {
            let path = format!("/api/v1/namespaces/{namespace}");
            if let Err(error) = rest.delete(&path).await {
                problems.push(format!("namespace {namespace} cannot be deleted: {error}"));
            }
            for resource in &made.kinds {
                let path = resource.path(Some(namespace), None);
                problems.extend(free(rest, resource, &path).await.err());
            }
        }
        for path in made.objects {
            let removed = async {
                rest.delete(&path).await?;
                release(rest, &path).await
            };
            if let Err(error) = removed.await {
                problems.push(format!("{path} cannot be deleted: {error}"));
            }
        }
        problems
    }
}

/// Takes the finalizers off all objects of a kind in a namespace.
async fn free(rest: &Rest, resource: &Resource, path: &str) -> Result<(), String> {
    let failed =
        |error| format!("objects cannot be released from their finalizers ({path}): {error}");
    // A kind that is not served any more has no objects.
    let list = rest.get(path).await.map_err(failed)?.unwrap_or_default();
    let items = list["items"].as_array().into_iter().flatten();
    let held = items.map(|object| &object["metadata"]).filter(|meta| {
        let finalizers = meta["finalizers"].as_array();
        finalizers.is_some_and(|finalizers| !finalizers.is_empty())
    });
    let paths = held.map(|meta| {
        let path = resource.path(meta["namespace"].as_str(), meta["name"].as_str());
        Ok::<_, kube::Error>(path)
    });
    let releases = stream::iter(paths.collect::<Vec<_>>());
    let release = |path: String| async move { release(rest, &path).await };
    releases
        .try_for_each_concurrent(AT_ONCE, release)
        .await
        .map_err(failed)
}

async fn release(rest: &Rest, path: &str) -> Result<(), kube::Error> {
    match rest
        .merge(path, &json!({"metadata": {"finalizers": null}}))
        .await
    {
        // It was the last thing that kept it.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        released => released.map(drop),
    }
}

/// A name that no other test and no earlier run has, which begins with something telling.
pub(super) fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let prefix = telling(prefix);
    format!(
        "{prefix}-{:x}-{process:x}-{count}",
        time.as_secs() & 0x00ff_ffff
    )
}

/// What of a text can begin the name of a namespace.
fn telling(text: &str) -> String {
    let kept = text.to_ascii_lowercase();
    let kept = kept.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let kept: String = kept.trim_matches('-').chars().take(LONGEST).collect();
    match kept.trim_end_matches('-') {
        "" => "test".to_owned(),
        kept => kept.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tests_become_names_of_namespaces() {
        for (text, expected) in [
            ("a_page_has_its_title", "a-page-has-its-title"),
            ("__Ä__", "test"),
            ("", "test"),
            (
                "nothing_is_lost_and_nothing_stays_behind_at_all",
                "nothing-is-lost-and-nothing-stays-be",
            ),
            (
                "a_name_that_is_cut_just_behind_a_____word",
                "a-name-that-is-cut-just-behind-a",
            ),
        ] {
            assert_eq!(telling(text), expected);
        }
        let (one, other) = (unique("x"), unique("x"));
        assert!(one != other && one.len() < 64, "{one} {other}");
    }
}
