//! `manifests`: what a cluster needs to run the operator, with the least rights.

mod webhooks;

use clap::Args;
use serde_json::{Value, json};

use super::rules::{self, Rule};
use super::{Program, yaml};
use crate::operator::{Operator, OperatorError};
use crate::registry::Registry;
use crate::settings::Settings;

/// How long a pod may take to end after everything that has a budget of its own.
const MARGIN_SECONDS: u64 = 10;

#[derive(Clone, Debug, Args)]
pub(crate) struct ManifestOptions {
    /// The image with the program.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: String,
    /// What everything is called. Default: the name of the program.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The namespace in which the operator runs.
    #[arg(long, value_name = "NAMESPACE", default_value = "default")]
    pub(crate) install_namespace: String,
    /// As for `run`: the namespaces whose objects are handled. Default: all namespaces.
    #[arg(
        short,
        long = "namespace",
        value_delimiter = ',',
        value_name = "PATTERN"
    )]
    pub(crate) namespaces: Vec<String>,
    /// Run two replicas, of which one works and the other stands by.
    #[arg(long)]
    pub(crate) leader_elect: bool,
}

/// Prints the manifests.
///
/// # Errors
/// If there are no handlers, or the arguments make no operator.
pub(super) fn print(
    program: Program,
    registry: &Registry,
    options: &ManifestOptions,
) -> Result<(), String> {
    let name = options.name.as_deref().unwrap_or(program.name);
    let manifests = manifests(name, registry, options, Vec::new())?;
    println!(
        "# {program}: apply its definitions first (`crd`), and add the rights that handlers need"
    );
    println!("# for what they do themselves.");
    for note in manifests.notes {
        println!("# {note}.");
    }
    for object in &manifests.objects {
        print!("{}", yaml::document(object)?);
    }
    Ok(())
}

/// What a cluster needs, and what a person should look at.
pub(crate) struct Manifests {
    pub(crate) objects: Vec<Value>,
    notes: Vec<String>,
}

/// An account, its rights, and a deployment; the last object is the deployment.
///
/// # Errors
/// If there are no handlers, or the arguments make no operator.
pub(crate) fn manifests(
    name: &str,
    registry: &Registry,
    options: &ManifestOptions,
    more: Vec<Rule>,
) -> Result<Manifests, String> {
    registry.ensure_not_empty().map_err(super::run::said)?;
    let settings = Settings::default().overridden_by_environment();
    let settings = settings.map_err(super::run::said)?;
    let named = plain_names(registry, &options.namespaces).map_err(super::run::said)?;
    let plan = Plan {
        name: &self::name(name),
        options,
        settings: &settings,
        named,
        has_webhooks: webhooks::are_needed(registry),
    };
    let mut rules = rules::own(
        plan.needs_namespaces(),
        options.namespaces.is_empty(),
        &settings,
    );
    rules.extend(rules::of_kinds(registry));
    rules.extend(rules::of_webhooks(registry));
    rules.extend(more);
    let notes = rules.iter().filter_map(|rule| rule.note.clone());
    let mut notes: Vec<_> = notes.collect();
    notes.dedup();
    if plan.has_webhooks {
        notes.push(webhooks::note(plan.name, options));
    }
    Ok(Manifests {
        objects: plan.objects(&rules),
        notes,
    })
}

/// Where the pods tell of their health.
const ADMIN_PORT: u16 = 8080;

/// What the manifests are made for.
struct Plan<'a> {
    name: &'a str,
    options: &'a ManifestOptions,
    settings: &'a Settings,
    /// The namespaces, if they are all named exactly.
    named: Option<Vec<String>>,
    /// Whether the API server asks the operator.
    has_webhooks: bool,
}

impl Plan<'_> {
    /// Whether it must be known which namespaces there are.
    fn needs_namespaces(&self) -> bool {
        self.named.is_none() && !self.options.namespaces.is_empty()
    }

    fn objects(&self, rules: &[Rule]) -> Vec<Value> {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": self.metadata(None),
        });
        let mut objects = vec![account];
        let is_inside = |rule: &&Rule| rule.is_namespaced && self.named.is_some();
        let (inside, outside): (Vec<_>, Vec<_>) = rules.iter().partition(is_inside);
        objects.extend(self.role(None, &outside));
        for namespace in self.named.iter().flatten() {
            objects.extend(self.role(Some(namespace), &inside));
        }
        if self.has_webhooks {
            objects.extend(webhooks::objects(self.name, self.options));
        }
        if self.options.leader_elect {
            let name = format!("{}-leader-election", self.name);
            let namespace = self.options.install_namespace.as_str();
            objects.extend(self.role_named(&name, Some(namespace), &[&rules::of_lease()]));
        }
        objects.push(self.deployment());
        objects
    }

    /// A role with its binding: in one namespace, or everywhere.
    fn role(&self, namespace: Option<&str>, rules: &[&Rule]) -> [Value; 2] {
        self.role_named(self.name, namespace, rules)
    }

    fn role_named(&self, name: &str, namespace: Option<&str>, rules: &[&Rule]) -> [Value; 2] {
        let (role, binding) = match namespace {
            Some(_) => ("Role", "RoleBinding"),
            None => ("ClusterRole", "ClusterRoleBinding"),
        };
        let mut metadata = json!({"name": name});
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        let rules: Vec<Value> = rules.iter().map(|rule| rule.to_value()).collect();
        let (group, account) = ("rbac.authorization.k8s.io", &self.options.install_namespace);
        let version = format!("{group}/v1");
        [
            json!({"apiVersion": version, "kind": role, "metadata": metadata, "rules": rules}),
            json!({
                "apiVersion": version, "kind": binding, "metadata": metadata,
                "roleRef": {"apiGroup": group, "kind": role, "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": self.name, "namespace": account}],
            }),
        ]
    }

    /// One replica, and never two at once: both would handle every object. Where leadership is elected
    /// there are two.
    fn deployment(&self) -> Value {
        let labels = json!({"app.kubernetes.io/name": self.name});
        let (replicas, strategy) = if self.options.leader_elect {
            (2, "RollingUpdate")
        } else {
            (1, "Recreate")
        };
        let mut container = json!({
            "name": "operator",
            "image": self.options.image,
            "args": self.arguments(),
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
        });
        let field = json!({"fieldRef": {"fieldPath": "metadata.name"}});
        container["env"] = json!([
            {"name": "POD_NAME", "valueFrom": field}, {"name": "POD_ID", "valueFrom": field},
        ]);
        if cfg!(feature = "admin") {
            let port = json!("admin");
            container["ports"] = json!([{"name": port, "containerPort": ADMIN_PORT}]);
            container["livenessProbe"] = json!({
                "httpGet": {"path": "/livez", "port": port}, "periodSeconds": 20, "timeoutSeconds": 5,
            });
            container["readinessProbe"] = json!({
                "httpGet": {"path": "/readyz", "port": port}, "periodSeconds": 5, "timeoutSeconds": 5,
            });
        }
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": self.metadata(Some(&labels)),
            "spec": {
                "replicas": replicas,
                "strategy": {"type": strategy},
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "serviceAccountName": self.name,
                        "terminationGracePeriodSeconds": self.end_budget(),
                        "securityContext": {
                            "runAsNonRoot": true,
                            "runAsUser": 65532,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "containers": [container],
                    },
                },
            },
        })
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        arguments.push(if self.options.namespaces.is_empty() {
            "--all-namespaces".to_owned()
        } else {
            // With the equals sign, as a pattern may look like anything.
            format!("--namespace={}", self.options.namespaces.join(","))
        });
        if self.options.leader_elect {
            arguments.push("--leader-elect".to_owned());
        }
        if cfg!(feature = "admin") {
            arguments.push(format!("--admin=:{ADMIN_PORT}"));
        }
        arguments
    }

    fn end_budget(&self) -> u64 {
        let process = &self.settings.process;
        (process.drain_budget + process.cleanup_budget).as_secs() + MARGIN_SECONDS
    }

    fn metadata(&self, labels: Option<&Value>) -> Value {
        let mut metadata = json!({"name": self.name, "namespace": self.options.install_namespace});
        if let Some(labels) = labels {
            metadata["labels"] = labels.clone();
        }
        metadata
    }
}

/// The namespaces, if all of them are named exactly.
fn plain_names(
    registry: &Registry,
    namespaces: &[String],
) -> Result<Option<Vec<String>>, OperatorError> {
    let mut builder = Operator::builder().registry(registry.clone());
    for namespace in namespaces {
        builder = builder.namespace(namespace);
    }
    let operator = builder.build()?;
    Ok(operator.plain_namespaces())
}

/// A name that Kubernetes accepts for all of this: it begins with a letter.
fn name(of: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = of.chars().take(50).map(plain).collect();
    let name = name.to_ascii_lowercase();
    let name = name.trim_matches('-');
    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.to_owned()
    } else {
        format!("operator-{name}").trim_end_matches('-').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_programs_become_names_of_objects() {
        for (of, expected) in [
            ("demo", "demo"),
            ("My_Operator", "my-operator"),
            ("01-minimal", "operator-01-minimal"),
            ("-", "operator"),
        ] {
            assert_eq!(name(of), expected);
        }
    }
}
