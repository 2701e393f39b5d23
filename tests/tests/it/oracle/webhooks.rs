//! What the API server has been told of webhooks, and what it has asked.

use serde_json::{Map, Value, json};

use super::diff;
use super::player::Stage;

/// Both kinds of configurations.
pub(crate) const PLURALS: [&str; 2] = [
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
];

/// What is recorded of an entry, besides its path.
const RECORDED: [&str; 7] = [
    "name",
    "rules",
    "failurePolicy",
    "matchPolicy",
    "sideEffects",
    "timeoutSeconds",
    "objectSelector",
];

/// The name of the configurations here: scenarios run side by side on one cluster.
pub(crate) fn managed(namespace: &str, name: &str) -> String {
    format!("{namespace}.{name}")
}

impl Stage<'_> {
    /// The configurations of a name, as they are recorded.
    pub(crate) async fn configurations(&self, name: &str) -> Result<Value, String> {
        let mut configurations = Map::new();
        for plural in PLURALS {
            let own = managed(&self.namespace, name);
            let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}/{own}");
            let found = self.rest.get(&path).await;
            let found = found.map_err(|error| format!("{path} cannot be read: {error}"))?;
            let webhooks = found.unwrap_or_default()["webhooks"].take();
            let webhooks = webhooks.as_array().cloned().unwrap_or_default();
            let mut webhooks: Vec<Value> = webhooks.iter().map(|w| self.normal(w)).collect();
            webhooks.sort_by_key(|webhook| webhook["name"].to_string());
            configurations.insert(plural.to_owned(), webhooks.into());
        }
        Ok(configurations.into())
    }

    fn normal(&self, webhook: &Value) -> Value {
        let mut normal = json!({});
        for key in RECORDED {
            normal[key] = webhook[key].clone();
        }
        let name = webhook["name"].as_str().unwrap_or_default();
        normal["name"] = name.replace(&format!(".{}.", self.namespace), ".").into();
        let url = webhook["clientConfig"]["url"].as_str().unwrap_or_default();
        let path = url.splitn(4, '/').nth(3);
        normal["path"] = path.into();
        normal
    }
}

/// The questions among the lines of the log, with the step that each belongs to.
pub(crate) fn asked(lines: &[Value]) -> Vec<Value> {
    let lines = lines.iter().filter(|line| line["ph"] == "webhook");
    let asked = lines.map(|line| {
        let mut call = json!({"handler": line["h"]});
        for key in [
            "step",
            "on",
            "operation",
            "subresource",
            "dryrun",
            "old",
            "new",
            "name",
        ] {
            call[key] = line[key].clone();
        }
        call
    });
    sorted(asked.collect())
}

/// The order within a step has no meaning.
fn sorted(mut calls: Vec<Value>) -> Vec<Value> {
    calls.sort_by_key(|call| {
        (
            call["step"].as_u64(),
            call["handler"].to_string(),
            call["operation"].to_string(),
        )
    });
    calls
}

/// Differences of the questions.
pub(crate) fn of_asked(expected: &[Value], lines: &[Value]) -> Vec<String> {
    let (expected, got) = (sorted(expected.to_vec()), asked(lines));
    let null = json!({});
    let pairs = (0..expected.len().max(got.len())).filter_map(|index| {
        let expected = expected.get(index).unwrap_or(&null);
        let got = got.get(index).unwrap_or(&null);
        diff::of_objects(&format!("question {index}"), expected, got)
    });
    pairs.collect()
}

/// Differences of what requests were answered: only the given fields are compared.
pub(crate) fn of_responses(expected: &[Value], got: &[Value]) -> Vec<String> {
    let mut findings = Vec::new();
    if expected.len() != got.len() {
        let (expected, count) = (expected.len(), got.len());
        findings.push(format!("{count} refusals, expected {expected}: {got:?}"));
    }
    for (expected, got) in expected.iter().zip(got) {
        let fields = expected.as_object().into_iter().flatten();
        let differing = fields.filter(|(key, value)| got[key.as_str()] != **value);
        findings.extend(differing.map(|(key, value)| format!("{key} of {got} should be {value}")));
    }
    findings
}
