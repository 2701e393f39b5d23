//! HTTP: from requests to operations and back.
//!
//! A stack of tower services: [`collect`] reads bodies, `journal` records, [`auth`] asks for the token, [`router`] finds
//! the operation. Both ways of serving (in-process, TCP) use the same stack. A layer that injects faults would go
//! between the journal and authentication.

pub(crate) mod auth;
pub(crate) mod collect;
mod documents;
pub(crate) mod negotiate;
mod options;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod request;
mod resource;
pub(crate) mod router;
mod write;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use tokio_util::sync::CancellationToken;

/// The body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// Ends the watches of a server that stops; put into the extensions of its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shutdown(pub(crate) CancellationToken);

/// The resource version an answer carries, for the journal; put into the extensions of answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultVersion(pub(crate) u64);
