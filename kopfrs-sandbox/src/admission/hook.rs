//! The webhooks that configurations declare, in the order they are asked.

use std::time::Duration;

use serde_json::Value;

use super::rule::Rule;
use crate::{cluster::Cluster, selector::LabelSelector};

/// The group of the configurations.
pub(super) const GROUP: &str = "admissionregistration.k8s.io";

/// Which of the two kinds of webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Mutating,
    Validating,
}

/// What becomes of a request whose webhook cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailurePolicy {
    Fail,
    Ignore,
}

/// One webhook of a configuration.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
    pub(super) namespaces: LabelSelector,
    pub(super) objects: LabelSelector,
    pub(super) failure_policy: FailurePolicy,
    pub(super) timeout: Duration,
    /// Whether other versions of what the rules name are meant, too.
    pub(super) matches_equivalents: bool,
    pub(super) is_reinvoked: bool,
    pub(super) has_side_effects: bool,
    /// Name and expression of each condition.
    pub(super) conditions: Vec<(String, String)>,
    pub(super) review_versions: Vec<String>,
    pub(super) client: Value,
}

impl Phase {
    fn resource(self) -> String {
        match self {
            Self::Mutating => format!("mutatingwebhookconfigurations.{GROUP}"),
            Self::Validating => format!("validatingwebhookconfigurations.{GROUP}"),
        }
    }
}

/// Whether there is nobody to ask.
pub(super) fn none(cluster: &Cluster) -> bool {
    [Phase::Mutating, Phase::Validating]
        .iter()
        .all(|phase| cluster.store.list(&phase.resource(), "").1.is_empty())
}

/// All webhooks: configurations by name, the webhooks of each in their order.
pub(super) fn all(cluster: &Cluster, phase: Phase) -> Vec<Hook> {
    let configurations = cluster.store.list(&phase.resource(), "").1;
    let mut hooks = Vec::new();
    for configuration in &configurations {
        let declared = configuration.value["webhooks"].as_array();
        hooks.extend(declared.into_iter().flatten().map(Hook::read));
    }
    hooks
}

impl Hook {
    fn read(value: &Value) -> Self {
        let list = |field: &str| {
            value[field]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let owned = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let conditions = list("matchConditions")
            .iter()
            .map(|condition| (owned(&condition["name"]), owned(&condition["expression"])));
        let failure_policy = if value["failurePolicy"] == "Ignore" {
            FailurePolicy::Ignore
        } else {
            FailurePolicy::Fail
        };
        let seconds = value["timeoutSeconds"].as_u64().unwrap_or(10);
        Self {
            name: owned(&value["name"]),
            rules: list("rules").iter().map(Rule::read).collect(),
            namespaces: LabelSelector::of(&value["namespaceSelector"]),
            objects: LabelSelector::of(&value["objectSelector"]),
            failure_policy,
            timeout: Duration::from_secs(seconds),
            matches_equivalents: value["matchPolicy"] != "Exact",
            is_reinvoked: value["reinvocationPolicy"] == "IfNeeded",
            has_side_effects: value["sideEffects"] != "None"
                && value["sideEffects"] != "NoneOnDryRun",
            conditions: conditions.collect(),
            review_versions: list("admissionReviewVersions").iter().map(owned).collect(),
            client: value["clientConfig"].clone(),
        }
    }
}
