//! Clients of an API server: what they send, sent again as it is on the wire, and the programs themselves where they are
//! installed.

pub(crate) mod installed;
mod kopf;
mod kubectl;
mod protobuf;
mod proxy;
mod wire;
mod with_kopf;
mod with_kube;
mod with_kubectl;
