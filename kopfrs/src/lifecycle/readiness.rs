//! Whether an object can be built upon.

use serde_json::Value;

use crate::object::Body;

/// Phases in which something can be built upon, of the kinds that have phases and no conditions.
const GOOD: [&str; 7] = [
    "Succeeded",
    "Ready",
    "Running",
    "Active",
    "Bound",
    "Available",
    "Complete",
];

/// Whether others can build upon an object; if not, why.
///
/// By its conditions `Ready` or `Available` if it has them, as they are for its present generation; else by its phase;
/// else by its being there.
///
/// # Errors
/// If they cannot: in words that follow the object's name.
pub(crate) fn readiness(body: &Body, prefix: &str) -> Result<(), String> {
    if body.is_deleting() {
        return Err("is being deleted".to_owned());
    }
    let noted = |name: &str| body.annotation(&format!("{prefix}/{name}"));
    let status = body.status();
    let conditions = match (&status["conditions"], noted("conditions")) {
        (Value::Null, Some(text)) => serde_json::from_str(text).unwrap_or_default(),
        (conditions, _) => conditions.clone(),
    };
    let conditions = conditions.as_array().cloned().unwrap_or_default();
    let told = ["Ready", "Available"].into_iter().find_map(|name| {
        let mut conditions = conditions.iter();
        conditions.find(|condition| condition["type"] == name)
    });
    if let Some(condition) = told {
        let (seen, now) = (&condition["observedGeneration"], &body.meta()["generation"]);
        if seen
            .as_i64()
            .is_some_and(|seen| now.as_i64().is_some_and(|now| seen < now))
        {
            return Err("has changed, and is not known to be ready yet".to_owned());
        }
        return if condition["status"] == "True" {
            Ok(())
        } else {
            Err(why(condition))
        };
    }
    let phase = status["phase"].as_str().or_else(|| noted("phase"));
    match phase {
        Some(phase) if !GOOD.contains(&phase) => Err(format!("is {phase}")),
        _ => Ok(()),
    }
}

fn why(condition: &Value) -> String {
    let text = |name: &str| condition[name].as_str().filter(|text| !text.is_empty());
    match (text("reason"), text("message")) {
        (Some(reason), Some(message)) => format!("is not ready: {reason}, {message}"),
        (Some(why), None) | (None, Some(why)) => format!("is not ready: {why}"),
        (None, None) => "is not ready".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_go_before_phases_and_phases_before_being_there() {
        let ready = |status: &str| json!([{"type": "Other", "status": "False"}, {"type": "Ready", "status": status}]);
        for (object, expected) in [
            (json!({}), None),
            (json!({"status": {"phase": "Pending"}}), Some("is Pending")),
            (json!({"status": {"phase": "Bound"}}), None),
            (
                json!({"status": {"phase": "Failed", "conditions": ready("True")}}),
                None,
            ),
            (
                json!({"status": {"conditions": ready("False")}}),
                Some("is not ready"),
            ),
            (
                json!({"status": {"conditions": [{"type": "Available", "status": "False", "reason": "Few"}]}}),
                Some("is not ready: Few"),
            ),
            (
                json!({
                    "metadata": {"generation": 2},
                    "status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]},
                }),
                Some("has changed, and is not known to be ready yet"),
            ),
            (
                json!({"metadata": {"deletionTimestamp": "t"}}),
                Some("is being deleted"),
            ),
            (
                json!({"metadata": {"annotations": {"p/phase": "Creating"}}}),
                Some("is Creating"),
            ),
            (
                json!({"metadata": {"annotations": {"p/conditions": ready("True").to_string(), "p/phase": "x"}}}),
                None,
            ),
        ] {
            let found = readiness(&Body::new(object.clone()), "p").err();
            assert_eq!(found.as_deref(), expected, "{object}");
        }
    }
}
