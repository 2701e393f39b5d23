//! What bindings give to a user.

use std::sync::Arc;

use serde_json::Value;

use super::{Attributes, GROUP, Rule};
use crate::{
    auth::{SERVICE_ACCOUNT, User},
    cluster::Cluster,
    object::{Object, key, meta, text},
};

/// The rules that hold for one user in one namespace, each with the reason why.
#[derive(Debug)]
pub(crate) struct Grants(Vec<Grant>);

#[derive(Debug)]
struct Grant {
    rule: Rule,
    reason: String,
}

fn stored(cluster: &Cluster, plural: &str, prefix: &str) -> Vec<Arc<Object>> {
    cluster.store.list(&format!("{plural}.{GROUP}"), prefix).1
}

/// The role that a reference in a namespace means.
pub(super) fn role_of(cluster: &Cluster, role: &Value, namespace: &str) -> Option<Arc<Object>> {
    let name = text(role, &["name"]).unwrap_or_default();
    match text(role, &["kind"])? {
        "ClusterRole" => cluster
            .store
            .get(&format!("clusterroles.{GROUP}"), &key("", name)),
        "Role" => cluster
            .store
            .get(&format!("roles.{GROUP}"), &key(namespace, name)),
        _ => None,
    }
}

impl Grants {
    /// Those for the whole cluster, and those for a namespace unless it is empty.
    pub(crate) fn of(cluster: &Cluster, user: &User, namespace: &str) -> Self {
        let mut grants = Self(Vec::new());
        for binding in stored(cluster, "clusterrolebindings", "") {
            grants.add(cluster, user, &binding.value);
        }
        if !namespace.is_empty() {
            for binding in stored(cluster, "rolebindings", &format!("{namespace}/")) {
                grants.add(cluster, user, &binding.value);
            }
        }
        grants
    }

    fn add(&mut self, cluster: &Cluster, user: &User, binding: &Value) {
        let namespace = meta(binding, "namespace");
        let subjects = binding["subjects"].as_array();
        let Some(who) = subjects
            .into_iter()
            .flatten()
            .find_map(|subject| describes(subject, user, namespace))
        else {
            return;
        };
        let role = text(binding, &["roleRef", "name"]).unwrap_or_default();
        let kind = text(binding, &["roleRef", "kind"]).unwrap_or_default();
        let found = role_of(cluster, &binding["roleRef"], namespace);
        let name = meta(binding, "name");
        let binding = if namespace.is_empty() {
            format!("ClusterRoleBinding {name:?}")
        } else {
            format!("RoleBinding \"{name}/{namespace}\"")
        };
        let reason = format!("RBAC: allowed by {binding} of {kind} {role:?} to {who}");
        let rules = found
            .as_ref()
            .and_then(|role| role.value["rules"].as_array());
        self.0.extend(rules.into_iter().flatten().map(|rule| Grant {
            rule: Rule::read(rule),
            reason: reason.clone(),
        }));
    }

    /// Why it is allowed; `None` if it is not.
    pub(super) fn find(&self, attributes: &Attributes) -> Option<String> {
        self.0
            .iter()
            .find(|grant| grant.rule.allows(attributes))
            .map(|grant| grant.reason.clone())
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().map(|grant| &grant.rule)
    }
}

/// Whether a subject of a binding is the user, in words.
fn describes(subject: &Value, user: &User, namespace: &str) -> Option<String> {
    let name = text(subject, &["name"])?;
    match text(subject, &["kind"])? {
        "User" if user.name == name => Some(format!("User {name:?}")),
        "Group" if user.groups.iter().any(|group| group == name) => Some(format!("Group {name:?}")),
        "ServiceAccount" => {
            // In a RoleBinding, the account of its own namespace is meant unless another one is named.
            let of = text(subject, &["namespace"])
                .filter(|of| !of.is_empty())
                .unwrap_or(namespace);
            let full = format!("{SERVICE_ACCOUNT}{of}:{name}");
            (user.name == full).then(|| format!("ServiceAccount \"{name}/{of}\""))
        }
        _ => None,
    }
}
