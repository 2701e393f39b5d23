//! What the end-to-end tests share.

pub mod backend;
pub mod rest;
