//! What can go wrong.

use std::{fmt, time::Duration};

use super::answer::Answer;

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
/// # drop((busy, lost, broken, slow));
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
    Delay(Duration),
    Stream(StreamFault, usize),
}

/// What happens to the stream of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFault {
    /// It ends as watches usually do.
    End,
    /// The connection breaks.
    Break,
    /// Silence: no events, no bookmarks, and no end, until the rule is removed. What happens meanwhile is sent then.
    Stall,
    /// Half of the next line is sent, then the stream ends.
    TornLine,
    /// A line that is no JSON, after which the stream goes on.
    GarbageLine,
    /// An `ERROR` event with a 410, then the end.
    Expired,
    /// An `ERROR` event with a 500, then the end.
    InternalError,
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

    /// No answer, until the rule is removed: then the request goes on.
    pub fn hang() -> Self {
        Self::before(What::Hang)
    }

    /// The request waits before it goes on. Other rules apply besides.
    pub fn delay(duration: Duration) -> Self {
        Self::before(What::Delay(duration))
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
            What::Delay(duration) => write!(f, "injected delay of {duration:?}"),
            What::Stream(fault, events) => write!(f, "injected {fault:?} after {events} events"),
        }?;
        match self.moment {
            Moment::Before => Ok(()),
            Moment::After => f.write_str(" after the effect"),
        }
    }
}
