//! Which objects have named which objects of related kinds.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cause::ChangingCause;
use crate::handler::Handler;
use crate::object::ObjectKey;

/// A relation of a handler, by its place among them.
type Of<'a> = (&'a Arc<Handler<ChangingCause>>, usize);
type Place = (usize, usize);

/// Which objects have named which.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_key: HashMap<(Place, ObjectKey), Vec<Arc<str>>>,
    by_uid: HashMap<(Place, Arc<str>), Vec<ObjectKey>>,
}

impl Names {
    /// An object names these, and no others.
    pub(super) fn set(&mut self, of: Of<'_>, uid: &str, mut keys: Vec<ObjectKey>) {
        let (place, uid) = (place(of), Arc::<str>::from(uid));
        keys.sort();
        keys.dedup();
        let before = self.by_uid.remove(&(place, uid.clone()));
        for key in before.into_iter().flatten() {
            let at = (place, key);
            if let Some(uids) = self.by_key.get_mut(&at) {
                uids.retain(|other| *other != uid);
                if uids.is_empty() {
                    self.by_key.remove(&at);
                }
            }
        }
        if keys.is_empty() {
            return;
        }
        for key in &keys {
            let uids = self.by_key.entry((place, key.clone())).or_default();
            uids.push(uid.clone());
        }
        self.by_uid.insert((place, uid), keys);
    }

    /// Who has named an object.
    pub(super) fn of(&self, of: Of<'_>, key: &ObjectKey) -> Vec<Arc<str>> {
        let uids = self.by_key.get(&(place(of), key.clone()));
        uids.cloned().unwrap_or_default()
    }
}

/// Handlers live as long as the operator: their address tells them apart.
fn place((handler, place): Of<'_>) -> Place {
    (Arc::as_ptr(handler).addr(), place)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;

    use super::*;
    use crate::on;

    #[test]
    fn an_object_wakes_for_what_it_names_now() {
        let handler = Arc::new(on::create::<Pod>().id("x").run(async || {}));
        let of = (&handler, 0);
        let key = |name: &str| ObjectKey::new(Some("ns"), name);
        let mut names = Names::default();
        names.set(of, "1", vec![key("a"), key("b"), key("a")]);
        names.set(of, "2", vec![key("b")]);
        let who = |names: &Names, name: &str| {
            let uids = names.of(of, &key(name));
            uids.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            (who(&names, "a"), who(&names, "b")),
            (vec!["1".into()], vec!["1".into(), "2".into()])
        );
        names.set(of, "1", vec![key("c")]);
        assert!(who(&names, "a").is_empty());
        assert_eq!(who(&names, "b"), ["2"]);
        assert!(names.of((&handler, 1), &key("b")).is_empty());
        names.set(of, "1", Vec::new());
        names.set(of, "2", Vec::new());
        assert!(names.by_key.is_empty() && names.by_uid.is_empty());
    }
}
