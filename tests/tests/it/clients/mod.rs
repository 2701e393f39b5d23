//! What other clients send to an API server, sent again: their bodies, headers and queries as they are on the wire.
//!
//! The programs themselves are not on every machine; what they rely on is told by their requests.

mod kopf;
mod kubectl;
mod protobuf;
mod proxy;
mod wire;
