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
//! # What it does not do
//!
//! No nodes, no scheduler, no workload controllers; no admission webhooks, no conversion webhooks; protobuf is
//! read, but never written. Everything is allowed unless [`SandboxBuilder::rbac`] says otherwise, and even then roles that
//! give more rights than one has are not refused. What it does not do it refuses with a message that says so, or warns
//! about.
//!
//! # Features
//!
//! - `cli` (default): the `kopfrs-sandbox` program. It chooses the newest Kubernetes version for `k8s-openapi`, so
//!   libraries turn it off.

mod apply;
mod auth;
mod clock;
mod cluster;
mod controllers;
mod defaults;
mod error;
pub mod fault;
mod http;
mod journal;
mod object;
mod ownership;
mod patch;
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

pub use self::{
    apply::{Applied, ApplyError},
    auth::{OpenWatches, Tokens},
    journal::{Journal, Mark, Request, Requests},
    sandbox::{Sandbox, SandboxBuilder},
    serve::{Proxy, ServeError, Server},
};
