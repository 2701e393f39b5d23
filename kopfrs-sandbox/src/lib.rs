//! An embedded Kubernetes API server, to run and test operators without a cluster.
//!
//! A [`Sandbox`] is a small API server in memory: custom resource definitions with schemas, the usual built-in kinds,
//! watches, patches, finalizers, namespaces that end, garbage collection. Any client works on it: in-process through
//! [`Sandbox::client`], also with tokio's time paused, or over TLS through [`Sandbox::serve`], where `kubectl`, Kopf,
//! client-go and kube-rs find what they know.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use k8s_openapi::api::core::v1::Namespace;
//! use kube::{Api, api::ListParams};
//! use kopfrs_sandbox::Sandbox;
//!
//! let sandbox = Sandbox::new();
//! let namespaces: Api<Namespace> = Api::all(sandbox.client());
//! assert_eq!(namespaces.list(&ListParams::default()).await?.items.len(), 4);
//! # Ok(())
//! # }
//! ```
//!
//! # Testing a controller
//!
//! Whatever takes a [`kube::Client`] is tested with [`Sandbox::client`]. Under tokio's paused clock waits take no time;
//! [`Sandbox::faults`] makes requests fail and streams break, and [`Sandbox::journal`] tells what was sent. Definitions of
//! `#[derive(CustomResource)]` are installed as on any cluster:
//!
//! ```
//! use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
//! use kopfrs_sandbox::Sandbox;
//! use kube::{
//!     Api, CustomResource, CustomResourceExt,
//!     api::PostParams,
//!     runtime::wait::{await_condition, conditions},
//! };
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
//! #[kube(group = "example.com", version = "v1", kind = "Egg", namespaced)]
//! struct EggSpec {
//!     minutes: u64,
//! }
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sandbox = Sandbox::new();
//!     let definitions: Api<CustomResourceDefinition> = Api::all(sandbox.client());
//!     definitions.create(&PostParams::default(), &Egg::crd()).await?;
//!     await_condition(definitions, Egg::crd_name(), conditions::is_crd_established()).await?;
//!
//!     let eggs: Api<Egg> = Api::default_namespaced(sandbox.client());
//!     let egg = Egg::new("breakfast", EggSpec { minutes: 5 });
//!     eggs.create(&PostParams::default(), &egg).await?;
//!     assert_eq!(sandbox.journal().requests().resource("eggs").count("create"), 1);
//!     Ok(())
//! }
//! ```
//!
//! `examples/controller.rs` goes on from here with a `kube::runtime::Controller`, an hour's wait and a conflict.
//!
//! # As a server
//!
//! [`Sandbox::serve`] opens a port with TLS, for `kubectl` and operators in any language; [`Endpoint::kubeconfig`] leads
//! there. [`SandboxBuilder::persist`] keeps the state in a file over restarts. The program `kopfrs-sandbox serve` is both,
//! for the command line. [`Proxy`] puts faults and journal in front of any other API server.
//!
//! # What it does not do
//!
//! There are no nodes and no scheduler: Deployments, ReplicaSets and Jobs make Pods, which stay Pending until somebody
//! writes their status; StatefulSets, DaemonSets and CronJobs make nothing. Aggregated API servers and quotas are not
//! there; protobuf is read, but never written. Everything is allowed unless [`SandboxBuilder::rbac`] says otherwise. What it does not do it refuses with a message that says so, or warns about. The guide has the
//! [whole list](https://github.com/kopfrs/kopfrs/blob/main/docs/sandbox.md).
//!
//! # Features
//!
//! - `cli` (default): the `kopfrs-sandbox` program. It chooses the newest Kubernetes version for `k8s-openapi`, so
//!   libraries turn it off.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod admission;
mod apply;
mod auth;
mod builder;
mod clock;
mod cluster;
mod controllers;
mod conversion;
mod defaults;
mod error;
pub mod fault;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod journal;
mod load;
mod object;
mod ownership;
mod patch;
mod persist;
mod protobuf;
mod quantity;
mod rbac;
mod registry;
mod render;
mod sandbox;
mod schema;
mod selector;
mod serve;
mod storage;
mod strategy;
mod verbs;
mod webhook;
mod wildcard;
mod yaml;

pub use self::{
    apply::{Applied, ApplyError, Document},
    auth::{OpenWatches, Tokens},
    builder::SandboxBuilder,
    journal::{Expectation, Journal, Mark, On, Request, Requests, Unseen, Wait},
    load::LoadError,
    persist::PersistError,
    sandbox::Sandbox,
    serve::{Endpoint, Proxy, ServeError, Server},
};
