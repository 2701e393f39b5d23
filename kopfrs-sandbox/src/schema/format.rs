//! Checks of `format` on strings.
//!
//! The formats a real server enforces for custom resources; others are accepted unchecked.
