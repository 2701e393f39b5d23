//! The built-in kinds, as a table.
//!
//! To add one, add a row; its rules are in `strategy::builtin`.

use super::{
    kind::{Kind, Names, Origin, Subresource},
    subresources::{FINALIZE, NONE, PODS, STATUS, TOKEN, WORKLOAD},
};
use crate::strategy::builtin::{self as rules, Rules};

const ALL: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
/// Namespaces have no deletecollection.
const NO_COLLECTION: &[&str] = &[
    "create", "delete", "get", "list", "patch", "update", "watch",
];
const CREATE: &[&str] = &["create"];
/// The groups in the order of discovery.
const GROUPS: [&str; 10] = [
    "",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "batch",
    "rbac.authorization.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "coordination.k8s.io",
];
/// Where discovery shows a built-in group.
pub(super) fn place(group: &str) -> Option<usize> {
    GROUPS.iter().position(|known| *known == group)
}

/// One row: group/version, plural, kind, short names, categories, namespaced, subresources, rules.
struct Row(
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    bool,
    &'static [Subresource],
    &'static Rules,
);

const ROWS: &[Row] = &[
    Row(
        "v1",
        "configmaps",
        "ConfigMap",
        &["cm"],
        &[],
        true,
        NONE,
        &rules::CONFIG_MAP,
    ),
    Row(
        "v1",
        "events",
        "Event",
        &["ev"],
        &[],
        true,
        NONE,
        &rules::EVENT,
    ),
    Row(
        "v1",
        "namespaces",
        "Namespace",
        &["ns"],
        &[],
        false,
        &[FINALIZE, STATUS],
        &rules::NAMESPACE,
    ),
    Row(
        "v1",
        "nodes",
        "Node",
        &["no"],
        &[],
        false,
        &[STATUS],
        &rules::NODE,
    ),
    Row(
        "v1",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        &["pvc"],
        &[],
        true,
        &[STATUS],
        &rules::CLAIM,
    ),
    Row(
        "v1",
        "pods",
        "Pod",
        &["po"],
        &["all"],
        true,
        PODS,
        &rules::POD,
    ),
    Row(
        "v1",
        "secrets",
        "Secret",
        &[],
        &[],
        true,
        NONE,
        &rules::SECRET,
    ),
    Row(
        "v1",
        "serviceaccounts",
        "ServiceAccount",
        &["sa"],
        &[],
        true,
        &[TOKEN],
        &rules::SERVICE_ACCOUNT,
    ),
    Row(
        "v1",
        "services",
        "Service",
        &["svc"],
        &["all"],
        true,
        &[STATUS],
        &rules::SERVICE,
    ),
    Row(
        "apps/v1",
        "daemonsets",
        "DaemonSet",
        &["ds"],
        &["all"],
        true,
        &[STATUS],
        &rules::DAEMON_SET,
    ),
    Row(
        "apps/v1",
        "deployments",
        "Deployment",
        &["deploy"],
        &["all"],
        true,
        WORKLOAD,
        &rules::DEPLOYMENT,
    ),
    Row(
        "apps/v1",
        "replicasets",
        "ReplicaSet",
        &["rs"],
        &["all"],
        true,
        WORKLOAD,
        &rules::REPLICA_SET,
    ),
    Row(
        "apps/v1",
        "statefulsets",
        "StatefulSet",
        &["sts"],
        &["all"],
        true,
        WORKLOAD,
        &rules::STATEFUL_SET,
    ),
    Row(
        "events.k8s.io/v1",
        "events",
        "Event",
        &["ev"],
        &[],
        true,
        NONE,
        &rules::EVENT_V1,
    ),
    Row(
        "batch/v1",
        "cronjobs",
        "CronJob",
        &["cj"],
        &["all"],
        true,
        &[STATUS],
        &rules::CRON_JOB,
    ),
    Row(
        "batch/v1",
        "jobs",
        "Job",
        &[],
        &["all"],
        true,
        &[STATUS],
        &rules::JOB,
    ),
    Row(
        "authorization.k8s.io/v1",
        "localsubjectaccessreviews",
        "LocalSubjectAccessReview",
        &[],
        &[],
        true,
        NONE,
        &rules::REVIEW,
    ),
    Row(
        "authorization.k8s.io/v1",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        &[],
        &[],
        false,
        NONE,
        &rules::REVIEW,
    ),
    Row(
        "authorization.k8s.io/v1",
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
        &[],
        &[],
        false,
        NONE,
        &rules::REVIEW,
    ),
    Row(
        "authorization.k8s.io/v1",
        "subjectaccessreviews",
        "SubjectAccessReview",
        &[],
        &[],
        false,
        NONE,
        &rules::REVIEW,
    ),
    Row(
        "authentication.k8s.io/v1",
        "selfsubjectreviews",
        "SelfSubjectReview",
        &[],
        &[],
        false,
        NONE,
        &rules::REVIEW,
    ),
    Row(
        "rbac.authorization.k8s.io/v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
        &[],
        &[],
        false,
        NONE,
        &rules::CLUSTER_ROLE_BINDING,
    ),
    Row(
        "rbac.authorization.k8s.io/v1",
        "clusterroles",
        "ClusterRole",
        &[],
        &[],
        false,
        NONE,
        &rules::CLUSTER_ROLE,
    ),
    Row(
        "rbac.authorization.k8s.io/v1",
        "rolebindings",
        "RoleBinding",
        &[],
        &[],
        true,
        NONE,
        &rules::ROLE_BINDING,
    ),
    Row(
        "rbac.authorization.k8s.io/v1",
        "roles",
        "Role",
        &[],
        &[],
        true,
        NONE,
        &rules::ROLE,
    ),
    Row(
        "admissionregistration.k8s.io/v1",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        &[],
        &["api-extensions"],
        false,
        NONE,
        &rules::MUTATING_WEBHOOKS,
    ),
    Row(
        "admissionregistration.k8s.io/v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        &[],
        &["api-extensions"],
        false,
        NONE,
        &rules::VALIDATING_WEBHOOKS,
    ),
    Row(
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        &["crd", "crds"],
        &["api-extensions"],
        false,
        &[STATUS],
        &rules::DEFINITION,
    ),
    Row(
        "coordination.k8s.io/v1",
        "leases",
        "Lease",
        &[],
        &[],
        true,
        NONE,
        &rules::LEASE,
    ),
];

/// The built-in kinds, in the order a real server lists their groups.
pub(super) fn all() -> Vec<Kind> {
    ROWS.iter().map(kind).collect()
}

fn kind(row: &Row) -> Kind {
    let Row(api_version, plural, kind, short_names, categories, namespaced, subresources, rules) =
        row;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let names = Names {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: (*plural).to_owned(),
        singular: kind.to_lowercase(),
        kind: (*kind).to_owned(),
        list_kind: format!("{kind}List"),
        short_names: owned(short_names),
        categories: owned(categories),
        namespaced: *namespaced,
    };
    let verbs = if rules.is_review {
        CREATE
    } else if *plural == "namespaces" {
        NO_COLLECTION
    } else {
        ALL
    };
    let mut kind = Kind::new(names, verbs, subresources.to_vec(), Origin::BuiltIn(rules));
    if let Some(resource) = rules.stored_as {
        kind.resource = resource.into();
    }
    kind
}
