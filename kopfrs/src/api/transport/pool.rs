//! Connections for requests over HTTP/1.1, each for one request at a time: as many as there are
//! requests at once, and no more. (Common pools open another one while they wait for the next to be
//! free, so they have up to twice as many.)

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use kube::client::Body;
use tokio::time::Instant;
use tower::Service as _;
use tracing::debug;

use super::BoxError;
use super::dialer::Dialer;
use super::held::Held;

/// Servers close what is idle for longer.
const IDLE: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Pool {
    url: Uri,
    dialer: Dialer,
    idle: Idle,
}

/// The connections that nobody uses, the one that was used last at the end.
type Idle = Arc<Mutex<Vec<(SendRequest<Body>, Instant)>>>;

/// A connection that is in use; it comes back when the answer has been read.
pub(super) struct Lease {
    connection: Option<SendRequest<Body>>,
    idle: Idle,
}

impl Pool {
    pub(super) fn new(url: Uri, dialer: Dialer) -> Self {
        Self {
            url,
            dialer,
            idle: Idle::default(),
        }
    }

    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Held<Incoming, Lease>>, BoxError> {
        address(&mut request)?;
        loop {
            let (mut connection, is_new) = match self.take().await {
                Some(connection) => (connection, false),
                None => (self.open().await?, true),
            };
            match connection.try_send_request(request).await {
                Ok(response) => {
                    let lease = Lease {
                        connection: Some(connection),
                        idle: self.idle.clone(),
                    };
                    return Ok(response.map(|body| Held::new(body, Some(lease))));
                }
                // The server has closed it before anything was sent: it had been idle for too long.
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(error.into_error().into()),
                },
            }
        }
    }

    /// A connection that is still good.
    async fn take(&self) -> Option<SendRequest<Body>> {
        loop {
            let (mut connection, _) = {
                let mut idle = lock(&self.idle);
                idle.retain(|(connection, since)| {
                    !connection.is_closed() && since.elapsed() < IDLE
                });
                idle.pop()?
            };
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn open(&self) -> Result<SendRequest<Body>, BoxError> {
        let stream = self.dialer.clone().call(self.url.clone()).await?;
        let (connection, driver) = handshake(stream).await?;
        // It ends with the connection, which ends with its last handle.
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                debug!("a connection ended with an error: {error}");
            }
        });
        Ok(connection)
    }
}

/// Requests on a connection name the path; the server is named in a header.
fn address(request: &mut Request<Body>) -> Result<(), http::Error> {
    let uri = std::mem::take(request.uri_mut());
    if let Some(authority) = uri.authority()
        && !request.headers().contains_key(header::HOST)
    {
        // What stands before an @ is nobody's business.
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        let host = HeaderValue::from_str(host)?;
        request.headers_mut().insert(header::HOST, host);
    }
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    *request.uri_mut() = path.parse::<Uri>()?;
    Ok(())
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            lock(&self.idle).push((connection, Instant::now()));
        }
    }
}

fn lock(idle: &Idle) -> MutexGuard<'_, Vec<(SendRequest<Body>, Instant)>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
