//! Whole operators in tests: on a sandbox in the test's own process where time passes at once, and, the same tests
//! unchanged, on real API servers.
//!
//! A test takes a [`Cluster`]: a namespace of its own on whatever it runs on. It starts operators there
//! ([`Cluster::operator`]), makes and changes objects ([`Cluster::apply`], [`Cluster::objects`]), waits for what has to
//! come of that ([`Waiting`]), and looks at what was done: the calls of handlers ([`Calls`]), the log ([`Log`]), the
//! requests ([`OperatorHandle::writes`]). What goes wrong on the way is decided by a [`Gate`].
//!
//! Whatever does not go as it should fails the test: requests that are refused, waits in vain, operators that end by
//! themselves. They panic, and say what there is to say, so that nothing needs to be unwrapped.
//!
//! # Examples
//! ```standalone_crate
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kopfrs::prelude::*;
//! use kopfrs::testing::Cluster;
//!
//! #[on::create(ConfigMap)]
//! async fn greet(name: &str) -> Result<String> {
//!     Ok(format!("hello, {name}"))
//! }
//!
//! #[kopfrs::test]
//! async fn a_new_map_is_greeted(cluster: Cluster) {
//!     let operator = cluster.operator().start().await;
//!     cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: world}}").await;
//!     let call = operator.until_succeeded("greet").await;
//!     assert_eq!(call.to_string(), format!("greet (create) of {}/world, attempt 0: returned \"hello, world\"", cluster.namespace()));
//!     operator.stop().await;
//! }
//! # a_new_map_is_greeted();
//! ```

#![expect(
    clippy::missing_panics_doc,
    reason = "whatever does not go as it should fails the test: that is said once, above"
)]

mod backend;
mod calls;
mod cluster;
mod diagnosis;
mod handle;
mod harness;
mod heed;
mod leftovers;
mod log;
mod manifest;
mod objects;
mod operator;
mod rest;
mod waiting;

pub use kopfrs_sandbox::fault::{Fault, Faults, Injected, On, Rule, StreamFault};
pub use kopfrs_sandbox::{Journal, OpenWatches, Request, Requests, Sandbox, Tokens};

pub use self::backend::{Backend, Gate};
pub use self::calls::{Call, CallEnd, Calls};
pub use self::cluster::Cluster;
pub use self::handle::OperatorHandle;
pub use self::harness::Test;
pub use self::log::Log;
pub use self::objects::{Object, Objects};
pub use self::operator::OperatorSetup;
pub use self::waiting::Waiting;
