//! Conditions of a status, as Kubernetes' conventions have them: one of each type, with the time of its last turn.

use serde_json::{Value, json};

/// What is to be said in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition<'a> {
    /// `Ready`.
    pub(crate) kind: &'a str,
    /// `None` is `Unknown`.
    pub(crate) holds: Option<bool>,
    /// One word in CamelCase.
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
    pub(crate) observed_generation: Option<i64>,
}

/// The conditions with one of them set; `None` if it says the same already. Those of others stay as they are, and the
/// time changes with the status only.
pub(crate) fn set(present: &Value, condition: &Condition<'_>, now: &str) -> Option<Value> {
    let mut conditions = present.as_array().cloned().unwrap_or_default();
    let status = match condition.holds {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let place = conditions
        .iter()
        .position(|one| one["type"] == condition.kind);
    let earlier = place.map(|place| &conditions[place]);
    let turned = earlier
        .filter(|earlier| earlier["status"] == status)
        .and_then(|earlier| earlier["lastTransitionTime"].as_str())
        .unwrap_or(now);
    let mut next = json!({
        "type": condition.kind,
        "status": status,
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": turned,
    });
    if let Some(generation) = condition.observed_generation {
        next["observedGeneration"] = json!(generation);
    }
    if earlier == Some(&next) {
        return None;
    }
    match place {
        Some(place) => conditions[place] = next,
        None => conditions.push(next),
    }
    Some(conditions.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_changes_with_the_status_and_others_stay() {
        let condition = |holds, reason| Condition {
            kind: "Ready",
            holds,
            reason,
            message: "",
            observed_generation: Some(2),
        };
        let others = json!([{"type": "Other", "status": "True", "more": 1}]);
        let first = set(&others, &condition(Some(false), "Creating"), "t1").unwrap();
        assert_eq!(first[0], others[0]);
        assert_eq!(first[1]["lastTransitionTime"], "t1");
        assert_eq!(set(&first, &condition(Some(false), "Creating"), "t2"), None);
        let second = set(&first, &condition(Some(false), "Verifying"), "t2").unwrap();
        let told = |conditions: &Value| {
            let of = |field: &str| conditions[1][field].as_str().unwrap().to_owned();
            [of("status"), of("reason"), of("lastTransitionTime")]
        };
        assert_eq!(told(&second), ["False", "Verifying", "t1"]);
        let third = set(&second, &condition(Some(true), "Succeeded"), "t3").unwrap();
        assert_eq!(told(&third), ["True", "Succeeded", "t3"]);
        let unknown = set(&Value::Null, &condition(None, "Pending"), "t4").unwrap();
        assert_eq!(unknown[0]["status"], "Unknown");
    }
}
