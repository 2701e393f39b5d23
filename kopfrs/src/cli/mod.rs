//! The command line of operators: what `kopfrs::main!()` runs.

mod arguments;
mod handlers;
mod logging;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;

use std::process::ExitCode;

use clap::Parser as _;

use self::arguments::{Arguments, Command};

/// Runs the command line of an operator with the arguments of the process.
///
/// Gives 0 if the operator was stopped as asked for, 1 after an error (said on one line), 2 for
/// arguments that cannot be understood.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Run(arguments.run)) {
        Command::Run(options) => run::run(options),
        Command::Handlers => {
            handlers::list(&crate::Registry::collect());
            ExitCode::SUCCESS
        }
        Command::Version => {
            println!("kopfrs {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
    }
}

/// Makes the program an operator: declares `fn main`, with a command line of its own.
///
/// `run` (which may be left out) runs the operator, `handlers` lists what has been declared, and
/// `--help` tells the rest.
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
            $crate::cli::main()
        }
    };
}
