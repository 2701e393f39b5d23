//! What is particular to each built-in kind: defaults, validation, the few odd rules.
//!
//! `registry::builtin` points here row by row. A kind without particulars uses `PLAIN`.

mod claims;
mod data;
pub(crate) mod definition;
mod events;
mod leases;
mod namespaces;
mod pod;
mod services;
mod times;
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
    /// Whether finalizers must have a domain.
    pub(crate) qualified_finalizers: bool,
    /// Whether updates have their metadata checked as that of new objects, too.
    pub(crate) checks_metadata_anew: bool,
    /// Whether `metadata.generation` counts changes of `spec` (or of everything outside metadata and status).
    pub(crate) counts_generation: bool,
    /// Whether PUT must say which version it replaces.
    pub(crate) needs_version: bool,
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
    /// What is demanded of new objects only.
    pub(crate) validate_create: fn(&Value) -> Vec<FieldError>,
    /// New, old.
    pub(crate) validate_update: fn(&Value, &Value) -> Vec<FieldError>,
    /// What is allowed and ill-advised.
    pub(crate) warnings: fn(&Value) -> Vec<String>,
    /// Fields to select by, besides name and namespace.
    pub(crate) selectable: &'static [&'static str],
}

const PLAIN: Rules = Rules {
    name: NameRule::Subdomain,
    qualified_finalizers: true,
    checks_metadata_anew: true,
    counts_generation: false,
    needs_version: false,
    put_creates: false,
    delete_answers_object: false,
    is_review: false,
    stored_as: None,
    check_types: |_| Ok(()),
    defaults: |_| (),
    prepare: |_| (),
    carry_over: |_, _| (),
    validate: |_| Vec::new(),
    validate_create: |_| Vec::new(),
    validate_update: |_, _| Vec::new(),
    warnings: |_| Vec::new(),
    selectable: &[],
};

pub(crate) static CONFIG_MAP: Rules = Rules {
    check_types: data::config_map_types,
    defaults: |value| data::drop_empty(value, &["data", "binaryData"]),
    validate: data::validate_config_map,
    validate_update: data::validate_immutable_data,
    ..PLAIN
};

pub(crate) static SECRET: Rules = Rules {
    check_types: data::secret_types,
    defaults: data::secret_defaults,
    validate: data::validate_secret,
    validate_update: data::validate_secret_update,
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
    qualified_finalizers: false,
    checks_metadata_anew: false,
    check_types: events::event_types,
    defaults: events::event_defaults,
    validate: events::validate_event,
    selectable: EVENT_FIELDS,
    ..PLAIN
};

/// The other view of the same events; `strategy::view` translates.
pub(crate) static EVENT_V1: Rules = Rules {
    qualified_finalizers: false,
    checks_metadata_anew: false,
    stored_as: Some("events"),
    check_types: events::event_types,
    validate: events::validate_event_v1,
    validate_create: events::validate_new_event_v1,
    validate_update: events::validate_event_v1_update,
    defaults: events::event_defaults,
    selectable: &[
        "reason",
        "regarding.kind",
        "regarding.namespace",
        "regarding.name",
        "regarding.uid",
        "regarding.apiVersion",
        "regarding.resourceVersion",
        "regarding.fieldPath",
        "reportingController",
        "type",
    ],
    ..PLAIN
};

pub(crate) static NAMESPACE: Rules = Rules {
    name: NameRule::Label,
    delete_answers_object: true,
    defaults: namespaces::namespace_defaults,
    prepare: namespaces::prepare_namespace,
    carry_over: namespaces::keep_namespace_label,
    selectable: &["status.phase"],
    ..PLAIN
};

pub(crate) static NODE: Rules = Rules {
    selectable: &["spec.unschedulable"],
    ..PLAIN
};

pub(crate) static CLAIM: Rules = Rules {
    delete_answers_object: true,
    prepare: claims::pending,
    defaults: claims::claim_defaults,
    validate: claims::validate_claim,
    validate_update: claims::validate_claim_update,
    ..PLAIN
};

pub(crate) static POD: Rules = Rules {
    counts_generation: true,
    delete_answers_object: true,
    defaults: pod::defaults,
    prepare: pod::prepare,
    validate: pod::validate,
    validate_update: pod::validate_update,
    warnings: pod::warnings,
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
    checks_metadata_anew: false,
    name: NameRule::Label,
    delete_answers_object: true,
    defaults: services::service_defaults,
    carry_over: services::keep_service_addresses,
    validate: services::validate_service,
    validate_update: services::validate_service_update,
    selectable: &["spec.clusterIP", "spec.type"],
    ..PLAIN
};

pub(crate) static LEASE: Rules = Rules {
    qualified_finalizers: false,
    checks_metadata_anew: false,
    needs_version: true,
    put_creates: true,
    check_types: leases::lease_types,
    defaults: leases::drop_coordination,
    validate: leases::validate_lease,
    ..PLAIN
};

pub(crate) static DEPLOYMENT: Rules = Rules {
    checks_metadata_anew: false,
    counts_generation: true,
    defaults: workload::deployment_defaults,
    validate: workload::validate_deployment,
    validate_update: workload::selector_is_immutable,
    ..PLAIN
};

pub(crate) static REPLICA_SET: Rules = Rules {
    checks_metadata_anew: false,
    counts_generation: true,
    defaults: workload::replica_set_defaults,
    validate: workload::validate_replica_set,
    validate_update: workload::selector_is_immutable,
    ..PLAIN
};

pub(crate) static STATEFUL_SET: Rules = Rules {
    checks_metadata_anew: false,
    counts_generation: true,
    defaults: workload::stateful_set_defaults,
    validate: workload::validate_stateful_set,
    validate_update: workload::validate_stateful_set_update,
    ..PLAIN
};

pub(crate) static DAEMON_SET: Rules = Rules {
    checks_metadata_anew: false,
    counts_generation: true,
    defaults: workload::daemon_set_defaults,
    prepare: workload::prepare_daemon_set,
    carry_over: workload::count_templates,
    validate: workload::validate_daemon_set,
    validate_update: workload::selector_is_immutable,
    ..PLAIN
};

pub(crate) static JOB: Rules = Rules {
    counts_generation: true,
    defaults: workload::job_defaults,
    prepare: workload::prepare_job,
    validate: workload::validate_job,
    validate_update: workload::validate_job_update,
    selectable: &["status.successful"],
    ..PLAIN
};

pub(crate) static CRON_JOB: Rules = Rules {
    checks_metadata_anew: false,
    counts_generation: true,
    defaults: workload::cron_job_defaults,
    validate: workload::validate_cron_job,
    ..PLAIN
};

const RBAC: Rules = Rules {
    name: NameRule::PathSegment,
    put_creates: true,
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
    qualified_finalizers: false,
    checks_metadata_anew: false,
    needs_version: true,
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
    qualified_finalizers: false,
    checks_metadata_anew: false,
    needs_version: true,
    counts_generation: true,
    delete_answers_object: true,
    defaults: definition::defaults,
    prepare: definition::prepare,
    carry_over: definition::carry_over,
    check_types: definition::check_types,
    validate: definition::validate,
    validate_create: definition::validate_create,
    validate_update: definition::validate_update,
    warnings: definition::warnings,
    ..PLAIN
};
