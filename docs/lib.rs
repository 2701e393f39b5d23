#![doc = include_str!("index.md")]
#![allow(
    clippy::test_attr_in_doctest,
    reason = "pages show how handlers and operators are tested"
)]

#[doc = include_str!("first-operator.md")]
pub mod first_operator {}

#[doc = include_str!("handlers-and-arguments.md")]
pub mod handlers_and_arguments {}

#[doc = include_str!("actions.md")]
pub mod actions {}

#[doc = include_str!("subhandlers.md")]
pub mod subhandlers {}

#[doc = include_str!("lifecycle.md")]
pub mod lifecycle {}

#[doc = include_str!("exec.md")]
pub mod exec {}

#[doc = include_str!("other-systems.md")]
pub mod other_systems {}

#[doc = include_str!("coming-from-kopf.md")]
pub mod coming_from_kopf {}

#[doc = include_str!("craft.md")]
pub mod craft {}

#[doc = include_str!("errors-and-retries.md")]
pub mod errors_and_retries {}

#[doc = include_str!("reconcile.md")]
pub mod reconcile {}

#[doc = include_str!("indexing.md")]
pub mod indexing {}
#[doc = include_str!("daemons.md")]
pub mod daemons {}

#[doc = include_str!("how-state-is-kept.md")]
pub mod how_state_is_kept {}

#[doc = include_str!("running.md")]
pub mod running {}

#[doc = include_str!("settings.md")]
pub mod settings {}

#[doc = include_str!("namespaces.md")]
pub mod namespaces {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("container.md")]
pub mod container {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("login.md")]
pub mod login {}

#[doc = include_str!("sandbox.md")]
pub mod sandbox {}

#[cfg(test)]
mod kopf;

#[cfg(test)]
mod rows;

#[cfg(test)]
#[allow(
    unused_variables,
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "arguments are there to be named"
)]
mod tables;
