//! HTTP: from requests to operations and back.
//!
//! A stack of tower services: [`collect`] reads bodies, `journal` records, `fault` disturbs, [`auth`] finds out who asks,
//! [`router`] finds the operation. All ways of serving (in-process, TCP, in front of another server) use the same stack.

mod access;
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
mod warnings;
mod write;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use tokio_util::sync::CancellationToken;

/// Why a connection broke: the one error there is, as everything else is an answer.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Ends the watches of a server that stops; put into the extensions of its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shutdown(pub(crate) CancellationToken);

/// The resource version an answer carries, for the journal; put into the extensions of answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultVersion(pub(crate) u64);

/// Closes the connection that a request came on; put into the extensions of requests that came on one.
#[derive(Debug, Clone)]
pub(crate) struct Connection(pub(crate) CancellationToken);
