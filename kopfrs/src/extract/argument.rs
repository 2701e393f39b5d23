//! Which argument is asked for, and why it could not be made.

use std::fmt;

/// The argument that is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    name: &'static str,
}

/// Why an argument could not be made of an object.
///
/// The handler is not to blame, nor would it help to call it again before the object changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argument `{argument}`: {message}")]
pub struct ArgError {
    argument: &'static str,
    message: String,
}

impl Argument {
    /// An argument of this name.
    pub const fn new(name: &'static str) -> Self {
        Self { name }
    }

    /// Its name in the function, or a text that says where it stands.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Why it cannot be made.
    pub fn error(&self, message: impl fmt::Display) -> ArgError {
        ArgError {
            argument: self.name,
            message: message.to_string(),
        }
    }
}

impl ArgError {
    /// The argument's name.
    pub fn argument(&self) -> &'static str {
        self.argument
    }

    /// What is wrong, with the path inside of the object: `spec.size: invalid type: …`.
    pub fn message(&self) -> &str {
        &self.message
    }
}
