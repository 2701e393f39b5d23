//! `run`: the operator until it is told to stop.

use std::process::ExitCode;

use tracing::{info, warn};

use super::arguments::RunOptions;
use super::{Program, handlers, logging};
use crate::api::{LoginError, login};
use crate::operator::{Operator, OperatorBuilder};
use crate::registry::Registry;
use crate::settings::{self, Settings};

pub(super) fn run(program: Program, options: RunOptions) -> ExitCode {
    logging::init(&options.log);
    until_ended(operate(program, options))
}

/// Runs something to its end, and says why it has failed if it has.
pub(crate) fn until_ended(work: impl Future<Output = Result<(), String>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("failed to start the runtime: {error}")),
    };
    let ended = runtime.block_on(work);
    // Functions that block cannot be cancelled: what has not ended by now is left behind.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Says on one clear line why the operator does not run.
pub(crate) fn failed(error: &str) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

async fn operate(program: Program, options: RunOptions) -> Result<(), String> {
    let builder = builder(program, Registry::collect(), &options)?;
    #[cfg(feature = "sandbox")]
    if options.sandbox.sandbox {
        return super::sandbox::run(builder, &options.sandbox).await;
    }
    finish(with_credentials(builder, options).await.map_err(said)?).await
}

/// An operator as the options and the environment say, but for where it runs.
pub(crate) fn builder(
    program: Program,
    registry: Registry,
    options: &RunOptions,
) -> Result<OperatorBuilder, String> {
    registry.ensure_not_empty().map_err(said)?;
    info!("{program}: {}", handlers::summary(&registry));
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for name in settings::unknown(names) {
        warn!("{name} is in the environment, but there is no such setting; --help lists them");
    }
    let mut settings = Settings::default()
        .overridden_by_environment()
        .map_err(said)?;
    options.duty.apply(&mut settings);
    let mut builder = Operator::builder().registry(registry).settings(settings);
    #[cfg(feature = "admin")]
    {
        builder = options.admin.iter().fold(builder, OperatorBuilder::admin);
        builder = options
            .liveness
            .iter()
            .fold(builder, OperatorBuilder::liveness);
    }
    for namespace in &options.namespaces {
        builder = builder.namespace(namespace);
    }
    Ok(builder)
}

/// Runs what has been put together.
pub(crate) async fn finish(builder: OperatorBuilder) -> Result<(), String> {
    let operator = builder.whole_program().build().map_err(said)?;
    operator.run().await.map_err(said)
}

pub(crate) async fn with_credentials(
    builder: OperatorBuilder,
    options: RunOptions,
) -> Result<OperatorBuilder, LoginError> {
    if options.kubeconfig.is_none() && options.context.is_none() {
        return Ok(builder);
    }
    let credentials = login::kubeconfig(options.kubeconfig, options.context).await?;
    login::give(credentials.clone(), false);
    Ok(builder.credentials(credentials))
}

/// An error with its reasons, on one line.
pub(crate) fn said(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> String {
    let error = error.into();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        let reason_text = reason.to_string();
        if !text.contains(&reason_text) {
            text = format!("{text}: {reason_text}");
        }
        source = reason.source();
    }
    text.replace('\n', " ")
}
