//! Roles that are made of other roles.
//!
//! Pure: what such a role should say. A controller writes it down.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    object::{Object, meta},
    selector::LabelSelector,
};

/// The resource of cluster roles in the store.
pub(crate) const CLUSTER_ROLES: &str = "clusterroles.rbac.authorization.k8s.io";

/// The rules of an aggregating role, gathered from all roles (ordered by name); `None` when it gathers nothing.
pub(crate) fn gathered(role: &Value, all: &[Arc<Object>]) -> Option<Vec<Value>> {
    let selectors = role["aggregationRule"]["clusterRoleSelectors"].as_array()?;
    let mut rules: Vec<Value> = Vec::new();
    for selector in selectors {
        let selector = LabelSelector::of(selector);
        let meant = all.iter().filter(|other| {
            selector.matches(&other.value) && meta(&other.value, "name") != meta(role, "name")
        });
        for other in meant {
            let own = other.value["rules"].as_array().into_iter().flatten();
            for rule in own {
                if !rules.contains(rule) {
                    rules.push(rule.clone());
                }
            }
        }
    }
    Some(rules)
}
