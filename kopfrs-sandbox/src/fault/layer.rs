//! The tower service that lets faults strike.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{
    ConnectionError, Faults, Moment, Plan, Planned, What,
    lines::Framing,
    outage::Listener,
    stream::{self, Due, Ends},
};
use crate::{
    http::{
        Body, BoxError, Connection, Shutdown,
        auth::{Authenticate, SessionEnd},
    },
    journal::{self, Request},
};

/// Disturbs requests on their way to `S` and answers on their way back.
#[derive(Debug, Clone)]
pub(crate) struct Faulty<S> {
    inner: S,
    faults: Faults,
}

impl<S> Faulty<S> {
    pub(crate) fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

/// One request on its way.
struct Passage {
    faults: Faults,
    plan: Plan,
    record: Option<Arc<Request>>,
    connection: Option<Connection>,
    outage: Listener,
    shutdown: CancellationToken,
}

impl<S> Service<http::Request<Bytes>> for Faulty<S>
where
    S: Service<http::Request<Bytes>, Response = Response<Body>, Error = BoxError>
        + Authenticate
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Bytes>) -> Self::Future {
        // Rules may be for certain users.
        if let Some(user) = self.inner.who(&request) {
            journal::identify(&request, &user);
        }
        let extensions = request.extensions();
        let record = extensions.get::<Arc<Request>>().cloned();
        let shutdown = extensions.get::<Shutdown>().cloned().unwrap_or_default();
        // Decided here and not in the future: in the order in which requests come.
        let plan = match &record {
            Some(record) => self.faults.plan(record),
            None => Plan::default(),
        };
        let mut outage = self.faults.outage().listen();
        let passage = Passage {
            outage: outage.clone(),
            faults: self.faults.clone(),
            plan,
            connection: extensions.get::<Connection>().cloned(),
            record,
            shutdown: shutdown.0,
        };
        if self.faults.outage().is_down() {
            return Box::pin(async move { passage.broken(ConnectionError::Refused) });
        }
        let clone = self.inner.clone();
        // The clone may not be ready: the one that was polled is used.
        let inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let connection = passage.connection.clone();
            tokio::select! {
                biased;
                () = outage.went_down() => reset(connection.as_ref(), ConnectionError::Reset),
                answer = passage.go(inner, request) => answer,
            }
        })
    }
}

fn reset(
    connection: Option<&Connection>,
    error: ConnectionError,
) -> Result<Response<Body>, BoxError> {
    if let Some(connection) = connection {
        connection.0.cancel();
    }
    Err(error.into())
}

impl Passage {
    async fn go<S>(
        self,
        mut inner: S,
        mut request: http::Request<Bytes>,
    ) -> Result<Response<Body>, BoxError>
    where
        S: Service<http::Request<Bytes>, Response = Response<Body>, Error = BoxError>,
    {
        if let Some(answer) = self.at(Moment::Before).await {
            return answer;
        }
        self.look_back(&mut request);
        let answer = inner.call(request).await?;
        if let Some(lost) = self.at(Moment::After).await {
            return lost;
        }
        Ok(self.watched(answer))
    }

    /// What strikes at this moment; `None` if the request goes on.
    async fn at(&self, moment: Moment) -> Option<Result<Response<Body>, BoxError>> {
        for delay in self.plan.delays(moment) {
            self.strike(delay);
            if let What::Delay(latency) = &mut delay.fault.what.clone() {
                tokio::time::sleep(latency.next()).await;
            }
        }
        let planned = self.plan.fault.as_ref()?;
        if planned.fault.moment != moment {
            return None;
        }
        match &planned.fault.what {
            What::Answer(answer) => {
                self.strike(planned);
                let record = self.record.as_ref()?;
                Some(Ok(answer.to(record)))
            }
            What::Reset => {
                self.strike(planned);
                Some(self.broken(ConnectionError::Reset))
            }
            What::Hang => {
                self.strike(planned);
                planned.state.over().await;
                None
            }
            What::Delay(_) | What::Stale(_) | What::Stream(..) => None,
        }
    }

    /// Has the request answered with the past, if that is planned.
    fn look_back(&self, request: &mut http::Request<Bytes>) {
        let planned = self.plan.stale.as_ref();
        if let Some(planned) = planned.filter(|planned| !planned.state.is_over())
            && let What::Stale(stale) = planned.fault.what
            && let Some(past) = stale.past()
        {
            self.strike(planned);
            request.extensions_mut().insert(past);
        }
    }

    fn strike(&self, planned: &Planned) {
        journal::disturbed(self.record.as_ref(), &planned.fault.to_string());
        planned.state.hit();
    }

    fn broken(&self, error: ConnectionError) -> Result<Response<Body>, BoxError> {
        reset(self.connection.as_ref(), error)
    }

    /// Takes hold of the stream of a watch.
    fn watched(&self, answer: Response<Body>) -> Response<Body> {
        let Some(record) = self.record.as_ref() else {
            return answer;
        };
        if record.verb() != "watch" || answer.status() != StatusCode::OK {
            return answer;
        }
        let (parts, body) = answer.into_parts();
        let is_json = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
        let framing = if is_json {
            Framing::Lines
        } else {
            Framing::Chunks
        };
        let session = parts.extensions.get::<SessionEnd>();
        let ends = Ends {
            // As old as the request: what happened since the answer counts as well.
            outage: self.outage.clone(),
            shutdown: self.shutdown.clone(),
            session: session.map(|end| end.0.clone()).unwrap_or_default(),
        };
        let planned = self.plan.fault.iter().chain(&self.plan.changes);
        let due = planned.filter_map(stream_fault);
        let control = self.faults.streams.open(record.clone(), due);
        let body = stream::disturbed(body, framing, ends, control);
        Response::from_parts(parts, body)
    }
}

fn stream_fault(planned: &Planned) -> Option<Due> {
    match planned.fault.what {
        What::Stream(fault, after) => Some(Due {
            fault,
            after,
            state: planned.state.clone(),
        }),
        What::Answer(_) | What::Reset | What::Hang | What::Delay(_) | What::Stale(_) => None,
    }
}
