//! What the end-to-end tests share: the cluster that they run on.

pub mod backend;
