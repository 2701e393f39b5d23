//! Why an object cannot be what it is to be.

use crate::object::FieldPathError;

/// Why objects were not made children of another one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HierarchyError {
    /// The object cannot be a child of the owner.
    #[error("{object} cannot be adopted by {owner}: {reason}")]
    Adoption {
        /// The object.
        object: String,
        /// Its owner.
        owner: String,
        /// What is in the way.
        reason: &'static str,
    },
    /// What is to be the owner does not say what it is.
    #[error("{owner} cannot be an owner: it has no {field}")]
    Owner {
        /// The owner, as far as it says.
        owner: String,
        /// The field that is missing.
        field: &'static str,
    },
    /// What is given as an object is none.
    #[error("{object} is no object: {message}")]
    Shape {
        /// The object, as far as it says.
        object: String,
        /// What is wrong with it.
        message: String,
    },
    /// A text names no field.
    #[error(transparent)]
    Field(FieldPathError),
}
