//! The commands of the program `kopfrs`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use super::judge::Judge;
use super::project::{Project, Reading};
use super::runner::RunnerOptions;
use super::{deploy, execute, init, validate};
use crate::cli::Program;
use crate::cli::arguments::RunOptions;
use crate::cli::peering::{self, FreezeOptions, ResumeOptions};
use crate::cli::run::until_ended;

pub(super) const PROGRAM: Program = Program {
    name: "kopfrs",
    version: env!("CARGO_PKG_VERSION"),
};

/// Operators of a program in any language, without any code: CRAFT's files make them.
#[derive(Debug, Parser)]
#[command(name = "kopfrs", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first controller.json, resource.json and manager.
    Init {
        /// Where to; is made if it is not there.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Tell all that is wrong with the files, and with definitions in other files.
    Validate(ValidateOptions),
    /// Print what a cluster needs to run the operator: namespace, definition, account, least rights, deployment.
    Deploy(DeployOptions),
    /// Install the definition, and run the operator.
    Exec(Box<ExecOptions>),
    /// Pause the operators in a peering for a while: enter one that goes before them.
    Freeze(FreezeOptions),
    /// Let the operators in a peering go on that `freeze` has paused.
    Resume(ResumeOptions),
    /// Print the version.
    Version,
}

/// Which files.
#[derive(Clone, Debug, Args)]
pub(super) struct Files {
    /// What the kind is called, and how its program is run.
    #[arg(short, long, value_name = "FILE", default_value = "controller.json")]
    pub(super) controller: PathBuf,
    /// The schema of the spec.
    #[arg(short, long, value_name = "FILE", default_value = "resource.json")]
    pub(super) resource: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ValidateOptions {
    /// What the kind is called, and how its program is run. Default: controller.json, unless there is -v.
    #[arg(short, long, value_name = "FILE")]
    pub(super) controller: Option<PathBuf>,
    /// The schema of the spec. Default: resource.json, unless there is -v.
    #[arg(short, long, value_name = "FILE")]
    pub(super) resource: Option<PathBuf>,
    /// Look at the definitions in these files (YAML or JSON), too.
    #[arg(short = 'v', long = "definitions", value_name = "FILE", num_args = 1..)]
    pub(super) definitions: Vec<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct DeployOptions {
    #[command(flatten)]
    pub(super) files: Files,
    #[command(flatten)]
    pub(super) runner: RunnerOptions,
    /// The namespaces whose objects are handled: names, or patterns. Default: all namespaces.
    #[arg(
        short,
        long = "namespace",
        value_delimiter = ',',
        value_name = "PATTERN"
    )]
    pub(super) namespaces: Vec<String>,
    /// Write to this file instead of the standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ExecOptions {
    #[command(flatten)]
    pub(super) files: Files,
    #[command(flatten)]
    pub(super) runner: RunnerOptions,
    /// Do not install the definition: it is there, or somebody else brings it.
    #[arg(long)]
    pub(super) no_install: bool,
    #[command(flatten)]
    pub(super) run: RunOptions,
}

/// Runs the program `kopfrs` with the arguments of the process.
///
/// Gives 0 if all went well, 1 after an error, 2 for arguments that cannot be understood.
///
/// # Examples
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     kopfrs::craft::main()
/// }
/// ```
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Init { dir } => until_ended(async move { init::init(&dir) }),
        Command::Validate(options) => {
            until_ended(async move { validate::validate(&options).await })
        }
        Command::Deploy(options) => until_ended(async move { deploy::deploy(&options).await }),
        Command::Exec(options) => execute::execute(*options),
        Command::Freeze(options) => peering::freeze(&options),
        Command::Resume(options) => peering::resume(&options),
        Command::Version => {
            println!("{} {}", PROGRAM.name, PROGRAM.version);
            ExitCode::SUCCESS
        }
    }
}

impl Files {
    /// Reads both files, and tells what one may doubt about them.
    ///
    /// # Errors
    /// If something is wrong in them: all of it, a line each.
    pub(super) async fn read(&self) -> Result<Project, String> {
        let reading = Reading::of_files(&self.controller, &self.resource);
        let reading = reading.map_err(|mistakes| lines(&mistakes))?;
        let reading = reading.judged(&Judge::new()).await?;
        for warning in reading.warnings() {
            eprintln!("warning: {warning}");
        }
        reading.into_project().map_err(|mistakes| lines(&mistakes))
    }
}

/// As the text of one error.
pub(super) fn lines(mistakes: &super::Mistakes) -> String {
    let lines: Vec<_> = mistakes.0.iter().map(ToString::to_string).collect();
    lines.join("\nerror: ")
}
