//! What Pods and Jobs are made of: what the user has chosen, and what it becomes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::{Map, Value, json};

use crate::exec::Call;
use crate::exec::template::Template;
use crate::object::Secrets;

/// The container of the program; others may be added by whoever admits Pods.
pub(super) const CONTAINER: &str = "program";

/// Where the program finds what it is to do.
const FOLDER: &str = "/var/run/kopfrs";
pub(super) const FILE: &str = "input.json";

/// What the user has chosen.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) image: String,
    pub(super) command: Vec<String>,
    pub(super) args: Vec<String>,
    pub(super) template: Option<Template>,
    pub(super) env: Vec<(String, String)>,
    pub(super) pull_policy: Option<String>,
    pub(super) pull_secrets: Vec<String>,
    pub(super) limits: Map<String, Value>,
    pub(super) requests: Map<String, Value>,
    pub(super) service_account: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) deadline: Duration,
    pub(super) patience: Duration,
    pub(super) is_kept: bool,
    pub(super) secrets: Secrets,
    pub(super) customize: Option<Customize>,
}

pub(super) type Customize = Arc<dyn Fn(&mut PodSpec) + Send + Sync>;

impl Options {
    pub(super) fn new(image: String) -> Self {
        Self {
            image,
            command: Vec::new(),
            args: Vec::new(),
            template: None,
            env: Vec::new(),
            pull_policy: None,
            pull_secrets: Vec::new(),
            limits: Map::new(),
            requests: Map::new(),
            service_account: None,
            namespace: None,
            deadline: Duration::from_secs(600),
            patience: Duration::from_secs(60),
            is_kept: false,
            secrets: Secrets::default(),
            customize: None,
        }
    }

    /// The spec of the Pod, whose input is in a Secret of this name.
    pub(super) fn pod_spec(&self, call: &Call, secret: &str) -> Result<PodSpec, serde_json::Error> {
        let mut args = self.args.clone();
        match &self.template {
            Some(template) => args.extend(template.fill(call)),
            None => args.extend(["--type".to_owned(), call.operation().name().to_owned()]),
        }
        let env = self
            .env
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}));
        let input = json!({"name": "KOPFRS_INPUT", "value": format!("{FOLDER}/{FILE}")});
        let env: Vec<Value> = env.chain([input]).collect();
        let container = filled(json!({
            "name": CONTAINER,
            "image": self.image,
            "imagePullPolicy": self.pull_policy,
            "command": self.command,
            "args": args,
            "env": env,
            "resources": filled(json!({"limits": self.limits, "requests": self.requests})),
            "volumeMounts": [{"name": "input", "mountPath": FOLDER, "readOnly": true}],
            // Programs need not know of it: what they print last is what they say.
            "terminationMessagePolicy": "FallbackToLogsOnError",
        }));
        let secrets: Vec<Value> = self
            .pull_secrets
            .iter()
            .map(|name| json!({"name": name}))
            .collect();
        let items = json!([{"key": FILE, "path": FILE}]);
        let spec = filled(json!({
            "restartPolicy": "Never",
            "serviceAccountName": self.service_account,
            "imagePullSecrets": secrets,
            "containers": [container],
            "volumes": [{"name": "input", "secret": {"secretName": secret, "items": items}}],
        }));
        let mut spec = serde_json::from_value(spec)?;
        if let Some(customize) = &self.customize {
            customize(&mut spec);
        }
        Ok(spec)
    }

    /// The deadline as the API takes it.
    pub(super) fn deadline_in_seconds(&self) -> i64 {
        i64::try_from(self.deadline.as_secs())
            .unwrap_or(i64::MAX)
            .max(1)
    }
}

/// The same without what is empty.
fn filled(value: Value) -> Value {
    let Value::Object(mut map) = value else {
        return value;
    };
    map.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    });
    Value::Object(map)
}

/// Values of the environment may be secret.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("image", &self.image)
            .field("namespace", &self.namespace)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
