//! HTTP/1.1 in its simplest form: a page for each of a few paths.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, debug, info};

use super::{Admin, Endpoint, Page, response};

/// How many may be connected at once: those who look after an operator are few.
const CONNECTIONS: usize = 64;

/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may last: for one request, and an answer that somebody reads.
const LIFETIME: Duration = Duration::from_secs(30);

/// Serves under an address until it is dropped.
pub(super) async fn serve(
    admin: Arc<Admin>,
    endpoint: Endpoint,
) -> Result<AbortOnDropHandle<()>, std::io::Error> {
    let listener = TcpListener::bind(endpoint.address).await?;
    let address = listener.local_addr()?;
    match &endpoint.path {
        Some(path) => info!("health is told under http://{address}{path}"),
        None => info!("health and metrics are told under http://{address}"),
    }
    let accepting = accept(listener, Arc::new((admin, endpoint.path)));
    Ok(AbortOnDropHandle::new(tokio::spawn(
        accepting.in_current_span(),
    )))
}

/// Its connections end with it. Whoever comes when all places are taken gets that of whoever came first: those who
/// say nothing keep nobody from asking.
async fn accept(listener: TcpListener, shared: Arc<(Arc<Admin>, Option<String>)>) {
    let mut connections = VecDeque::<AbortOnDropHandle<()>>::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.retain(|connection| !connection.is_finished());
                if connections.len() == CONNECTIONS {
                    connections.pop_front();
                }
                let connection = connection(stream, shared.clone()).in_current_span();
                connections.push_back(AbortOnDropHandle::new(tokio::spawn(connection)));
            }
            Err(error) => {
                debug!("a connection to the admin server could not be taken: {error}");
                // There are too many open files, most likely.
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<(Arc<Admin>, Option<String>)>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = shared.clone();
        async move {
            let (admin, path) = &*shared;
            let response = answer(admin, path.as_deref(), &request).await;
            Ok::<_, Infallible>(response.map(|text| Full::new(Bytes::from(text))))
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(LIFETIME, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            debug!("a connection to the admin server has ended with an error: {error}");
        }
        Err(_) => debug!("a connection to the admin server is cut after {LIFETIME:?}"),
    }
}

async fn answer<B>(admin: &Admin, path: Option<&str>, request: &Request<B>) -> Response<String> {
    let plain = |status, text: &str| response(status, "text/plain; charset=utf-8", text.to_owned());
    let Some(page) = page(request.uri().path(), path) else {
        let text = "not here; there are /livez, /readyz, /healthz and /metrics\n";
        return plain(StatusCode::NOT_FOUND, text);
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "there is only something to read\n",
        );
        let allowed = header::HeaderValue::from_static("GET, HEAD");
        refusal.headers_mut().insert(header::ALLOW, allowed);
        return refusal;
    }
    let query = request.uri().query().unwrap_or_default();
    let mut names = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default());
    admin.page(page, names.any(|name| name == "verbose")).await
}

fn page(path: &str, own: Option<&str>) -> Option<Page> {
    if Some(path) == own {
        return Some(Page::Probes);
    }
    match path {
        "/livez" => Some(Page::Live),
        "/readyz" => Some(Page::Ready),
        "/healthz" => Some(Page::Probes),
        "/metrics" => Some(Page::Metrics),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_ones_own_tells_what_probes_tell() {
        for (path, own, expected) in [
            ("/livez", None, Some(Page::Live)),
            ("/livez", Some("/livez"), Some(Page::Probes)),
            ("/", Some("/"), Some(Page::Probes)),
            ("/", None, None),
            ("/healthz", Some("/x"), Some(Page::Probes)),
            ("/readyz", None, Some(Page::Ready)),
            ("/metrics", None, Some(Page::Metrics)),
        ] {
            assert_eq!(page(path, own), expected, "{path}");
        }
    }
}
