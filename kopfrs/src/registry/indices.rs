//! Indices and those who take them: all of one id are of the same types, and whoever asks for one asks for one that
//! there is.

use super::{Registry, RegistryError};
use crate::handler::{Family, Handler, Location};
use crate::index::{IndexShape, IndexUse};

/// Somebody who takes an index.
pub(super) struct Taker<'a> {
    family: &'static str,
    id: &'a str,
    location: Location,
    index: &'a IndexUse,
}

impl Registry {
    /// The indices that are filled: their ids, types, and where they are declared first.
    pub(crate) fn indices(&self) -> Vec<(&str, IndexShape, Location)> {
        let mut indices: Vec<(&str, IndexShape, Location)> = Vec::new();
        for handler in self.indexing() {
            let is_new = indices.iter().all(|(id, ..)| *id != handler.id);
            if let Some(shape) = handler.rule.shape.filter(|_| is_new) {
                indices.push((&handler.id, shape, handler.location));
            }
        }
        indices
    }

    /// Checks that indices are of the types that handlers take them as.
    ///
    /// # Errors
    /// If an index is of two types, or of none that is known; if a handler takes an index that there is not, or as
    /// one of other types.
    pub fn check_indices(&self) -> Result<(), RegistryError> {
        let indices = self.indices();
        let find = |wanted: &str| indices.iter().find(|(id, ..)| *id == wanted);
        for handler in self.indexing() {
            let (id, location) = (handler.id.clone(), handler.location);
            let Some(shape) = handler.rule.shape else {
                return Err(RegistryError::Shapeless { id, location });
            };
            if let Some((_, first, at)) = find(&id).filter(|(_, first, _)| *first != shape) {
                return Err(RegistryError::Shapes {
                    id,
                    first: Box::new((*first, *at)),
                    second: Box::new((shape, location)),
                });
            }
        }
        for taker in self.takers() {
            let asked = taker.index;
            let Some((_, is, at)) = find(&asked.id) else {
                return Err(taker.of_unknown(&indices));
            };
            if *is != asked.shape {
                return Err(RegistryError::Mistaken {
                    index: asked.id.clone(),
                    handler: taker.described(),
                    location: taker.location,
                    declared: Box::new(*at),
                    shapes: Box::new((*is, asked.shape)),
                });
            }
        }
        Ok(())
    }
}

/// All who take indices, of one family.
pub(super) fn takers<C: Family>(handler: &Handler<C>) -> impl Iterator<Item = Taker<'_>> {
    handler.indices.iter().map(|index| Taker {
        family: C::NAME,
        id: &handler.id,
        location: handler.location,
        index,
    })
}

impl Taker<'_> {
    fn described(&self) -> String {
        format!("`{}` of the {}", self.id, self.family)
    }

    fn of_unknown(&self, indices: &[(&str, IndexShape, Location)]) -> RegistryError {
        let ids = indices.iter().map(|(id, ..)| *id);
        let hint = match (nearest(&self.index.id, ids.clone()), indices) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => "there are none: declare it with `on::index`".to_owned(),
            (None, _) => {
                let known: Vec<_> = ids.map(|id| format!("`{id}`")).collect();
                format!("there are {}", known.join(", "))
            }
        };
        RegistryError::UnknownIndex {
            index: self.index.id.clone(),
            handler: self.described(),
            location: self.location,
            hint,
        }
    }
}

/// The id that was probably meant: it differs in few letters, or one is in the other.
fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = written.chars().count() / 3;
    let distances = known.map(|id| (distance(written, id), id));
    let is_near = |(distance, id): &(usize, &str)| {
        *distance <= allowed || id.starts_with(written) || written.starts_with(id)
    };
    distances.filter(is_near).min().map(|(_, id)| id)
}

/// How many letters must be added, dropped, or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Pod};

    use super::*;
    use crate::object::Body;
    use crate::on;

    fn pods() -> Handler<crate::cause::IndexingCause> {
        on::index::<Pod>()
            .id("pods")
            .run(async |body: Body| vec![(body.name().to_owned(), 1_u32)])
    }

    fn error(registry: &Registry) -> String {
        registry.check_indices().unwrap_err().to_string()
    }

    #[test]
    fn an_index_is_taken_by_its_id_and_as_what_it_is() {
        let taking = |id: &str| {
            let taker = on::create::<Pod>()
                .id("create")
                .uses_index::<String, u32>(id);
            Registry::new().add(pods()).add(taker.run(async || {}))
        };
        assert_eq!(taking("pods").check_indices(), Ok(()));
        let near = error(&taking("pod"));
        assert!(
            near.contains("`create`") && near.ends_with("did you mean `pods`?"),
            "{near}"
        );
        let far = error(&taking("nodes_by_zone"));
        assert!(far.ends_with("there are `pods`"), "{far}");
        let other = on::event::<Pod>()
            .id("e")
            .uses_index::<String, String>("pods");
        let mistaken = error(&Registry::new().add(pods()).add(other.run(async || {})));
        assert!(mistaken.contains("Index<String, u32>"), "{mistaken}");
        assert!(mistaken.contains("Index<String, String>"), "{mistaken}");
    }

    #[test]
    fn several_kinds_may_fill_one_index_of_the_same_types() {
        let of_maps = |handler: on::Builder<on::Index>| handler.id("pods");
        let same = of_maps(on::index::<ConfigMap>()).run(async || vec![(String::new(), 1_u32)]);
        assert_eq!(
            Registry::new().add(pods()).add(same).check_indices(),
            Ok(())
        );
        let other = of_maps(on::index::<ConfigMap>()).run(async || "a value");
        let text = error(&Registry::new().add(pods()).add(other));
        assert!(
            text.contains("Index<(), &str>") && text.contains("Index<String, u32>"),
            "{text}"
        );
    }

    #[test]
    fn an_index_of_unknown_types_is_refused() {
        let handler = on::index::<Pod>().id("pods").run(async || {});
        assert!(error(&Registry::new().add(handler)).contains("returns nothing"));
        let handler = on::index::<Pod>()
            .id("pods")
            .of::<String, u32>()
            .run(async || {});
        assert_eq!(Registry::new().add(handler).check_indices(), Ok(()));
    }

    #[test]
    fn near_ids_are_found() {
        for (written, known, expected) in [
            ("pod", "pods", Some("pods")),
            ("by_nod", "by_node", Some("by_node")),
            ("pods_by_node", "pods", Some("pods")),
            ("x", "pods", None),
        ] {
            assert_eq!(nearest(written, [known].into_iter()), expected, "{written}");
        }
    }
}
