//! `exec`: installs the definition, and runs the operator.

use std::process::ExitCode;
use std::sync::Arc;

use futures::FutureExt as _;
use kopfrs_sandbox::Sandbox;
use kube::Client;
use serde_json::json;
use tracing::{info, warn};

use super::command::{ExecOptions, PROGRAM};
use super::project::Project;
use crate::api::{Actions, Login, Outfit, Vault, login};
use crate::cli::run::{builder, finish, said, until_ended, with_credentials};
use crate::cli::{logging, sandbox};
use crate::clock::Clock;
use crate::settings::Settings;

pub(super) fn execute(options: ExecOptions) -> ExitCode {
    logging::init(&options.run.log);
    until_ended(operate(options))
}

async fn operate(options: ExecOptions) -> Result<(), String> {
    let project = options.files.read().await?;
    let registry = project.handlers(options.runner.runner(project.controller())?);
    let builder = builder(PROGRAM, registry, &options.run)?;
    if options.run.sandbox.sandbox {
        let sandbox = furnished(&project, &options).await?;
        return sandbox::run_on(&sandbox, builder, &options.run.sandbox).await;
    }
    let is_installed = options.no_install;
    let builder = with_credentials(builder, options.run).await.map_err(said)?;
    if !is_installed {
        install(client().await?, &project).await?;
    }
    finish(builder).await
}

/// A sandbox with the definition, and with the namespace of the file.
async fn furnished(project: &Project, options: &ExecOptions) -> Result<Sandbox, String> {
    if options.runner.process.is_none() {
        warn!(
            "nobody runs Pods in the sandbox: operations wait until somebody writes their status; use --process"
        );
    }
    let sandbox = Sandbox::new();
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": project.controller().namespace()},
    });
    let mut objects = vec![namespace];
    if !options.no_install {
        objects.push(project.manifest().clone());
    }
    for object in objects {
        sandbox
            .apply_yaml(&object.to_string())
            .await
            .map_err(said)?;
    }
    Ok(sandbox)
}

/// A client by the credentials that the operator will find, too.
async fn client() -> Result<Client, String> {
    let find: Login = Arc::new(|| {
        login::infer()
            .map(|found| found.map(|one| vec![one]))
            .boxed()
    });
    let settings = Settings::default().overridden_by_environment();
    let outfit = Outfit::new(settings.map_err(said)?.networking);
    let vault = Vault::open(find, outfit, Clock::start()).await;
    Ok(vault.map_err(said)?.client())
}

async fn install(client: Client, project: &Project) -> Result<(), String> {
    let mut definition = project.definition().clone();
    let name = definition.metadata.name.clone().unwrap_or_default();
    let actions = Actions::new(client).field_manager("kopfrs").force();
    let applied = actions.apply(&mut definition).await;
    applied.map_err(|error| {
        format!(
            "the definition {name} cannot be installed: {}; where it is there already, or the operator may not do so, run \
             with --no-install",
            said(error)
        )
    })?;
    info!("installed the definition {name}");
    Ok(())
}
