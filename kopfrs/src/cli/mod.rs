//! The command line of operators: what `kopfrs::main!()` runs.

pub(crate) mod arguments;
mod definitions;
mod duty;
mod handlers;
pub(crate) mod logging;
pub(crate) mod manifests;
pub(crate) mod rules;
pub(crate) mod run;
#[cfg(feature = "sandbox")]
pub(crate) mod sandbox;
pub(crate) mod yaml;

use std::fmt::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use self::arguments::{Arguments, Command};
use crate::settings::VARIABLES;

/// The program that is an operator.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Runs the command line of an operator with the arguments of the process.
///
/// Gives 0 if the operator was stopped as asked for, 1 after an error (said on one line), 2 for
/// arguments that cannot be understood.
pub fn main(program: Program) -> ExitCode {
    let matches = Arguments::command()
        .name(program.name)
        .version(program.version)
        .mut_subcommand("run", |run| run.after_long_help(settings_help()))
        .after_long_help(settings_help())
        .get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    match arguments.command.unwrap_or(Command::Run(arguments.run)) {
        Command::Run(options) => run::run(program, options),
        Command::Handlers => {
            handlers::list(&crate::Registry::collect());
            ExitCode::SUCCESS
        }
        Command::Crd => told(definitions::print(&crate::Registry::collect())),
        Command::Manifests(options) => {
            let registry = crate::Registry::collect();
            told(manifests::print(program, &registry, &options))
        }
        Command::Version => {
            println!("{program}");
            ExitCode::SUCCESS
        }
    }
}

/// What a command that prints something ends with.
fn told(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => run::failed(&error),
    }
}

/// The settings that the environment may say, for `--help`.
fn settings_help() -> String {
    let mut help =
        "Settings, from the environment (startup handlers have the last word):\n".to_owned();
    for variable in VARIABLES {
        // Writing to a text does not fail.
        let _ = writeln!(help, "  {}: {}", variable.name, variable.expected);
    }
    help
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} (kopfrs {})",
            self.name,
            self.version,
            env!("CARGO_PKG_VERSION")
        )
    }
}

/// Makes the program an operator: declares `fn main`, with a command line of its own.
///
/// `run` (which may be left out) runs the operator, `handlers` lists what has been declared, `crd` prints
/// the definitions of the kinds whose types know them, `manifests` what a cluster needs to run it with the
/// least rights, and `--help` tells the rest.
///
/// # Examples
/// ```no_run
/// use kopfrs::prelude::*;
///
/// #[on::startup]
/// fn hello() {
///     info!("hello");
/// }
///
/// kopfrs::main!();
/// ```
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> ::std::process::ExitCode {
            $crate::cli::main($crate::cli::Program {
                name: match ::core::option_env!("CARGO_BIN_NAME") {
                    ::core::option::Option::Some(name) => name,
                    ::core::option::Option::None => ::core::env!("CARGO_PKG_NAME"),
                },
                version: ::core::env!("CARGO_PKG_VERSION"),
            })
        }
    };
}
