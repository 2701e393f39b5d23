//! What is particular to each built-in kind: defaults, validation, the few odd rules.
//!
//! `registry::builtin` points here row by row. A kind without particulars uses `PLAIN`.

mod core;
pub(crate) mod definition;
mod pod;
mod workload;

use serde_json::Value;

use super::names::NameRule;
use crate::{
    admission::{defaults, validation},
    error::FieldError,
    rbac::validation as rbac,
};

/// The particulars of a built-in kind.
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table of independent facts"
)]
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) name: NameRule,
    /// Whether `metadata.generation` counts changes of `spec` (or of everything outside metadata and status).
    pub(crate) counts_generation: bool,
    /// Whether PUT creates what is missing.
    pub(crate) put_creates: bool,
    /// Whether DELETE answers with the object even when it is gone at once.
    pub(crate) delete_answers_object: bool,
    /// Create-only kinds that store nothing.
    pub(crate) is_review: bool,
    /// The resource it shares storage with, when that is another one.
    pub(crate) stored_as: Option<&'static str>,
    /// Says why the body does not decode.
    pub(crate) check_types: fn(&Value) -> Result<(), String>,
    /// Fills in defaults, on each write.
    pub(crate) defaults: fn(&mut Value),
    /// Prepares a new object, once.
    pub(crate) prepare: fn(&mut Value),
    /// Carries over or derives fields on updates: new, old.
    pub(crate) carry_over: fn(&mut Value, &Value),
    pub(crate) validate: fn(&Value) -> Vec<FieldError>,
    /// New, old.
    pub(crate) validate_update: fn(&Value, &Value) -> Vec<FieldError>,
    /// Fields to select by, besides name and namespace.
    pub(crate) selectable: &'static [&'static str],
}

const PLAIN: Rules = Rules {
    name: NameRule::Subdomain,
    counts_generation: false,
    put_creates: false,
    delete_answers_object: false,
    is_review: false,
    stored_as: None,
    check_types: |_| Ok(()),
    defaults: |_| (),
    prepare: |_| (),
    carry_over: |_, _| (),
    validate: |_| Vec::new(),
    validate_update: |_, _| Vec::new(),
    selectable: &[],
};

pub(crate) static CONFIG_MAP: Rules = Rules {
    check_types: core::config_map_types,
    defaults: |value| core::drop_empty(value, &["data", "binaryData"]),
    validate: core::validate_config_map,
    validate_update: core::validate_immutable_data,
    ..PLAIN
};

pub(crate) static SECRET: Rules = Rules {
    check_types: core::secret_types,
    defaults: core::secret_defaults,
    validate: core::validate_secret,
    validate_update: core::validate_secret_update,
    selectable: &["type"],
    ..PLAIN
};

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

pub(crate) static EVENT: Rules = Rules {
    check_types: core::event_types,
    defaults: core::event_defaults,
    selectable: EVENT_FIELDS,
    ..PLAIN
};

/// The other view of the same events; `strategy::view` translates.
pub(crate) static EVENT_V1: Rules = Rules {
    stored_as: Some("events"),
    check_types: core::event_types,
    validate: core::validate_event_v1,
    defaults: core::event_defaults,
    selectable: &[
        "reason",
        "regarding.kind",
        "regarding.name",
        "regarding.namespace",
        "regarding.uid",
        "type",
    ],
    ..PLAIN
};

pub(crate) static NAMESPACE: Rules = Rules {
    name: NameRule::Label,
    delete_answers_object: true,
    defaults: core::namespace_defaults,
    prepare: core::prepare_namespace,
    carry_over: core::keep_namespace_label,
    selectable: &["status.phase"],
    ..PLAIN
};

pub(crate) static NODE: Rules = Rules {
    selectable: &["spec.unschedulable"],
    ..PLAIN
};

pub(crate) static CLAIM: Rules = Rules {
    delete_answers_object: true,
    prepare: core::pending,
    defaults: core::claim_defaults,
    validate: core::validate_claim,
    ..PLAIN
};

pub(crate) static POD: Rules = Rules {
    counts_generation: true,
    delete_answers_object: true,
    defaults: pod::defaults,
    prepare: pod::prepare,
    validate: pod::validate,
    selectable: &[
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ],
    ..PLAIN
};

pub(crate) static SERVICE_ACCOUNT: Rules = Rules {
    delete_answers_object: true,
    ..PLAIN
};

pub(crate) static SERVICE: Rules = Rules {
    name: NameRule::Label,
    delete_answers_object: true,
    defaults: core::service_defaults,
    carry_over: core::keep_service_addresses,
    validate: core::validate_service,
    selectable: &["spec.clusterIP", "spec.type"],
    ..PLAIN
};

pub(crate) static LEASE: Rules = Rules {
    put_creates: true,
    check_types: core::lease_types,
    validate: core::validate_lease,
    ..PLAIN
};

pub(crate) static DEPLOYMENT: Rules = Rules {
    counts_generation: true,
    defaults: workload::deployment_defaults,
    validate: workload::validate_selector,
    validate_update: workload::selector_is_immutable,
    ..PLAIN
};

pub(crate) static REPLICA_SET: Rules = Rules {
    counts_generation: true,
    defaults: workload::replica_set_defaults,
    validate: workload::validate_selector,
    validate_update: workload::selector_is_immutable,
    ..PLAIN
};

pub(crate) static STATEFUL_SET: Rules = Rules {
    counts_generation: true,
    defaults: workload::stateful_set_defaults,
    validate: workload::validate_selector,
    ..PLAIN
};

pub(crate) static DAEMON_SET: Rules = Rules {
    counts_generation: true,
    defaults: workload::daemon_set_defaults,
    validate: workload::validate_selector,
    validate_update: workload::selector_is_immutable,
    ..PLAIN
};

pub(crate) static JOB: Rules = Rules {
    counts_generation: true,
    defaults: workload::job_defaults,
    prepare: workload::prepare_job,
    selectable: &["status.successful"],
    ..PLAIN
};

pub(crate) static CRON_JOB: Rules = Rules {
    counts_generation: true,
    defaults: workload::cron_job_defaults,
    ..PLAIN
};

const RBAC: Rules = Rules {
    name: NameRule::PathSegment,
    put_creates: true,
    validate_update: core::role_reference_is_immutable,
    ..PLAIN
};

pub(crate) static ROLE: Rules = Rules {
    defaults: rbac::role_defaults,
    validate: rbac::validate_role,
    ..RBAC
};

pub(crate) static CLUSTER_ROLE: Rules = Rules {
    defaults: rbac::role_defaults,
    validate: rbac::validate_cluster_role,
    ..RBAC
};

pub(crate) static ROLE_BINDING: Rules = Rules {
    defaults: rbac::binding_defaults,
    validate: rbac::validate_binding,
    validate_update: rbac::validate_binding_update,
    ..RBAC
};

pub(crate) static CLUSTER_ROLE_BINDING: Rules = Rules {
    validate: rbac::validate_cluster_binding,
    ..ROLE_BINDING
};

pub(crate) static VALIDATING_WEBHOOKS: Rules = Rules {
    counts_generation: true,
    check_types: validation::check_types,
    defaults: defaults::validating,
    validate: validation::validate,
    ..PLAIN
};

pub(crate) static MUTATING_WEBHOOKS: Rules = Rules {
    defaults: defaults::mutating,
    ..VALIDATING_WEBHOOKS
};

pub(crate) static REVIEW: Rules = Rules {
    is_review: true,
    ..PLAIN
};

pub(crate) static DEFINITION: Rules = Rules {
    counts_generation: true,
    delete_answers_object: true,
    defaults: definition::defaults,
    prepare: definition::prepare,
    carry_over: definition::carry_over,
    validate: definition::validate,
    validate_update: definition::validate_update,
    ..PLAIN
};
