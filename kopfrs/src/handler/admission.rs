//! What is special to handlers of reviews: their rules, and how they refuse.

use std::error::Error;
use std::fmt;

use super::Family;
use crate::cause::{AdmissionCause, ConversionCause, Operation};

/// Refuses what is about to be done, with a message and a code for the one who asks for it.
///
/// Any other error refuses it, too, with the code 500. Of several handlers that refuse, one that does it by this error
/// is heard first.
///
/// # Examples
/// ```
/// use kopfrs::handler::AdmissionError;
///
/// fn check(size: i64) -> Result<(), AdmissionError> {
///     if size > 9 { return Err(AdmissionError::new("spec.size must not be above 9").code(422)); }
///     Ok(())
/// }
/// assert_eq!(check(10).unwrap_err().to_string(), "spec.size must not be above 9");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionError {
    message: String,
    code: u16,
}

impl AdmissionError {
    /// Refuses with this message, and the code 500.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 500,
        }
    }

    /// Sets the code, as of HTTP: 403, 409, 422.
    pub fn code(self, code: u16) -> Self {
        Self { code, ..self }
    }

    /// What it refuses with.
    pub(super) fn status(&self) -> u16 {
        self.code
    }
}

impl fmt::Display for AdmissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for AdmissionError {}

/// What a handler of reviews may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Review {
    /// Refuse.
    Validating,
    /// Change the object, and refuse.
    Mutating,
}

/// When a handler of reviews is called, and how the API server asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionRule {
    /// What it may do.
    pub review: Review,
    /// The operations it is for; `None` for all of them.
    pub operations: Option<Vec<Operation>>,
    /// The subresource it is for: `None` for the object alone, `*` for both.
    pub subresource: Option<String>,
    /// Whether it is asked while the operator is not running, too.
    pub persistent: bool,
    /// Whether it changes anything else, unless it is a dry run.
    pub side_effects: bool,
    /// Whether requests are let through when it cannot be asked.
    pub ignore_failures: bool,
}

impl AdmissionRule {
    /// For all operations on the object itself.
    pub fn new(review: Review) -> Self {
        Self {
            review,
            operations: None,
            subresource: None,
            persistent: false,
            side_effects: false,
            ignore_failures: false,
        }
    }

    /// Whether it is for an operation. What is being deleted is not changed before, unless that is all that the
    /// handler is for.
    pub(crate) fn is_for(&self, operation: Operation) -> bool {
        let is_asked_for = |all: &Vec<Operation>| all.contains(&operation);
        let is_only_deletion = |all: &Vec<Operation>| all.iter().all(|o| *o == Operation::Delete);
        if operation == Operation::Delete && self.review == Review::Mutating {
            return self.operations.as_ref().is_some_and(is_only_deletion);
        }
        self.operations.as_ref().is_none_or(is_asked_for)
    }

    /// Whether it is for a subresource, or for the object itself.
    pub(crate) fn is_for_subresource(&self, subresource: Option<&str>) -> bool {
        self.subresource.as_deref() == Some("*") || self.subresource.as_deref() == subresource
    }

    /// What the log calls a handler of this rule.
    pub(crate) fn role(&self) -> &'static str {
        match self.review {
            Review::Validating => "validate handler",
            Review::Mutating => "mutate handler",
        }
    }
}

impl fmt::Display for AdmissionRule {
    /// The name of the attribute.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role().trim_end_matches(" handler"))
    }
}

/// What a conversion leads from and to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConversionRule {
    /// The version that it takes.
    pub from: String,
    /// The version that it makes.
    pub to: String,
}

impl fmt::Display for ConversionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "convert {} to {}", self.from, self.to)
    }
}

impl Family for AdmissionCause {
    type Rule = AdmissionRule;

    const NAME: &'static str = "handlers of reviews";
}

impl Family for ConversionCause {
    type Rule = ConversionRule;

    const NAME: &'static str = "conversions";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_is_changed_by_nobody_who_is_for_more() {
        use Operation::{Connect, Create, Delete, Update};
        type Row<'a> = (Review, Option<&'a [Operation]>, &'a [Operation]);
        let rows: [Row<'_>; 6] = [
            (Review::Validating, None, &[Create, Update, Delete, Connect]),
            (
                Review::Validating,
                Some(&[Delete, Update]),
                &[Update, Delete],
            ),
            (Review::Mutating, None, &[Create, Update, Connect]),
            (Review::Mutating, Some(&[Create, Delete]), &[Create]),
            (Review::Mutating, Some(&[Delete]), &[Delete]),
            (Review::Mutating, Some(&[Delete, Delete]), &[Delete]),
        ];
        for (review, operations, expected) in rows {
            let rule = AdmissionRule {
                operations: operations.map(<[_]>::to_vec),
                ..AdmissionRule::new(review)
            };
            let all = [Create, Update, Delete, Connect].into_iter();
            let called: Vec<_> = all.filter(|operation| rule.is_for(*operation)).collect();
            assert_eq!(called, expected, "{review:?} {operations:?}");
        }
    }

    #[test]
    fn handlers_are_for_the_object_for_a_subresource_or_for_both() {
        let rows = [
            (None, [true, false]),
            (Some("status"), [false, true]),
            (Some("*"), [true, true]),
            (Some("scale"), [false, false]),
        ];
        for (subresource, expected) in rows {
            let rule = AdmissionRule {
                subresource: subresource.map(str::to_owned),
                ..AdmissionRule::new(Review::Validating)
            };
            let called = [None, Some("status")].map(|asked| rule.is_for_subresource(asked));
            assert_eq!(called, expected, "{subresource:?}");
        }
    }
}
