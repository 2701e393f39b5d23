//! One rule of a role.

use std::fmt;

use serde_json::{Value, json};

use super::Attributes;
use crate::wildcard::{ALL, has, names};

/// What a role allows. A role is a list of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    verbs: Vec<String>,
    groups: Vec<String>,
    resources: Vec<String>,
    names: Vec<String>,
    paths: Vec<String>,
}

impl Rule {
    pub(super) fn read(value: &Value) -> Self {
        Self {
            verbs: names(value, "verbs"),
            groups: names(value, "apiGroups"),
            resources: names(value, "resources"),
            names: names(value, "resourceNames"),
            paths: names(value, "nonResourceURLs"),
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

    /// Rules for one verb and one thing each, which together are this one.
    pub(super) fn broken_down(&self) -> Vec<Self> {
        let one = |verb: &String| Self {
            verbs: vec![verb.clone()],
            ..Self::default()
        };
        let mut rules = Vec::new();
        for group in &self.groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    let rule = Self {
                        groups: vec![group.clone()],
                        resources: vec![resource.clone()],
                        ..one(verb)
                    };
                    if self.names.is_empty() {
                        rules.push(rule);
                        continue;
                    }
                    rules.extend(self.names.iter().map(|name| Self {
                        names: vec![name.clone()],
                        ..rule.clone()
                    }));
                }
            }
        }
        for path in &self.paths {
            rules.extend(self.verbs.iter().map(|verb| Self {
                paths: vec![path.clone()],
                ..one(verb)
            }));
        }
        rules
    }

    /// Whether all that a broken down rule allows is allowed by this one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let all = |own: &[String], wanted: &[String]| wanted.iter().all(|one| has(own, one));
        let resource = |wanted: &String| {
            let subresource = wanted.split_once('/').map(|(_, name)| format!("*/{name}"));
            has(&self.resources, wanted)
                || subresource.is_some_and(|any| self.resources.contains(&any))
        };
        let names = self.names.is_empty()
            || (!other.names.is_empty()
                && other.names.iter().all(|name| self.names.contains(name)));
        let path = |wanted: &String| {
            let mut own = self.paths.iter();
            own.any(|pattern| pattern == wanted || covers(pattern, wanted))
        };
        all(&self.verbs, &other.verbs)
            && all(&self.groups, &other.groups)
            && other.resources.iter().all(resource)
            && names
            && other.paths.iter().all(path)
    }

    /// Whether another rule is about the same thing of a resource.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        !self.is_for_paths()
            && self.groups == other.groups
            && self.resources == other.resources
            && self.names == other.names
            && self.paths == other.paths
    }

    pub(super) fn add_verbs(&mut self, other: Self) {
        self.verbs.extend(other.verbs);
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

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("APIGroups", &self.groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.paths),
            ("ResourceNames", &self.names),
            ("Verbs", &self.verbs),
        ];
        let parts = parts.into_iter().filter(|(_, list)| !list.is_empty());
        let parts: Vec<String> = parts
            .map(|(name, list)| {
                let list: Vec<String> = list.iter().map(|one| format!("{one:?}")).collect();
                format!("{name}:[{}]", list.join(" "))
            })
            .collect();
        write!(f, "{{{}}}", parts.join(", "))
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
