//! Label selectors as objects have them: `matchLabels` and `matchExpressions`.

use serde_json::Value;

use super::LabelSelector;
use crate::object::text;

impl LabelSelector {
    /// Reads a selector that was validated before; what is absent selects everything.
    pub(crate) fn of(selector: &Value) -> Self {
        let labels = selector["matchLabels"].as_object().into_iter().flatten();
        let equal =
            labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
        let expressions = selector["matchExpressions"].as_array();
        let expressions = expressions.into_iter().flatten().filter_map(expression);
        let terms: Vec<String> = equal.chain(expressions).collect();
        Self::parse(&terms.join(",")).unwrap_or_default()
    }
}

/// One expression in the words of a query.
fn expression(value: &Value) -> Option<String> {
    let key = text(value, &["key"])?;
    let values = value["values"].as_array();
    let values: Vec<&str> = values
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let values = values.join(",");
    Some(match text(value, &["operator"])? {
        "In" => format!("{key} in ({values})"),
        "NotIn" => format!("{key} notin ({values})"),
        "Exists" => key.to_owned(),
        "DoesNotExist" => format!("!{key}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_of_objects_match_as_those_of_queries() {
        let selects = |selector: Value, labels: Value| {
            LabelSelector::of(&selector).matches(&json!({"metadata": {"labels": labels}}))
        };
        let both = json!({"matchLabels": {"a": "1"}, "matchExpressions": [
            {"key": "b", "operator": "In", "values": ["x", "y"]},
            {"key": "c", "operator": "DoesNotExist"},
        ]});
        assert!(selects(both.clone(), json!({"a": "1", "b": "y"})));
        assert!(!selects(both.clone(), json!({"a": "1", "b": "z"})));
        assert!(!selects(both, json!({"a": "1", "b": "y", "c": ""})));
        assert!(selects(json!({}), json!({})) && selects(Value::Null, json!({})));
        let empty = json!({"matchLabels": {"a": ""}});
        assert!(selects(empty.clone(), json!({"a": ""})) && !selects(empty, json!({})));
        let not = json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]});
        assert!(selects(not.clone(), json!({})) && !selects(not, json!({"a": "1"})));
    }
}
