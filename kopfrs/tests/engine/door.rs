//! A server that revokes tokens, and operators whose login handlers give them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use kopfrs::api::Credentials;
use kopfrs::prelude::*;
use kube::client::Body;
use tokio::sync::watch;

use crate::bench::{Bench, Demo, Running};

/// A server that knows who may come in: those with a token that was not revoked.
#[derive(Clone)]
pub(crate) struct Door {
    client: kube::Client,
    good: Arc<Mutex<HashSet<u32>>>,
    /// Changes with each revocation; watches end then.
    revoked: Arc<watch::Sender<u32>>,
    refused: Arc<AtomicUsize>,
    pub(crate) logins: Arc<AtomicUsize>,
}

impl Door {
    pub(crate) fn new(bench: &Bench, tokens: &[u32]) -> Self {
        Self {
            client: bench.client.clone(),
            good: Arc::new(Mutex::new(tokens.iter().copied().collect())),
            revoked: Arc::new(watch::Sender::new(0)),
            refused: Arc::default(),
            logins: Arc::default(),
        }
    }

    pub(crate) fn admit(&self, token: u32) {
        self.good.lock().unwrap().insert(token);
    }

    pub(crate) fn revoke(&self, token: u32) {
        self.good.lock().unwrap().remove(&token);
        self.revoked.send_modify(|count| *count += 1);
    }

    pub(crate) fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Credentials that carry a token.
    pub(crate) fn credentials(&self, token: u32) -> Credentials {
        let door = self.clone();
        let service = tower::service_fn(move |request| door.clone().answer(token, request));
        Credentials::from_client(kube::Client::new(service, "default"))
    }

    async fn answer(
        self,
        token: u32,
        request: Request<Body>,
    ) -> Result<Response<impl http_body::Body<Data = bytes::Bytes, Error = kube::Error>>, kube::Error>
    {
        let mut revoked = self.revoked.subscribe();
        let is_good = self.good.lock().unwrap().contains(&token);
        let response = if is_good {
            self.client.send(request).await?
        } else {
            self.refused.fetch_add(1, Ordering::SeqCst);
            let status = json!({"kind": "Status", "code": 401, "reason": "Unauthorized"});
            let body = Body::from(status.to_string().into_bytes());
            Response::builder().status(401).body(body).unwrap()
        };
        Ok(response.map(|body| {
            let ended = async move { drop(revoked.changed().await) };
            let frames = body.into_data_stream().take_until(Box::pin(ended));
            StreamBody::new(frames.map(|frame| frame.map(http_body::Frame::data)))
        }))
    }
}

pub(crate) fn registry(
    bench: &Bench,
    door: &Door,
    give: impl Fn(usize) -> Result<Credentials> + Clone + Send + Sync + 'static,
) -> Registry {
    let logins = door.logins.clone();
    let login = on::login().id("login").run(move || {
        let given = give(logins.fetch_add(1, Ordering::SeqCst));
        std::future::ready(given)
    });
    Registry::new()
        .add(login)
        .add(on::create::<Demo>().id("create").run(bench.noting()))
}

pub(crate) async fn start(registry: Registry) -> Running {
    Running::start(Operator::builder().registry(registry)).await
}

/// The objects that were handled, each as often as it was.
pub(crate) fn handled(bench: &Bench) -> Vec<String> {
    let mut names: Vec<_> = bench
        .calls
        .all()
        .into_iter()
        .map(|call| call.name)
        .collect();
    names.sort();
    names
}

pub(crate) fn names(count: usize) -> Vec<String> {
    let mut names: Vec<_> = (0..count).map(|n| format!("object-{n}")).collect();
    names.sort();
    names
}
