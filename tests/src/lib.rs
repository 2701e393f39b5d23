//! What the end-to-end tests share.

pub mod rest;
pub mod untested;
