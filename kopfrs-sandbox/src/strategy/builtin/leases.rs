//! Leases: who holds what, and until when.

use serde_json::Value;

use super::times::micro_time;
use crate::{error::FieldError, strategy::field::Field};

pub(super) fn lease_types(value: &Value) -> Result<(), String> {
    micro_time(&value["spec"]["acquireTime"])?;
    micro_time(&value["spec"]["renewTime"])
}

pub(super) fn validate_lease(value: &Value) -> Vec<FieldError> {
    let spec = Field::root(value, "spec");
    let duration = spec.member("leaseDurationSeconds");
    let too_short = duration.value.as_i64().is_some_and(|seconds| seconds <= 0);
    let too_short = too_short.then(|| duration.invalid("must be greater than 0"));
    let transitions = spec.member("leaseTransitions").not_negative();
    too_short.into_iter().chain(transitions).collect()
}

/// Coordinated election is switched off, and what belongs to it is not kept.
pub(super) fn drop_coordination(value: &mut Value) {
    if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("strategy");
        spec.remove("preferredHolder");
    }
}
