//! What the API server has to be told so that it asks handlers: pure.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::review::is_for;
use crate::cause::AdmissionCause;
use crate::engine::insights::Insights;
use crate::filter::{Criterion, Filter, PRESENT};
use crate::handler::{AdmissionRule, Handler, Review};
use crate::resource::Resource;
use crate::settings::ServiceReference;

/// The label by which the API server tells namespaces by their names.
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";
/// As long as the API server waits at most.
const TIMEOUT_SECONDS: u32 = 30;

/// How the API server gets to the endpoint, and whom it is to trust there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientConfig {
    pub(super) address: Address,
    /// PEM; `None` for whom the API server trusts anyway.
    pub(super) trusted: Option<Vec<u8>>,
}

/// Where the endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `https://host:port/path`.
    Url(String),
    /// A Service, and the path there.
    Service(ServiceReference, String),
}

impl ClientConfig {
    /// The configuration for what is below the endpoint.
    pub(super) fn at(&self, below: &str) -> Value {
        let below = quoted(below);
        let mut config = match &self.address {
            Address::Url(url) => json!({"url": format!("{}/{below}", url.trim_end_matches('/'))}),
            Address::Service(service, path) => json!({"service": {
                "namespace": service.namespace, "name": service.name, "port": service.port,
                "path": format!("{}/{below}", path.trim_end_matches('/')),
            }}),
        };
        if let Some(trusted) = &self.trusted {
            config["caBundle"] = STANDARD.encode(trusted).into();
        }
        config
    }
}

/// The entries of a configuration: one for each handler that anything is to be asked of.
pub(super) fn webhooks<'a>(
    handlers: impl Iterator<Item = &'a Handler<AdmissionCause>>,
    insights: &Insights,
    suffix: &str,
    client: &ClientConfig,
) -> Vec<Value> {
    let mut webhooks: Vec<Value> = Vec::new();
    for handler in handlers {
        let resources = insights.resources.iter();
        let resources: Vec<&Resource> = resources
            .filter(|resource| is_for(handler, resource, &insights.resources))
            .collect();
        if resources.is_empty() {
            continue;
        }
        let mut webhook = entry(handler, &resources, client);
        if let Some(selector) = namespaces(&resources, insights) {
            webhook["namespaceSelector"] = selector;
        }
        add(&mut webhooks, webhook, &name(&handler.id, suffix));
    }
    webhooks
}

/// Adds an entry. One function may be declared for several kinds: what differs in its rules alone is one entry.
fn add(webhooks: &mut Vec<Value>, mut webhook: Value, name: &str) {
    let without = |webhook: &Value| {
        let mut rest = webhook.clone();
        for key in ["name", "rules"] {
            rest[key].take();
        }
        rest
    };
    let same = webhooks
        .iter_mut()
        .find(|other| without(other) == without(&webhook));
    if let Some(Value::Array(rules)) = same.map(|other| &mut other["rules"]) {
        let more = webhook["rules"].as_array().into_iter().flatten();
        let more: Vec<Value> = more.filter(|rule| !rules.contains(rule)).cloned().collect();
        rules.extend(more);
        return;
    }
    let is_taken = |name: &str| webhooks.iter().any(|other| other["name"] == name);
    let mut own = name.to_owned();
    let mut number = 2;
    while is_taken(&own) {
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        own = format!("{first}-{number}.{rest}");
        number += 1;
    }
    webhook["name"] = own.into();
    webhooks.push(webhook);
}

fn entry(
    handler: &Handler<AdmissionCause>,
    resources: &[&Resource],
    client: &ClientConfig,
) -> Value {
    let rule = &handler.rule;
    let rules: Vec<Value> = resources.iter().map(|r| asked(rule, r)).collect();
    let mut webhook = json!({
        "name": "",
        "rules": rules,
        "matchPolicy": "Equivalent",
        "failurePolicy": if rule.ignore_failures { "Ignore" } else { "Fail" },
        "sideEffects": if rule.side_effects { "NoneOnDryRun" } else { "None" },
        "timeoutSeconds": TIMEOUT_SECONDS,
        "admissionReviewVersions": ["v1", "v1beta1"],
        "clientConfig": client.at(&handler.id),
    });
    if let Some(selector) = labels(&handler.filter) {
        webhook["objectSelector"] = selector;
    }
    webhook
}

fn asked(rule: &AdmissionRule, resource: &Resource) -> Value {
    let plural = &resource.plural;
    let resources = match rule.subresource.as_deref() {
        None => vec![plural.clone()],
        // All subresources do not include the object itself.
        Some("*") => vec![plural.clone(), format!("{plural}/*")],
        Some(subresource) => vec![format!("{plural}/{subresource}")],
    };
    let operations: Vec<&str> = match &rule.operations {
        Some(operations) => operations.iter().map(|o| o.as_str()).collect(),
        None => vec!["*"],
    };
    json!({
        "apiGroups": [resource.group],
        "apiVersions": [resource.version],
        "resources": resources,
        "operations": operations,
        "scope": "*",
    })
}

/// What of the filter the API server can check itself. The rest is checked when it asks.
fn labels(filter: &Filter<AdmissionCause>) -> Option<Value> {
    let expressions = filter.labels.iter().filter_map(|(key, criterion)| {
        Some(match criterion {
            Criterion::Is(value) => json!({"key": key, "operator": "In", "values": [value]}),
            Criterion::Presence(presence) if *presence == PRESENT => {
                json!({"key": key, "operator": "Exists"})
            }
            Criterion::Presence(_) => json!({"key": key, "operator": "DoesNotExist"}),
            Criterion::Check(_) => return None,
        })
    });
    let expressions: Vec<Value> = expressions.collect();
    (!expressions.is_empty()).then(|| json!({"matchExpressions": expressions}))
}

/// An operator of some namespaces is not asked about others.
fn namespaces(resources: &[&Resource], insights: &Insights) -> Option<Value> {
    let names = insights.namespaces.as_ref()?;
    if !resources.iter().any(|resource| resource.namespaced) {
        return None;
    }
    let expression = if names.is_empty() {
        // Each namespace has that label.
        json!({"key": NAMESPACE_LABEL, "operator": "DoesNotExist"})
    } else {
        json!({"key": NAMESPACE_LABEL, "operator": "In", "values": **names})
    };
    Some(json!({"matchExpressions": [expression]}))
}

/// The part of the configuration for those who may do the same.
pub(super) fn of_review(
    handlers: &[std::sync::Arc<Handler<AdmissionCause>>],
    review: Review,
    is_only_persistent: bool,
) -> impl Iterator<Item = &Handler<AdmissionCause>> {
    handlers
        .iter()
        .map(|handler| &**handler)
        .filter(move |handler| handler.rule.review == review)
        .filter(move |handler| handler.rule.persistent || !is_only_persistent)
}

/// What asks for conversions of a kind.
pub(super) fn conversion(client: &ClientConfig, definition: &str) -> Value {
    json!({
        "strategy": "Webhook",
        "webhook": {
            "conversionReviewVersions": ["v1"],
            "clientConfig": client.at(&format!("convert/{definition}")),
        },
    })
}

/// A name that the API server accepts: a domain name of at least three parts.
fn name(id: &str, suffix: &str) -> String {
    let mut name = String::new();
    for c in id.chars() {
        match c {
            '/' => name.push('.'),
            '_' => name.push('-'),
            '.' | '-' => name.push(c),
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // Writing into a text does not fail.
                    let _ = write!(name, "{byte:02x}");
                }
            }
        }
    }
    let parts = name.split('.').map(|part| part.trim_matches('-'));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    format!("{}.{suffix}", parts.join("."))
}

/// As it stands in a path of a URL.
fn quoted(path: &str) -> String {
    let mut quoted = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            let _ = write!(quoted, "%{byte:02X}");
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use k8s_openapi::api::core::v1::{ConfigMap, Node};

    use super::*;
    use crate::cause::Operation;
    use crate::filter::ABSENT;
    use crate::on;

    fn insights(namespaces: Option<&[&str]>) -> Insights {
        let resource = |plural: &str, kind: &str, namespaced| Resource {
            version: "v1".into(),
            plural: plural.into(),
            kind: kind.into(),
            namespaced,
            preferred: true,
            ..Resource::default()
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Insights {
            resources: Arc::new([
                resource("configmaps", "ConfigMap", true),
                resource("nodes", "Node", false),
            ]),
            namespaces: namespaces.map(|all| Arc::new(names(all)) as Arc<BTreeSet<String>>),
            changes: 0,
        }
    }

    fn client() -> ClientConfig {
        ClientConfig {
            address: Address::Url("https://localhost:9443/base/".to_owned()),
            trusted: Some(b"pem".to_vec()),
        }
    }

    fn of(handler: &Handler<AdmissionCause>, namespaces: Option<&[&str]>) -> Value {
        let all = webhooks(
            [handler].into_iter(),
            &insights(namespaces),
            "x.io",
            &client(),
        );
        all.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn a_handler_without_options_is_asked_about_everything() {
        let handler = on::validate::<ConfigMap>().id("check").run(async || {});
        let expected = json!({
            "name": "check.x.io",
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
                "operations": ["*"], "scope": "*",
            }],
            "matchPolicy": "Equivalent",
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "timeoutSeconds": 30,
            "admissionReviewVersions": ["v1", "v1beta1"],
            "clientConfig": {"url": "https://localhost:9443/base/check", "caBundle": "cGVt"},
        });
        assert_eq!(of(&handler, None), expected);
    }

    #[test]
    fn options_are_told() {
        let handler = on::mutate::<ConfigMap>()
            .id("My_handler")
            .operations([Operation::Create, Operation::Delete])
            .subresource("*")
            .side_effects(true)
            .ignore_failures(true)
            .label("tier", "web")
            .label("old", ABSENT)
            .label("any", PRESENT)
            .label("asked", |value: Option<&str>| value.is_some())
            .run(async || {});
        let webhook = of(&handler, Some(&["a", "b"]));
        assert_eq!(webhook["name"], "my-handler.x.io");
        assert_eq!(webhook["failurePolicy"], "Ignore");
        assert_eq!(webhook["sideEffects"], "NoneOnDryRun");
        let rule = &webhook["rules"][0];
        assert_eq!(rule["operations"], json!(["CREATE", "DELETE"]));
        assert_eq!(rule["resources"], json!(["configmaps", "configmaps/*"]));
        let labels = json!({"matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["web"]},
            {"key": "old", "operator": "DoesNotExist"},
            {"key": "any", "operator": "Exists"},
        ]});
        assert_eq!(webhook["objectSelector"], labels);
        let names = json!({"matchExpressions": [
            {"key": NAMESPACE_LABEL, "operator": "In", "values": ["a", "b"]},
        ]});
        assert_eq!(webhook["namespaceSelector"], names);
    }

    #[test]
    fn namespaces_matter_only_to_what_lives_in_them() {
        let of_nodes = on::validate::<Node>().id("n").run(async || {});
        assert!(
            of(&of_nodes, Some(&["a"]))
                .get("namespaceSelector")
                .is_none()
        );
        let of_maps = on::validate::<ConfigMap>().id("m").run(async || {});
        let none = &of(&of_maps, Some(&[]))["namespaceSelector"]["matchExpressions"][0];
        assert_eq!(none["operator"], "DoesNotExist");
    }

    #[test]
    fn a_function_for_several_kinds_is_one_entry_and_others_get_other_names() {
        let check = async || {};
        let maps = on::validate::<ConfigMap>().id("a/b").run(check);
        let nodes = on::validate::<Node>().id("a/b").run(check);
        let other = on::validate::<Node>()
            .id("a/b")
            .persistent(true)
            .ignore_failures(true);
        let other = other.run(async || {});
        let all = webhooks(
            [&maps, &nodes, &other].into_iter(),
            &insights(None),
            "x.io",
            &client(),
        );
        let names: Vec<_> = all.iter().map(|webhook| &webhook["name"]).collect();
        assert_eq!(names, ["a.b.x.io", "a-2.b.x.io"]);
        assert_eq!(all[0]["rules"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn names_and_paths_are_what_the_api_accepts() {
        for (id, expected) in [
            ("val_field/spec.field", "val-field.spec.field.x.io"),
            ("_private", "private.x.io"),
            ("größe", "grc3b6c39fe.x.io"),
        ] {
            assert_eq!(name(id, "x.io"), expected);
        }
        assert_eq!(
            quoted("val_field/spec.field ä"),
            "val_field/spec.field%20%C3%A4"
        );
    }
}
