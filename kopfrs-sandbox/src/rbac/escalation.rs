//! Nobody grants what they do not have.
//!
//! Asked for each write of a role or a binding, when authorization is on. Those who may `escalate` a role or `bind` one
//! are exempt, and so are administrators.

use serde_json::{Value, json};

use super::{Attributes, GROUP, Grants, Rule, authorize, grants};
use crate::{
    auth::{MASTERS, User},
    cluster::Cluster,
    error::ApiError,
    object::{fields_mut, meta, metadata_mut, text},
    verbs::{Target, WriteOptions},
};

/// Refuses a role or a binding that gives more than its writer has.
pub(crate) fn check(
    cluster: &Cluster,
    target: &Target,
    options: &WriteOptions,
    (new, old): (&Value, Option<&Value>),
) -> Result<(), ApiError> {
    let Some(caller) = options.caller.as_ref().filter(|_| cluster.settings.rbac) else {
        return Ok(());
    };
    let question = Question {
        cluster,
        target,
        user: &caller.user,
        name: meta(new, "name"),
    };
    let is_master = question.user.groups.iter().any(|group| group == MASTERS);
    if target.kind.group != GROUP || is_master || old.is_some_and(|old| only_ends(new, old)) {
        return Ok(());
    }
    match target.kind.plural.as_str() {
        "roles" | "clusterroles" => question.role(new, old),
        "rolebindings" | "clusterrolebindings" => question.binding(new),
        _ => Ok(()),
    }
}

/// Whether nothing changes but what lets an object go.
fn only_ends(new: &Value, old: &Value) -> bool {
    let rest = |value: &Value| {
        let mut value = value.clone();
        let metadata = metadata_mut(&mut value);
        for field in ["ownerReferences", "finalizers", "managedFields"] {
            metadata.remove(field);
        }
        fields_mut(&mut value).retain(|_, member| !member.is_null());
        value
    };
    rest(new) == rest(old)
}

/// One write by one user.
struct Question<'a> {
    cluster: &'a Cluster,
    target: &'a Target,
    user: &'a User,
    name: &'a str,
}

impl Question<'_> {
    fn may(&self, verb: &str, resource: &str, name: &str) -> bool {
        let attributes = Attributes {
            verb: verb.to_owned(),
            group: GROUP.to_owned(),
            resource: resource.to_owned(),
            namespace: self.target.namespace.clone(),
            name: name.to_owned(),
            ..Attributes::default()
        };
        authorize(self.cluster, self.user, &attributes).allowed
    }

    fn role(&self, new: &Value, old: Option<&Value>) -> Result<(), ApiError> {
        if self.may("escalate", &self.target.kind.plural, &self.target.name) {
            return Ok(());
        }
        self.confirm(&rules(new))?;
        let aggregates = |role: &Value| {
            let selectors = role["aggregationRule"]["clusterRoleSelectors"].as_array();
            selectors.is_some_and(|selectors| !selectors.is_empty())
        };
        if !aggregates(new) && !old.is_some_and(aggregates) {
            return Ok(());
        }
        // It may gather anything.
        let everything = json!({"rules": [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
            {"verbs": ["*"], "nonResourceURLs": ["*"]},
        ]});
        let why = "must have cluster-admin privileges to use the aggregationRule";
        self.confirm(&rules(&everything))
            .map_err(|_| self.forbidden(why))
    }

    fn binding(&self, new: &Value) -> Result<(), ApiError> {
        let role = &new["roleRef"];
        let part = |field: &str| text(role, &[field]).unwrap_or_default();
        let resource = match part("kind") {
            "Role" => "roles",
            "ClusterRole" => "clusterroles",
            // Validation has more to say about this.
            _ => return Ok(()),
        };
        if self.may("bind", resource, part("name")) {
            return Ok(());
        }
        match grants::role_of(self.cluster, role, &self.target.namespace) {
            Some(found) => self.confirm(&rules(&found.value)),
            None => Err(ApiError::not_found(self.target.kind.subject(part("name")))),
        }
    }

    fn confirm(&self, wanted: &[Rule]) -> Result<(), ApiError> {
        let grants = Grants::of(self.cluster, self.user, &self.target.namespace);
        let missing: Vec<Rule> = wanted
            .iter()
            .flat_map(Rule::broken_down)
            .filter(|rule| !grants.rules().any(|own| own.covers(rule)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut texts: Vec<String> = merged(missing).iter().map(ToString::to_string).collect();
        texts.sort();
        texts.dedup();
        let groups: Vec<String> = self
            .user
            .groups
            .iter()
            .map(|group| format!("{group:?}"))
            .collect();
        Err(self.forbidden(&format!(
            "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
            self.user.name,
            groups.join(" "),
            texts.join("\n")
        )))
    }

    fn forbidden(&self, why: &str) -> ApiError {
        ApiError::forbidden(self.target.kind.subject(self.name), why, None)
    }
}

fn rules(role: &Value) -> Vec<Rule> {
    let rules = role["rules"].as_array();
    rules.into_iter().flatten().map(Rule::read).collect()
}

/// Rules about the same thing become one with several verbs.
fn merged(rules: Vec<Rule>) -> Vec<Rule> {
    let mut merged: Vec<Rule> = Vec::new();
    for rule in rules {
        match merged.iter_mut().find(|known| known.is_like(&rule)) {
            Some(known) => known.add_verbs(rule),
            None => merged.push(rule),
        }
    }
    merged
}
