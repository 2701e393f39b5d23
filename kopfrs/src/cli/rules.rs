//! The least rights with which the declared handlers can be called.
//!
//! Pure: from selectors and definitions to rules of RBAC. What handlers do by themselves is not known
//! here.

use serde_json::{Value, json};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use crate::handler::Relation;
use crate::registry::Registry;
use crate::resource::{Resource, Selector};

/// Kinds of the core group that live in no namespace.
const CLUSTER_WIDE: &[&str] = &["namespaces", "nodes", "persistentvolumes"];

/// One rule of a role.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    group: String,
    resources: Vec<String>,
    verbs: &'static [&'static str],
    /// Whether a role in a namespace is enough.
    pub(crate) is_namespaced: bool,
    /// What a person should look at.
    pub(crate) note: Option<String>,
}

impl Rule {
    pub(crate) fn new(group: &str, resource: &str, verbs: &'static [&'static str]) -> Self {
        Self {
            group: group.to_owned(),
            resources: vec![resource.to_owned()],
            verbs,
            is_namespaced: false,
            note: None,
        }
    }

    pub(super) fn to_value(&self) -> Value {
        json!({"apiGroups": [self.group], "resources": self.resources, "verbs": self.verbs})
    }
}

/// What the operator itself needs, besides the kinds that it serves.
pub(super) fn own(needs_namespaces: bool, posts_events: bool) -> Vec<Rule> {
    let mut rules = vec![Rule::new(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        &["get", "list", "watch"],
    )];
    if needs_namespaces {
        rules.push(Rule::new("", "namespaces", &["list", "watch"]));
    }
    if posts_events {
        let mut events = Rule::new("events.k8s.io", "events", &["create", "patch"]);
        events.is_namespaced = true;
        rules.push(events);
    }
    rules
}

/// What the handlers' kinds need: to be watched, and to be patched together with their status.
pub(super) fn of_kinds(registry: &Registry) -> Vec<Rule> {
    let definitions = registry.definitions();
    let known: Vec<Resource> = definitions.iter().flat_map(resources).collect();
    let watching = registry
        .watching()
        .iter()
        .filter_map(|h| h.selector.as_ref());
    let changing = registry
        .changing()
        .iter()
        .filter_map(|h| h.selector.as_ref());
    let spawning = registry
        .spawning()
        .iter()
        .filter_map(|h| h.selector.as_ref());
    let mut rules: Vec<Rule> = Vec::new();
    for selector in watching.chain(changing).chain(spawning) {
        for rule in of_selector(selector, &known) {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
    rules.extend(of_related(registry, &known, &rules));
    rules
}

/// What related and indexed kinds need: to be watched only.
fn of_related(registry: &Registry, known: &[Resource], others: &[Rule]) -> Vec<Rule> {
    let handlers = registry.changing().iter();
    let relations = handlers.flat_map(|handler| &handler.rule.relations);
    let related = relations.map(Relation::selector);
    let indexed = registry.indexing().iter();
    let indexed = indexed.filter_map(|handler| handler.selector.as_ref());
    let mut rules: Vec<Rule> = Vec::new();
    for mut rule in related
        .chain(indexed)
        .flat_map(|selector| of_selector(selector, known))
    {
        rule.verbs = &["list", "watch"];
        let is_new = |other: &Rule| other.group != rule.group || other.resources != rule.resources;
        let is_status = rule.resources.iter().any(|resource| resource.contains('/'));
        if !is_status && others.iter().chain(&rules).all(is_new) {
            rules.push(rule);
        }
    }
    rules
}

fn of_selector(selector: &Selector, known: &[Resource]) -> Vec<Rule> {
    let found: Vec<&Resource> = known.iter().filter(|r| selector.matches(r)).collect();
    if selector.is_specific() && !found.is_empty() {
        let exact = found.into_iter().map(|resource| {
            let has_status = resource.has_subresource("status");
            let mut rules = served(&resource.group, &resource.plural, has_status);
            for rule in &mut rules {
                rule.is_namespaced = resource.namespaced;
            }
            rules
        });
        return exact.flatten().collect();
    }
    let group = selector.group();
    let mut rules = served(
        group.unwrap_or("*"),
        selector.plural_name().unwrap_or("*"),
        true,
    );
    let is_exact = group.is_some() && selector.has_plural();
    let is_cluster_wide = group == Some("")
        && selector
            .plural_name()
            .is_some_and(|name| CLUSTER_WIDE.contains(&name));
    for rule in &mut rules {
        rule.is_namespaced = !is_cluster_wide;
        if !is_exact {
            rule.note = Some(format!(
                "{selector} does not tell both group and plural name: look at its rules, and narrow them down"
            ));
        }
    }
    rules
}

fn served(group: &str, plural: &str, has_status: bool) -> Vec<Rule> {
    let mut rules = vec![Rule::new(group, plural, &["get", "list", "watch", "patch"])];
    if has_status {
        rules.push(Rule::new(group, &format!("{plural}/status"), &["patch"]));
    }
    rules
}

/// What a definition defines, a version each.
fn resources(definition: &CustomResourceDefinition) -> Vec<Resource> {
    let (spec, names) = (&definition.spec, &definition.spec.names);
    let versions = spec.versions.iter().map(|version| {
        let status = version
            .subresources
            .as_ref()
            .and_then(|s| s.status.as_ref());
        let mut resource = Resource::default();
        resource.group.clone_from(&spec.group);
        resource.version.clone_from(&version.name);
        resource.plural.clone_from(&names.plural);
        resource.kind.clone_from(&names.kind);
        resource.singular = names.singular.clone().unwrap_or_default();
        resource.short_names = names.short_names.clone().unwrap_or_default();
        resource.categories = names.categories.clone().unwrap_or_default();
        resource.subresources = status.map(|_| "status".to_owned()).into_iter().collect();
        resource.namespaced = spec.scope == "Namespaced";
        resource.preferred = true;
        resource
    });
    versions.collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Node, Pod};

    use super::*;
    use crate::on;

    fn rules(selectors: Vec<Selector>) -> Vec<(String, Vec<String>, bool, bool)> {
        let registry = selectors
            .into_iter()
            .fold(Registry::new(), |registry, selector| {
                registry.add(on::create_of(selector).id("create").run(async || {}))
            });
        let rules = of_kinds(&registry).into_iter();
        rules
            .map(|r| (r.group, r.resources, r.is_namespaced, r.note.is_some()))
            .collect()
    }

    #[test]
    fn rules_are_as_narrow_as_selectors_tell() {
        let row = |group: &str, resource: &str, is_namespaced, has_note| {
            (
                group.to_owned(),
                vec![resource.to_owned()],
                is_namespaced,
                has_note,
            )
        };
        assert_eq!(
            rules(vec![
                Selector::of::<Pod>(),
                Selector::of::<Pod>(),
                Selector::of::<Node>()
            ]),
            [
                row("", "pods", true, false),
                row("", "pods/status", true, false),
                row("", "nodes", false, false),
                row("", "nodes/status", false, false),
            ]
        );
        assert_eq!(
            rules(vec![Selector::name("demos.x.io").unwrap()]),
            [
                row("x.io", "demos", true, true),
                row("x.io", "demos/status", true, true)
            ]
        );
        assert_eq!(
            rules(vec![Selector::kind("Demo").unwrap()])[0],
            row("*", "*", true, true)
        );
        assert_eq!(
            rules(vec![Selector::everything().with_group("x.io")])[0],
            row("x.io", "*", true, true)
        );
    }
}
