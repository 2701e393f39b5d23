//! `deploy`: all that a cluster needs to run the operator, with the least rights.

use std::fs;

use serde_json::{Value, json};

use super::command::{DeployOptions, PROGRAM};
use super::controller::Controller;
use super::project::Project;
use super::runner::RunnerOptions;
use crate::cli::manifests::{ManifestOptions, manifests};
use crate::cli::rules::Rule;
use crate::cli::yaml;

/// Where the operator finds the files.
const FOLDER: &str = "/etc/kopfrs";

/// Prints them, or writes them to a file.
///
/// # Errors
/// If something is wrong with the files, or the output cannot be written.
pub(super) async fn deploy(options: &DeployOptions) -> Result<(), String> {
    let project = options.files.read().await?;
    let documents = objects(&project, options)?;
    let mut text = format!(
        "# {} {}: the operator of {}\n",
        PROGRAM.name,
        PROGRAM.version,
        project
            .definition()
            .metadata
            .name
            .as_deref()
            .unwrap_or_default()
    );
    for document in &documents {
        text.push_str(&yaml::document(document)?);
    }
    match &options.output {
        None => print!("{text}"),
        Some(file) => fs::write(file, text)
            .map_err(|error| format!("{} cannot be written: {error}", file.display()))?,
    }
    Ok(())
}

fn objects(project: &Project, options: &DeployOptions) -> Result<Vec<Value>, String> {
    let controller = project.controller();
    let image = controller.optional("operator_image").ok_or_else(|| {
        format!(
            "{}: $.operator_image: it is missing: add the image that has the program kopfrs",
            options.files.controller.display()
        )
    })?;
    let registry = project.handlers(options.runner.runner(controller)?);
    let name = format!("{}-operator", controller.singular());
    let about = ManifestOptions {
        image: image.to_owned(),
        name: None,
        install_namespace: controller.namespace().to_owned(),
        namespaces: options.namespaces.clone(),
        leader_elect: false,
    };
    let made = manifests(&name, &registry, &about, rights(&options.runner))?.objects;
    let mut config = json!({"controller.json": "", "resource.json": ""});
    for (key, file) in [
        ("controller.json", &options.files.controller),
        ("resource.json", &options.files.resource),
    ] {
        let text = fs::read_to_string(file);
        config[key] = json!(text.map_err(|error| format!("{}: {error}", file.display()))?);
    }
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": controller.namespace()}}),
        project.manifest().clone(),
    ];
    // The account comes first, and what is called like it.
    let metadata = made.first().map(|account| account["metadata"].clone());
    objects.push(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": config,
    }));
    objects.extend(made);
    if let Some(deployment) = objects.last_mut() {
        furnish(deployment, &config, controller, &options.runner);
    }
    Ok(objects)
}

/// Gives the operator its files, and tells it what to run.
fn furnish(
    deployment: &mut Value,
    config: &Value,
    controller: &Controller,
    runner: &RunnerOptions,
) {
    let name = deployment["metadata"]["name"].clone();
    let template = &mut deployment["spec"]["template"];
    // Another config is another template: the operator is started anew with it.
    template["metadata"]["annotations"] =
        json!({"kopfrs.dev/config": crate::object::digest(config)});
    let spec = &mut template["spec"];
    spec["volumes"] = json!([{"name": "config", "configMap": {"name": name}}]);
    if let Some(secret) = controller.optional("imagePullSecrets") {
        spec["imagePullSecrets"] = json!([{"name": secret}]);
    }
    let container = &mut spec["containers"][0];
    if let Some(policy) = controller.optional("imagePullPolicy") {
        container["imagePullPolicy"] = json!(policy);
    }
    container["volumeMounts"] = json!([{"name": "config", "mountPath": FOLDER, "readOnly": true}]);
    let mut args = vec![
        json!("exec"),
        json!(format!("--controller={FOLDER}/controller.json")),
        json!(format!("--resource={FOLDER}/resource.json")),
        json!("--no-install"),
    ];
    args.extend(runner.arguments().into_iter().map(Value::from));
    // The first is the command for programs with a command line of their own.
    let run = container["args"].as_array().cloned().unwrap_or_default();
    args.extend(run.into_iter().skip(1));
    container["args"] = Value::Array(args);
}

/// What the runner does by itself.
fn rights(runner: &RunnerOptions) -> Vec<Rule> {
    const ALL: &[&str] = &["create", "get", "list", "watch", "patch", "delete"];
    let secrets = Rule::new("", "secrets", &["create", "get", "delete"]);
    let rules = match (&runner.process, runner.job) {
        (Some(_), _) => Vec::new(),
        (None, false) => vec![Rule::new("", "pods", ALL), secrets],
        (None, true) => vec![
            Rule::new("batch", "jobs", ALL),
            Rule::new("", "pods", &["list", "watch"]),
            secrets,
        ],
    };
    let rules = rules.into_iter().map(|mut rule| {
        rule.is_namespaced = true;
        rule
    });
    rules.collect()
}
