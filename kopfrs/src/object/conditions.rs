//! Conditions of a status, as Kubernetes' conventions have them: one of each type, with the time of its last turn.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Change;

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

/// The change that sets a condition in the status of an object whose conditions are these; `None` if it says the same
/// already.
///
/// A list replaces the other as a whole. Where there are conditions of others, ours is therefore set in the freshest
/// object: what they write meanwhile stays.
pub(crate) fn change(stored: &Value, condition: &Condition<'_>, now: &str) -> Option<Change> {
    let conditions = set(stored, condition, now)?;
    let mut others = stored.as_array().into_iter().flatten();
    if others.all(|one| one["type"] == condition.kind) {
        return Some(Change {
            merge: json!({"status": {"conditions": conditions}}),
            transforms: Vec::new(),
        });
    }
    let (holds, observed_generation) = (condition.holds, condition.observed_generation);
    let [kind, reason, message, now] =
        [condition.kind, condition.reason, condition.message, now].map(str::to_owned);
    let transform = move |object: &mut Value| {
        let condition = Condition {
            kind: &kind,
            holds,
            reason: &reason,
            message: &message,
            observed_generation,
        };
        if let Some(conditions) = set(&object["status"]["conditions"], &condition, &now) {
            object["status"]["conditions"] = conditions;
        }
    };
    Some(Change {
        merge: Value::Null,
        transforms: vec![Arc::new(transform)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_those_of_others_a_condition_is_set_in_the_freshest_object() {
        let ready = Condition {
            kind: "Ready",
            holds: Some(true),
            reason: "Succeeded",
            message: "",
            observed_generation: None,
        };
        let alone = change(&Value::Null, &ready, "t1").unwrap();
        assert!(alone.transforms.is_empty());
        let own = &alone.merge["status"]["conditions"];
        assert_eq!(change(own, &ready, "t2").map(|change| change.merge), None);
        let others = json!([{"type": "Other", "status": "True"}]);
        let beside = change(&others, &ready, "t1").unwrap();
        assert!(beside.merge.is_null());
        let mut fresh = json!({"status": {"conditions": [{"type": "Other", "status": "False"}]}});
        beside.transforms[0](&mut fresh);
        let told: Vec<_> = fresh["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .collect();
        assert_eq!(told[0]["status"], "False");
        assert_eq!(
            (&told[1]["type"], &told[1]["status"]),
            (&json!("Ready"), &json!("True"))
        );
    }

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
