//! The fence around whatever a replica writes: it may only while its lease is fresh.
//!
//! Leader election opens and shuts it; connections look at it when they send something. Somebody who was frozen for
//! a minute finds the lease too old before another request can get on, however far it had come. What a connection has
//! taken already is not called back: it is sent as soon as the system takes it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;

use super::transport::{BoxError, Reply};
use crate::clock::Moment;

/// See the module. Clones are the same fence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fence(Arc<watch::Sender<State>>);

/// On requests that have places and connections of their own, and pass no fence: those of leader
/// election itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserved;

#[derive(Clone, Debug, Default)]
enum State {
    /// There is no lease to go by.
    #[default]
    None,
    /// The lease was renewed then, and is good for so long.
    Open(Moment, Duration),
    /// Somebody else may write now.
    Shut(Arc<str>),
}

/// A replica that does not hold the lease may not write.
#[derive(Clone, Debug, thiserror::Error)]
#[error("nothing may be written: {0}")]
pub(crate) struct Fenced(Arc<str>);

impl Fence {
    /// The lease was renewed by a request that was sent then.
    pub(crate) fn open(&self, renewed: Moment, good_for: Duration) {
        self.0.send_replace(State::Open(renewed, good_for));
    }

    /// The lease is not ours.
    pub(crate) fn shut(&self, why: &str) {
        self.0.send_replace(State::Shut(why.into()));
    }

    /// Whether anything may be written at this very moment; `None` if that will be known soon, as the
    /// lease is about to be renewed or lost.
    fn look(&self) -> Option<Result<(), Fenced>> {
        match &*self.0.borrow() {
            State::None => Some(Ok(())),
            State::Open(renewed, good_for) => (renewed.age() < *good_for).then_some(Ok(())),
            State::Shut(why) => Some(Err(Fenced(why.clone()))),
        }
    }

    /// Goes on with a request as long as the lease is fresh: each time, that is looked at before the
    /// request can get on. A lease that is too old is waited for; one that is lost ends the request.
    pub(super) async fn guard<T>(
        &self,
        request: impl Future<Output = Result<T, BoxError>>,
    ) -> Result<T, BoxError> {
        if matches!(*self.0.borrow(), State::None) {
            return request.await;
        }
        let mut changes = self.0.subscribe();
        let mut request = pin!(request);
        loop {
            let changed = changes.changed();
            let mut changed = pin!(changed);
            let answer = poll_fn(|context| {
                match self.look() {
                    Some(Err(fenced)) => return Poll::Ready(Some(Err(fenced.into()))),
                    Some(Ok(())) => {
                        if let Poll::Ready(answer) = request.as_mut().poll(context) {
                            return Poll::Ready(Some(answer));
                        }
                    }
                    None => {}
                }
                changed.as_mut().poll(context).map(|_| None)
            });
            if let Some(answer) = answer.await {
                return answer;
            }
        }
    }

    /// A client of somebody else's, inside of the fence.
    pub(crate) fn around(&self, client: &Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let (fence, client) = (self.clone(), client.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (fence, client) = (fence.clone(), client.clone());
            async move {
                let is_write = is_write(&request);
                let answer = async {
                    let response: Response<Body> = client.send(request).await?;
                    Ok(response
                        .map(|body| -> Reply { body.map_err(BoxError::from).boxed_unsync() }))
                };
                if is_write {
                    fence.guard(answer).await
                } else {
                    answer.await
                }
            }
        });
        Client::new(service, namespace)
    }
}

/// Whether a request changes something on the server.
pub(super) fn is_write<B>(request: &Request<B>) -> bool {
    !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{sleep, timeout};

    use super::*;

    const GOOD_FOR: Duration = Duration::from_secs(10);

    /// A request that needs a while before it is sent, and counts how often it was.
    async fn request(sent: &AtomicU32, takes: Duration) -> Result<(), BoxError> {
        sleep(takes).await;
        sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_lease_everything_passes() {
        let sent = AtomicU32::new(0);
        let fence = Fence::default();
        fence.guard(request(&sent, GOOD_FOR * 9)).await.unwrap();
        assert_eq!(sent.into_inner(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_on_its_way_is_not_sent_after_the_lease_was_lost() {
        let sent = AtomicU32::new(0);
        let fence = Fence::default();
        fence.open(Moment::now(), GOOD_FOR);
        fence
            .guard(request(&sent, Duration::from_secs(1)))
            .await
            .unwrap();
        let slow = fence.guard(request(&sent, Duration::from_secs(30)));
        let lose = async {
            sleep(Duration::from_secs(20)).await;
            fence.shut("the lease is held by b");
        };
        let (slow, ()) = tokio::join!(slow, lose);
        let error = slow.unwrap_err().to_string();
        assert_eq!(error, "nothing may be written: the lease is held by b");
        fence
            .guard(request(&sent, Duration::ZERO))
            .await
            .unwrap_err();
        assert_eq!(sent.into_inner(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_is_too_old_is_waited_for() {
        let sent = AtomicU32::new(0);
        let fence = Fence::default();
        fence.open(Moment::now(), GOOD_FOR);
        sleep(GOOD_FOR).await;
        let waiting = fence.guard(request(&sent, Duration::ZERO));
        let waited = timeout(GOOD_FOR * 10, waiting).await;
        assert!(waited.is_err() && sent.load(Ordering::Relaxed) == 0);
        let renew = async {
            sleep(Duration::from_secs(3)).await;
            fence.open(Moment::now(), GOOD_FOR);
        };
        let (answer, ()) = tokio::join!(fence.guard(request(&sent, Duration::ZERO)), renew);
        answer.unwrap();
        assert_eq!(sent.into_inner(), 1);
    }
}
