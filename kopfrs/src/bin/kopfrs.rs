//! Operators of a program in any language, without any code.

use std::process::ExitCode;

fn main() -> ExitCode {
    kopfrs::craft::main()
}
