//! One rule of a webhook: which operations on which resources it is for.

use serde_json::Value;

use crate::{
    registry::Kind,
    wildcard::{ALL, has, names},
};

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    operations: Vec<String>,
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Cluster,
    Namespaced,
}

/// What a rule is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) operation: &'a str,
    pub(super) kind: &'a Kind,
    pub(super) subresource: &'a str,
    /// Empty for what is in no namespace.
    pub(super) namespace: &'a str,
}

impl Rule {
    pub(super) fn read(value: &Value) -> Self {
        Self {
            operations: names(value, "operations"),
            groups: names(value, "apiGroups"),
            versions: names(value, "apiVersions"),
            resources: names(value, "resources"),
            scope: match value["scope"].as_str() {
                Some("Cluster") => Scope::Cluster,
                Some("Namespaced") => Scope::Namespaced,
                _ => Scope::All,
            },
        }
    }

    pub(super) fn is_for(&self, asked: &Asked<'_>) -> bool {
        self.covers_scope(asked)
            && has(&self.operations, asked.operation)
            && has(&self.groups, &asked.kind.group)
            && has(&self.versions, &asked.kind.version)
            && self.covers_resource(asked)
    }

    /// A namespace is in itself and yet belongs to the cluster.
    fn covers_scope(&self, asked: &Asked<'_>) -> bool {
        let is_namespace = asked.kind.plural == "namespaces" && asked.kind.group.is_empty();
        let is_clusters = is_namespace || asked.namespace.is_empty();
        match self.scope {
            Scope::All => true,
            Scope::Cluster => is_clusters,
            Scope::Namespaced => !is_clusters,
        }
    }

    /// `*` is every resource without its subresources, `*/*` is all there is.
    fn covers_resource(&self, asked: &Asked<'_>) -> bool {
        self.resources.iter().any(|pattern| {
            let (resource, subresource) = pattern.split_once('/').unwrap_or((pattern, ""));
            (resource == ALL || resource == asked.kind.plural)
                && (subresource == ALL || subresource == asked.subresource)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::Registry;

    #[test]
    fn rules_cover_resources_subresources_and_scopes() {
        let kinds = Registry::new().kinds();
        let check = |rule: Value, plural: &str, subresource: &str, namespace: &str| {
            let mut rule = rule;
            rule["operations"] = json!(["UPDATE"]);
            rule["apiGroups"] = json!(["*"]);
            rule["apiVersions"] = json!(["v1"]);
            let group = if plural == "deployments" { "apps" } else { "" };
            let asked = Asked {
                operation: "UPDATE",
                kind: kinds.find(group, "v1", plural).expect("built in"),
                subresource,
                namespace,
            };
            Rule::read(&rule).is_for(&asked)
        };
        let on = |resources: &[&str]| json!({"resources": resources});
        assert!(check(on(&["*"]), "deployments", "", "a"));
        assert!(!check(on(&["*"]), "deployments", "scale", "a"));
        assert!(check(on(&["*/*"]), "deployments", "scale", "a"));
        assert!(check(on(&["*/*"]), "deployments", "", "a"));
        assert!(check(on(&["*/scale"]), "deployments", "scale", "a"));
        assert!(check(on(&["deployments/*"]), "deployments", "", "a"));
        assert!(!check(on(&["deployments"]), "deployments", "status", "a"));
        let scoped = |scope: &str| json!({"resources": ["*"], "scope": scope});
        assert!(check(scoped("Cluster"), "namespaces", "", "a"));
        assert!(!check(scoped("Namespaced"), "namespaces", "", "a"));
        assert!(check(scoped("Namespaced"), "configmaps", "", "a"));
        assert!(!check(scoped("Cluster"), "configmaps", "", "a"));
    }
}
