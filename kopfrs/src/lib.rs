//! Kubernetes operators from annotated functions.
//!
//! Annotate functions, `cargo run`, and the operator works: it finds out what has happened to each
//! object, calls the functions that are concerned with the old state, the new state and the
//! difference, retries them when they fail, and remembers on the object itself what was handled.
//!
//! # Examples
//! ```no_run
//! use kopfrs::prelude::*;
//!
//! /// `kubectl get demos.example.com`
//! #[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
//! #[kube(group = "example.com", version = "v1", kind = "Demo", namespaced)]
//! struct DemoSpec {
//!     size: u32,
//! }
//!
//! #[on::create(Demo, retries = 5, backoff = "10s")]
//! async fn create(spec: DemoSpec, name: &str, patch: &Patch) -> Result<()> {
//!     if spec.size == 0 {
//!         return Err(PermanentError::new("spec.size must be positive").into());
//!     }
//!     info!("{name} wants {}", spec.size);
//!     patch.status(json!({ "phase": "Ready" }));
//!     Ok(())
//! }
//!
//! #[on::update(Demo)]
//! async fn update(diff: &Diff) {
//!     for change in diff {
//!         info!("{change}");
//!     }
//! }
//!
//! kopfrs::main!();
//! ```
//!
//! # Where to look
//! - [`on`]: the attributes with all of their options, and the same as builders for closures.
//! - [`extract`]: the arguments that handlers can take.
//! - [`index`]: what is kept of objects to be looked up by handlers of others.
//! - [`handler`]: errors, results, and what else a handler is.
//! - [`lifecycle`]: what verification and the operations that it asks for lead to.
//! - [`reconcile`]: handlers that are called for whatever happens to an object, and what they return.
//! - [`exec`]: programs in any language as handlers: processes, Pods and Jobs.
//! - `craft`: operators without any code, of two files and a program.
//! - [`api`]: [`Actions`](api::Actions) on other objects, credentials.
//! - [`operator`]: operators inside of other programs, several in one process.
//! - [`storage`]: where memory is kept on objects; [`settings`]: what can be set.
//! - `testing`: whole operators in tests, on a cluster that is brought along.
//!
//! # Features
//! - `macros` (default): the attributes.
//! - `admission` (default): webhooks are served for [`on::validate`](macro@on::validate) and the like.
//! - `cli` (default): [`main!`] and the command line.
//! - `anyhow`, `eyre` (default): errors of kopfrs are recognised inside of theirs.
//! - `program`: the program `kopfrs`.
//! - `sandbox`: `run --sandbox`, an embedded Kubernetes API server.
//! - `testing`: [`#[kopfrs::test]`](macro@test) and [`testing`], for `[dev-dependencies]`.
//!
//! The program chooses the Kubernetes version, by a feature of `k8s-openapi`.

#[doc(hidden)]
pub mod __private;
mod action;
pub mod api;
pub mod cause;
mod chance;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
#[cfg(all(feature = "cli", feature = "sandbox"))]
pub mod craft;
mod duty;
mod engine;
pub mod exec;
pub mod extract;
pub mod filter;
pub mod handler;
mod health;
pub mod index;
pub mod lifecycle;
#[cfg(any(feature = "cli", feature = "testing"))]
mod logging;
pub mod object;
pub mod on;
pub mod operator;
pub mod prelude;
mod reactor;
pub mod reconcile;
pub mod registry;
pub mod resource;
pub mod settings;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;

// Attributes in our own tests expand to `::kopfrs::…` too.
#[cfg(all(test, feature = "macros"))]
extern crate self as kopfrs;

#[cfg(all(feature = "testing", feature = "macros"))]
#[doc = include_str!("testing/attribute.md")]
pub use kopfrs_macros::test;

pub use self::handler::Result;
pub use self::index::Index;
pub use self::operator::Operator;
pub use self::registry::Registry;
pub use self::storage::Handling;
