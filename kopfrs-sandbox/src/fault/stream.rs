//! The streams of watches, with what may happen to them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    ConnectionError, On, StreamFault,
    change::Changes,
    handle::State,
    lines::{Framing, Lines, is_bookmark},
    outage::Listener,
};
use crate::{
    error::ApiError,
    http::{Body, BoxError},
    journal::{self, Request},
};

/// The streams that are open now.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenStreams(Arc<Mutex<Vec<Weak<Control>>>>);

/// Reaches one stream from outside.
#[derive(Debug)]
pub(super) struct Control {
    request: Arc<Request>,
    commands: Mutex<VecDeque<Due>>,
    news: Notify,
}

/// A fault for a stream.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) fault: StreamFault,
    /// How many events pass before; 0 is at once.
    pub(super) after: usize,
    pub(super) state: Arc<State>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenStreams {
    /// A stream that begins, and what is going to happen to it.
    pub(super) fn open(
        &self,
        request: Arc<Request>,
        planned: impl Iterator<Item = Due>,
    ) -> Arc<Control> {
        let control = Arc::new(Control {
            request,
            commands: Mutex::new(planned.collect()),
            news: Notify::new(),
        });
        let mut streams = lock(&self.0);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&control));
        control
    }

    pub(super) fn strike(&self, on: &On, fault: StreamFault, state: &Arc<State>) {
        let streams = lock(&self.0);
        let open = streams.iter().filter_map(Weak::upgrade);
        for control in open.filter(|control| on.matches(&control.request)) {
            let due = Due {
                fault,
                after: 0,
                state: state.clone(),
            };
            lock(&control.commands).push_back(due);
            control.news.notify_one();
        }
    }
}

impl Control {
    fn next_command(&self) -> Option<Due> {
        lock(&self.commands).pop_front()
    }

    async fn command(&self) -> Due {
        loop {
            if let Some(due) = self.next_command() {
                return due;
            }
            self.news.notified().await;
        }
    }
}

/// What ends a stream from outside of it.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) outage: Listener,
    pub(super) shutdown: CancellationToken,
    pub(super) session: CancellationToken,
}

struct Stream {
    body: Body,
    lines: Lines,
    events: usize,
    planned: Option<Due>,
    changes: Changes,
    tear: Option<Arc<State>>,
    stall: Option<Arc<State>>,
    control: Arc<Control>,
    ends: Ends,
    /// What is behind has nothing more.
    drained: bool,
    ended: bool,
}

enum News {
    Frame(Option<Result<Frame<Bytes>, BoxError>>),
    Command(Due),
    Released,
    /// What was held back may go on.
    Ready,
    Down,
    End,
}

/// The body of a watch's answer, as it reaches the client.
pub(super) fn disturbed(body: Body, framing: Framing, ends: Ends, control: Arc<Control>) -> Body {
    let mut stream = Stream {
        body,
        lines: Lines::new(framing),
        events: 0,
        planned: None,
        changes: Changes::default(),
        tear: None,
        stall: None,
        control,
        ends,
        drained: false,
        ended: false,
    };
    // What was planned holds from the first event on.
    while let Some(due) = stream.control.next_command() {
        stream.plan(due);
    }
    let frames = stream::unfold(stream, |mut stream| async move {
        let chunk = stream.next().await?;
        Some((chunk.map(Frame::data), stream))
    });
    // Careless clients ask once more after the end.
    StreamBody::new(frames.fuse()).boxed_unsync()
}

impl Stream {
    fn plan(&mut self, due: Due) {
        if due.fault.is_lasting() {
            if self.lines.are_lines() {
                self.changes.add(due);
            }
        } else {
            self.planned = Some(due);
        }
    }

    /// The next piece; `None` is the end.
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        loop {
            if self.ended {
                return None;
            }
            if let Some(chunk) = self.due() {
                if chunk.is_err() {
                    // What has been sent before arrives: connections flush while they wait for more.
                    tokio::task::yield_now().await;
                }
                return Some(chunk);
            }
            if self.ended {
                return None;
            }
            if self.stall.is_none() {
                if let Some(chunk) = self.pass() {
                    return Some(Ok(chunk));
                }
                if self.drained && self.changes.is_empty() {
                    self.ended = true;
                    return self.lines.rest().map(Ok);
                }
            }
            if self.is_due() {
                continue;
            }
            match self.news().await {
                News::Frame(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        self.lines.push(data);
                    }
                }
                News::Frame(Some(Err(error))) => return Some(self.fail(error)),
                News::Frame(None) => self.drained = true,
                News::Command(due) => self.plan(due),
                News::Released => self.stall = None,
                News::Ready => {}
                News::Down => return Some(self.fail(ConnectionError::Reset.into())),
                News::End => self.ended = true,
            }
        }
    }

    fn fail(&mut self, error: BoxError) -> Result<Bytes, BoxError> {
        self.ended = true;
        Err(error)
    }

    async fn news(&mut self) -> News {
        let stalled = self.stall.is_some();
        let reads_on = !stalled && !self.drained && self.changes.has_room();
        let released = async {
            match &self.stall {
                Some(state) => state.over().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.ends.outage.went_down() => News::Down,
            () = self.ends.shutdown.cancelled() => News::End,
            () = self.ends.session.cancelled() => News::End,
            due = self.control.command() => News::Command(due),
            () = released => News::Released,
            () = self.changes.ready(), if !stalled => News::Ready,
            frame = self.body.frame(), if reads_on => News::Frame(frame),
        }
    }

    /// Whole lines that may pass.
    fn pass(&mut self) -> Option<Bytes> {
        if self.tear.is_some() {
            return self.tear();
        }
        // What is over strikes no more.
        self.planned = self.planned.take().filter(|due| !due.state.is_over());
        let most = match &self.planned {
            Some(due) => due.after.saturating_sub(self.events),
            None => usize::MAX,
        };
        if self.changes.is_idle() {
            let (chunk, events) = self.lines.take(most)?;
            self.events += events;
            return Some(chunk);
        }
        let until = self.events.saturating_add(most);
        while self.events < until
            && self.changes.has_room()
            && let Some(line) = self.lines.take_line()
        {
            self.changes.push(&line, self.events);
            self.events += usize::from(!is_bookmark(&line));
        }
        self.changes.pop()
    }

    /// Half of the next line, after which the stream is over.
    fn tear(&mut self) -> Option<Bytes> {
        let half = self.lines.half()?;
        if let Some(state) = self.tear.take() {
            state.hit();
        }
        self.ended = true;
        Some(half)
    }

    fn is_due(&self) -> bool {
        self.planned.as_ref().is_some_and(|due| {
            let has_come = due.after == 0 || (due.after <= self.events && self.changes.is_empty());
            has_come && !due.state.is_over()
        })
    }

    /// Lets a fault strike whose time has come. Returns what the client sees of it.
    fn due(&mut self) -> Option<Result<Bytes, BoxError>> {
        if !self.is_due() {
            return None;
        }
        let Due { fault, state, .. } = self.planned.take()?;
        let request = &self.control.request;
        journal::disturbed(Some(request), &format!("injected {fault:?}"));
        match fault {
            StreamFault::TornLine => {
                self.tear = Some(state);
                return None;
            }
            StreamFault::Stall => {
                state.hit();
                self.stall = Some(state);
                return None;
            }
            _ => state.hit(),
        }
        self.ended = fault != StreamFault::GarbageLine;
        match fault {
            StreamFault::Break => Some(Err(ConnectionError::Reset.into())),
            StreamFault::GarbageLine => Some(Ok(Bytes::from_static(b"\x15\x03\x01 no JSON\n"))),
            StreamFault::Expired => Some(Ok(error_line(&ApiError::expired(
                "too old resource version: 1 (2)",
            )))),
            StreamFault::InternalError => {
                let message = "Internal error occurred: it was injected";
                Some(Ok(error_line(&ApiError::new(
                    500,
                    "InternalError",
                    message,
                    None,
                ))))
            }
            StreamFault::End
            | StreamFault::Stall
            | StreamFault::TornLine
            | StreamFault::Duplicate
            | StreamFault::HoldBack(_)
            | StreamFault::NoBookmarks => None,
        }
    }
}

fn error_line(error: &ApiError) -> Bytes {
    let status = error.to_status();
    Bytes::from(format!("{{\"type\":\"ERROR\",\"object\":{status}}}\n"))
}
