//! A plain HTTP client: it knows nothing of Kubernetes, so that nothing is made right on the way.

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, sync::Mutex};
use tokio_rustls::TlsConnector;

use super::{Failure, access::Access, request::Request};

/// Sends requests, one after another over one connection.
#[derive(Debug)]
pub(crate) struct Client {
    access: Access,
    kept: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

/// What an answer says.
#[derive(Debug)]
pub(crate) enum Content {
    Json(Value),
    Text(String),
}

impl Content {
    /// What looks like JSON is JSON, whatever it is called: `/openapi/v3` calls it text.
    pub(crate) fn read(bytes: &[u8], headers: &HeaderMap) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let looks_like_json = bytes.starts_with(b"{");
        if (looks_like_json || content_type.is_some_and(|name| name.contains("json")))
            && let Ok(value) = serde_json::from_slice(bytes)
        {
            return Self::Json(value);
        }
        Self::Text(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The value; a text becomes one.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Json(value) => value.clone(),
            Self::Text(text) => Value::from(text.as_str()),
        }
    }
}

impl Client {
    pub(crate) fn new(access: Access) -> Self {
        Self {
            access,
            kept: Mutex::default(),
        }
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let mut kept = self.kept.lock().await;
        let mut connection = match kept.take().filter(|kept| !kept.is_closed()) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        // One that is not ready was closed by the server.
        if connection.ready().await.is_err() {
            connection = self.connect().await?;
        }
        let response = connection.send_request(self.http(request)?).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        *kept = Some(connection);
        Ok(Answer {
            status: parts.status.as_u16(),
            content: Content::read(&bytes, &parts.headers),
            headers: parts.headers,
        })
    }

    /// Sends a request over a connection of its own; what comes is read by whoever has asked.
    pub(crate) async fn open(&self, request: &Request) -> Result<Response<Incoming>, Failure> {
        let mut connection = self.connect().await?;
        Ok(connection.send_request(self.http(request)?).await?)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let stream = TcpStream::connect(&self.access.authority).await?;
        stream.set_nodelay(true)?;
        let tls = TlsConnector::from(self.access.tls.clone());
        let stream = tls.connect(self.access.name.clone(), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends when the sender and the bodies are gone.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn http(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, Failure> {
        let mut message = http::Request::builder()
            .method(request.method()?)
            .uri(request.target())
            .header(header::HOST, &self.access.authority)
            .body(Full::new(request.body()?))?;
        let headers = request.headers(self.access.token.as_deref())?;
        message.headers_mut().extend(headers);
        Ok(message)
    }
}
