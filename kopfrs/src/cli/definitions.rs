//! `crd`: the definitions of the kinds that handlers are declared for.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::Version;
use kube::core::crd::merge_crds;

use super::run::said;
use super::yaml;
use crate::registry::Registry;

/// Prints the definitions.
///
/// # Errors
/// If there is none, or those of one kind do not fit together.
pub(super) fn print(registry: &Registry) -> Result<(), String> {
    let definitions = merged(registry.definitions())?;
    if definitions.is_empty() {
        return Err(
            "none of the handlers is declared for a type that knows its definition; declare them for types \
             that #[derive(CustomResource)] makes: #[on::create(Demo)]"
                .to_owned(),
        );
    }
    let documents = definitions.iter().map(yaml::document);
    print!("{}", documents.collect::<Result<String, _>>()?);
    Ok(())
}

/// One definition a kind, with all of its versions; the objects are stored in the most stable and
/// newest of them.
fn merged(
    definitions: Vec<CustomResourceDefinition>,
) -> Result<Vec<CustomResourceDefinition>, String> {
    let mut kinds: BTreeMap<String, Vec<CustomResourceDefinition>> = BTreeMap::new();
    for definition in definitions {
        let name = definition.metadata.name.clone().unwrap_or_default();
        kinds.entry(name).or_default().push(definition);
    }
    let kinds = kinds.into_iter().map(|(name, mut versions)| {
        if versions.len() == 1 {
            return Ok(versions.remove(0));
        }
        let stored = versions
            .iter()
            .filter_map(|definition| Some(&*definition.spec.versions.first()?.name))
            .max_by_key(|version| Version::parse(version).priority())
            .unwrap_or_default()
            .to_owned();
        merge_crds(versions, &stored).map_err(|error| format!("{name}: {}", said(error)))
    });
    kinds.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(version: &str) -> CustomResourceDefinition {
        let definition = json!({
            "metadata": {"name": "demos.x.io"},
            "spec": {
                "group": "x.io", "scope": "Namespaced", "names": {"kind": "Demo", "plural": "demos"},
                "versions": [{"name": version, "served": true, "storage": true}],
            },
        });
        serde_json::from_value(definition).unwrap()
    }

    #[test]
    fn versions_of_one_kind_become_one_definition_that_stores_the_most_stable() {
        let versions = ["v1beta1", "v2", "v10alpha1", "v1"].map(definition);
        let merged = merged(versions.to_vec()).unwrap();
        assert_eq!(merged.len(), 1);
        let versions = &merged[0].spec.versions;
        assert_eq!(versions.len(), 4);
        let stored: Vec<_> = versions.iter().filter(|v| v.storage).collect();
        assert_eq!((stored.len(), &*stored[0].name), (1, "v2"));
    }
}
