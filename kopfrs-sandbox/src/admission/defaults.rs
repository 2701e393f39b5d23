//! What configurations of webhooks leave unsaid.

use serde_json::{Map, Value, json};

use crate::object::fields_mut;

/// Defaults of a MutatingWebhookConfiguration.
pub(crate) fn mutating(value: &mut Value) {
    common(value);
    for webhook in items(value, "webhooks") {
        webhook
            .entry("reinvocationPolicy")
            .or_insert_with(|| json!("Never"));
    }
}

/// Defaults of a ValidatingWebhookConfiguration, which knows nothing of being asked again.
pub(crate) fn validating(value: &mut Value) {
    common(value);
    for webhook in items(value, "webhooks") {
        webhook.remove("reinvocationPolicy");
    }
}

fn common(value: &mut Value) {
    for webhook in items(value, "webhooks") {
        for (field, default) in [
            ("failurePolicy", json!("Fail")),
            ("matchPolicy", json!("Equivalent")),
            ("namespaceSelector", json!({})),
            ("objectSelector", json!({})),
            ("timeoutSeconds", json!(10)),
        ] {
            webhook.entry(field).or_insert(default);
        }
        let config = webhook.entry("clientConfig").or_insert_with(|| json!({}));
        if let Some(service) = config.get_mut("service") {
            fields_mut(service)
                .entry("port")
                .or_insert_with(|| json!(443));
        }
        let Some(rules) = webhook.get_mut("rules").and_then(Value::as_array_mut) else {
            continue;
        };
        for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
            rule.entry("scope").or_insert_with(|| json!("*"));
        }
    }
}

fn items<'a>(
    value: &'a mut Value,
    field: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let list = value.get_mut(field).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}
