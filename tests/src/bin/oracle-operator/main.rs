//! The program under test of the behaviour oracle: an operator whose handlers come from
//! `oracle/fixtures.json` and do what the handled object's `spec.script` says.
//!
//! Started by the player of the scenarios as `PROGRAM FIXTURE OPERATOR LOGFILE SCOPE` with
//! `KUBECONFIG` set; `SCOPE` is a namespace or `--clusterwide`. `ORC_STORAGE` asks for a storage:
//! `kopf`, `annotations`, `status`, or, unset, whatever the framework chooses. With
//! `ORC_UNTIL_EOF`, it ends when its input ends. With `ORC_UNTIL_EOF`, it ends when its input ends.

mod criteria;
mod declare;
mod fixture;
mod log;
mod persistence;
mod script;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use kopfrs::settings::Settings;
use kopfrs::{Operator, Registry};
use serde_json::json;

use crate::fixture::Fixtures;
use crate::log::Log;

/// Why the program does not run.
type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "info,kopfrs=debug".into()),
        )
        .init();
    if std::env::var_os("ORC_UNTIL_EOF").is_some() {
        end_with_input();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let operator = match prepare(&arguments) {
        Ok(operator) => operator,
        Err(failure) => {
            eprintln!("oracle-operator: {failure}");
            return ExitCode::from(2);
        }
    };
    match operator.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oracle-operator: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ends the process when its input ends: so it never outlives who has started it.
fn end_with_input() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        eprintln!("oracle-operator: nobody is there any more");
        std::process::exit(3);
    });
}

/// Puts the operator of a fixture together.
fn prepare(arguments: &[String]) -> Result<Operator, Failure> {
    let [fixture, operator, logfile, scope] = arguments else {
        return Err(
            "usage: oracle-operator FIXTURE OPERATOR LOGFILE NAMESPACE|--clusterwide".into(),
        );
    };
    let fixtures = Fixtures::embedded()?;
    let declared = fixtures.operator(fixture, operator)?;
    let log = Arc::new(Log::open(logfile, operator)?);

    let mut registry = Registry::new();
    for row in &declared.handlers {
        registry = declare::add(registry, row, &fixtures.kinds, &log)?;
    }
    let storage = persistence::Storage::from_environment()?;
    let mut settings = Settings::default();
    settings.persistence.default = storage.persistence(&declared.settings)?;
    settings.process.drain_budget = Duration::ZERO;

    let builder = Operator::builder()
        .registry(registry)
        .settings(settings)
        .on_ready(move |ready| {
            let persistence = &ready.settings.persistence.default;
            log.write(json!({
                "ph": "ready",
                "prefix": persistence.prefix(),
                "finalizer": persistence.finalizer(),
                "storage": storage.name(),
            }));
        });
    let builder = match scope.as_str() {
        "--clusterwide" => builder,
        namespace => builder.namespace(namespace),
    };
    Ok(builder.build()?)
}
