//! One rule of a role.

use serde_json::{Value, json};

use super::Attributes;

/// What a role allows. A role is a list of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    verbs: Vec<String>,
    groups: Vec<String>,
    resources: Vec<String>,
    names: Vec<String>,
    paths: Vec<String>,
}

const ALL: &str = "*";

fn texts(value: &Value, field: &str) -> Vec<String> {
    let list = value[field].as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|one| one == ALL || one == wanted)
}

impl Rule {
    pub(super) fn read(value: &Value) -> Self {
        Self {
            verbs: texts(value, "verbs"),
            groups: texts(value, "apiGroups"),
            resources: texts(value, "resources"),
            names: texts(value, "resourceNames"),
            paths: texts(value, "nonResourceURLs"),
        }
    }

    pub(super) fn allows(&self, attributes: &Attributes) -> bool {
        if !has(&self.verbs, &attributes.verb) {
            return false;
        }
        match &attributes.path {
            Some(path) => self.paths.iter().any(|pattern| covers(pattern, path)),
            None => {
                has(&self.groups, &attributes.group)
                    && self.covers_resource(attributes)
                    && (self.names.is_empty() || self.names.contains(&attributes.name))
            }
        }
    }

    /// `*` is everything, `*/scale` one subresource of everything; `pods` is not its subresources.
    fn covers_resource(&self, attributes: &Attributes) -> bool {
        let combined = attributes.combined();
        self.resources.iter().any(|pattern| {
            pattern == ALL
                || *pattern == combined
                || pattern
                    .strip_prefix("*/")
                    .is_some_and(|sub| !sub.is_empty() && sub == attributes.subresource)
        })
    }

    pub(crate) fn is_for_paths(&self) -> bool {
        !self.paths.is_empty()
    }

    /// The rule as reviews of rules show it.
    pub(crate) fn shown(&self) -> Value {
        if self.is_for_paths() {
            return json!({"verbs": self.verbs, "nonResourceURLs": self.paths});
        }
        let mut shown =
            json!({"verbs": self.verbs, "apiGroups": self.groups, "resources": self.resources});
        if !self.names.is_empty() {
            shown["resourceNames"] = json!(self.names);
        }
        shown
    }
}

fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => pattern == path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: &Value) -> Rule {
        Rule::read(value)
    }

    #[test]
    fn rules_allow_what_they_say_and_nothing_else() {
        let check = |rule: &Rule, verb: &str, resource: &str, name: &str, expected: bool| {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let attributes = Attributes {
                verb: verb.to_owned(),
                group: "apps".to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.to_owned(),
                name: name.to_owned(),
                ..Attributes::default()
            };
            let allowed = rule.allows(&attributes);
            assert_eq!(allowed, expected, "{rule:?} {attributes:?}");
        };
        let one =
            rule(&json!({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"]}));
        check(&one, "get", "deployments", "a", true);
        check(&one, "list", "deployments", "", false);
        check(&one, "get", "deployments/scale", "a", false);
        let scales = rule(&json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*/scale"]}));
        check(&scales, "patch", "deployments/scale", "a", true);
        check(&scales, "patch", "deployments", "a", false);
        let named = rule(&json!({
            "verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["*"], "resourceNames": ["a"],
        }));
        check(&named, "get", "deployments/status", "a", true);
        check(&named, "get", "deployments", "b", false);
        check(&named, "list", "deployments", "", false);
        let other = rule(&json!({"verbs": ["*"], "apiGroups": [""], "resources": ["*"]}));
        check(&other, "get", "deployments", "a", false);
    }

    #[test]
    fn paths_end_in_a_star_or_are_exact() {
        let paths = rule(&json!({"verbs": ["get"], "nonResourceURLs": ["/api/*", "/version"]}));
        let check = |path: &str, expected: bool| {
            let attributes = Attributes {
                verb: "get".to_owned(),
                path: Some(path.to_owned()),
                ..Attributes::default()
            };
            assert_eq!(paths.allows(&attributes), expected, "{path}");
        };
        check("/api/v1", true);
        check("/api", false);
        check("/version", true);
        check("/version/x", false);
    }
}
