//! What can go wrong.

use std::{fmt, time::Duration};

use tokio::time::Instant;

use super::{
    On, Rule,
    answer::Answer,
    chance::Latency,
    stale::{Stale, is_read},
};
use crate::journal::Request;

/// What happens to a request, instead of what usually does.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use kopfrs_sandbox::fault::{Fault, StreamFault};
///
/// // The server is overloaded, and says so.
/// let busy = Fault::status(429).retry_after(3);
/// // The write takes effect, but the client never learns of it.
/// let lost = Fault::reset().after_effect();
/// // A watch breaks after two events.
/// let broken = Fault::stream(StreamFault::Break).after_events(2);
/// let slow = Fault::delay(Duration::from_secs(5));
/// // Reads are answered from a cache that lags two events behind.
/// let lagging = Fault::stale(2);
/// # drop((busy, lost, broken, slow, lagging));
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    pub(super) what: What,
    pub(super) moment: Moment,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The server never sees the request.
    Before,
    /// The server has done what was asked; its answer is lost.
    After,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Answer(Answer),
    Reset,
    Hang,
    Delay(Latency),
    Stale(Stale),
    Stream(StreamFault, usize),
}

/// What happens to the stream of a watch.
///
/// The last three change all that follows in the stream instead of ending it, and go together with others. They are for
/// streams of JSON; others they leave alone. Events of one watch are never put into another order, as no server does
/// that to its clients; what may come in any order are the events of different watches: hold back one of them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use futures::TryStreamExt;
/// use k8s_openapi::api::core::v1::Namespace;
/// use kopfrs_sandbox::{Sandbox, fault::{Fault, On, StreamFault}};
/// use kube::{Api, api::WatchParams};
///
/// let sandbox = Sandbox::new();
/// let late = Fault::stream(StreamFault::HoldBack(Duration::from_secs(3)));
/// sandbox.faults().inject(late.on(On::any().resource("namespaces")));
/// sandbox.faults().inject(Fault::stream(StreamFault::Duplicate).on(On::any()));
///
/// let start = tokio::time::Instant::now();
/// let namespaces: Api<Namespace> = Api::all(sandbox.client());
/// let all = namespaces.watch(&WatchParams::default().timeout(5).disable_bookmarks(), "0").await?;
/// assert_eq!(all.try_collect::<Vec<_>>().await?.len(), 8, "four, each of them twice");
/// assert!(start.elapsed() >= Duration::from_secs(5));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFault {
    /// It ends as watches usually do.
    End,
    /// The connection breaks.
    Break,
    /// Silence: no events, no bookmarks, and no end, until the rule is over. What happens meanwhile is sent then.
    Stall,
    /// Half of the next line is sent, then the stream ends.
    TornLine,
    /// A line that is no JSON, after which the stream goes on.
    GarbageLine,
    /// An `ERROR` event with a 410, then the end.
    Expired,
    /// An `ERROR` event with a 500, then the end.
    InternalError,
    /// Each event comes twice.
    Duplicate,
    /// Each event comes so much later, in the order in which it would have come.
    HoldBack(Duration),
    /// No bookmarks, but for the one that ends the initial events.
    NoBookmarks,
}

impl StreamFault {
    /// Whether it changes all that follows, instead of striking once.
    pub(super) fn is_lasting(self) -> bool {
        match self {
            Self::Duplicate | Self::HoldBack(_) | Self::NoBookmarks => true,
            Self::End
            | Self::Break
            | Self::Stall
            | Self::TornLine
            | Self::GarbageLine
            | Self::Expired
            | Self::InternalError => false,
        }
    }
}

impl Fault {
    fn before(what: What) -> Self {
        Self {
            what,
            moment: Moment::Before,
        }
    }

    /// An answer with this status code and the `Status` body that a real server sends with it. A 429 asks for a pause
    /// of a second.
    pub fn status(code: u16) -> Self {
        Self::before(What::Answer(Answer::status(code)))
    }

    /// A 200 whose body is no JSON, as some proxies in the middle make it.
    pub fn garbage() -> Self {
        Self::before(What::Answer(Answer::garbage()))
    }

    /// The connection breaks without an answer.
    pub fn reset() -> Self {
        Self::before(What::Reset)
    }

    /// No answer, until the rule is removed or its time is over: then the request goes on.
    pub fn hang() -> Self {
        Self::before(What::Hang)
    }

    /// The request waits before it goes on. Other rules apply besides.
    pub fn delay(duration: Duration) -> Self {
        Self::before(What::Delay(Latency::fixed(duration)))
    }

    /// The request waits for a time between two bounds; a seed decides how long, so it is the same in every run.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use kopfrs_sandbox::fault::{Fault, On};
    ///
    /// let (least, most) = (Duration::from_millis(5), Duration::from_millis(500));
    /// let jittery = Fault::delay_between(least, most, 42).on(On::any());
    /// # drop(jittery);
    /// ```
    pub fn delay_between(least: Duration, most: Duration, seed: u64) -> Self {
        Self::before(What::Delay(Latency::between(least, most, seed)))
    }

    /// A read is answered with what was there so many events of its resource ago, as by a cache that lags behind.
    ///
    /// That is a `get`, a `list`, or the initial events of a `watch` (what has happened since comes after them). The
    /// server does not look further back than it remembers. Everything else it does as it is: a write with a version that
    /// was read in the past meets its conflict.
    ///
    /// A real server answers from its cache only if the request names a `resourceVersion`: [`On::cached`] selects those.
    /// Others read the past as well if they are struck, as from a follower that does not know that it has been left.
    ///
    /// A [`Proxy`](crate::Proxy) does not know the past of the server behind it: there, such rules are refused.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use k8s_openapi::api::core::v1::ConfigMap;
    /// use kopfrs_sandbox::{Sandbox, fault::{Fault, On}};
    /// use kube::Api;
    ///
    /// let sandbox = Sandbox::new();
    /// for price in [1, 2, 3] {
    ///     let map = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {{price: '{price}'}}}}");
    ///     sandbox.apply_yaml(&map).await?;
    /// }
    /// let lagging = sandbox.faults().inject(Fault::stale(1).on(On::reads()));
    /// let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    /// assert_eq!(maps.get("a").await?.data.unwrap()["price"], "2");
    /// lagging.remove();
    /// assert_eq!(maps.get("a").await?.data.unwrap()["price"], "3");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stale(events: usize) -> Self {
        Self::before(What::Stale(Stale::Events(events)))
    }

    /// As [`Fault::stale`], with what was there so long ago.
    pub fn stale_by(lag: Duration) -> Self {
        Self::before(What::Stale(Stale::Lag(lag)))
    }

    /// As [`Fault::stale`], with what was there at a moment of tokio's clock.
    pub fn stale_since(moment: Instant) -> Self {
        Self::before(What::Stale(Stale::Since(moment)))
    }

    /// As [`Fault::stale`], with what was there at a resource version.
    pub fn stale_at(resource_version: u64) -> Self {
        Self::before(What::Stale(Stale::Revision(resource_version)))
    }

    /// As [`Fault::stale`], with what was there when the rule was injected: a cache that learns nothing any more.
    pub fn frozen() -> Self {
        Self::before(What::Stale(Stale::Frozen))
    }

    /// Something happens to the stream of a watch: at once, unless [`Fault::after_events`] says otherwise. Requests that
    /// are no watches pass.
    pub fn stream(fault: StreamFault) -> Self {
        Self::before(What::Stream(fault, 0))
    }

    /// The server does what was asked before the fault strikes: writes take effect, and the client sees an error. Delays
    /// keep back the answer then.
    pub fn after_effect(mut self) -> Self {
        self.moment = Moment::After;
        self
    }

    /// How many events of a watch pass before the fault strikes. Bookmarks do not count.
    pub fn after_events(mut self, events: usize) -> Self {
        if let What::Stream(_, after) = &mut self.what {
            *after = events;
        }
        self
    }

    /// Asks for a pause, in the header and the body of the answer.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.retry_after = Some(seconds);
        }
        self
    }

    /// The message of the answer, instead of the usual one for its code.
    pub fn message(mut self, text: &str) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.message = Some(text.to_owned());
        }
        self
    }

    /// A rule: this, for some requests.
    ///
    /// # Examples
    ///
    /// ```
    /// use kopfrs_sandbox::fault::{Fault, On};
    ///
    /// let rule = Fault::status(409).on(On::verb("patch").resource("demos")).times(3);
    /// # drop(rule);
    /// ```
    pub fn on(self, on: On) -> Rule {
        Rule::new(on, self)
    }

    /// Whether it can happen to a request at all.
    pub(super) fn is_for(&self, request: &Request) -> bool {
        match &self.what {
            What::Stream(..) => request.verb() == "watch",
            What::Stale(_) => is_read(request),
            What::Answer(_) | What::Reset | What::Hang | What::Delay(_) => true,
        }
    }

    /// The body of the answer as it is, instead of a `Status`.
    pub fn body(mut self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.body = Some((content_type, body.into().into()));
        }
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Answer(answer) => write!(f, "injected {}", answer.code),
            What::Reset => f.write_str("injected reset"),
            What::Hang => f.write_str("injected hang"),
            What::Delay(latency) => write!(f, "injected delay of {latency}"),
            What::Stale(stale) => write!(f, "injected stale read {stale}"),
            What::Stream(fault, events) => write!(f, "injected {fault:?} after {events} events"),
        }?;
        match self.moment {
            Moment::Before => Ok(()),
            Moment::After => f.write_str(" after the effect"),
        }
    }
}
