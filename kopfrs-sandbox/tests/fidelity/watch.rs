//! Watches: streams of events that are read on from step to step.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{
    Failure,
    client::{Client, Content},
    diff::contains,
    request::Request,
};

/// How long to read on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Until {
    /// So many events.
    count: Option<usize>,
    /// An event that contains this.
    last: Option<Value>,
    bookmark: bool,
    /// The end of the stream.
    closed: bool,
    timeout: Option<f64>,
}

/// An open watch, or one that was refused.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// What a refusal says.
    pub(crate) refusal: Option<Content>,
    body: Option<Incoming>,
    unread: BytesMut,
}

/// How reading on came out.
enum Line {
    Event(Value),
    End,
    Late,
}

impl Watch {
    pub(crate) async fn open(client: &Client, request: Request) -> Result<Self, Failure> {
        let mut request = request;
        "GET".clone_into(&mut request.method);
        request
            .query
            .entry("watch".to_owned())
            .or_insert(json!("1"));
        let (parts, body) = client.open(&request).await?.into_parts();
        let status = parts.status.as_u16();
        let mut watch = Self {
            status,
            headers: parts.headers,
            refusal: None,
            body: None,
            unread: BytesMut::new(),
        };
        if status == 200 {
            watch.body = Some(body);
        } else {
            let bytes = body.collect().await?.to_bytes();
            watch.refusal = Some(Content::read(&bytes, &watch.headers));
        }
        Ok(watch)
    }

    /// Events from where the last reading has ended. A stream that ends or stays silent before its time leaves a
    /// mark that no expectation holds.
    pub(crate) async fn read(
        &mut self,
        until: &Until,
        bookmarks: bool,
    ) -> Result<Vec<Value>, Failure> {
        let patience = Duration::from_secs_f64(until.timeout.unwrap_or(15.0));
        let deadline = Instant::now() + patience;
        let mut events = Vec::new();
        loop {
            let event = match self.line(deadline).await? {
                Line::Event(event) => event,
                Line::End if until.closed => return Ok(events),
                Line::End => {
                    events.push(json!({"stream": "closed"}));
                    return Ok(events);
                }
                Line::Late => {
                    events.push(json!({"stream": "timeout"}));
                    return Ok(events);
                }
            };
            let is_bookmark = event["type"] == "BOOKMARK";
            let is_last = (until.bookmark && is_bookmark)
                || until
                    .last
                    .as_ref()
                    .is_some_and(|last| contains(&event, last));
            if bookmarks || !is_bookmark {
                events.push(event);
            }
            if is_last || until.count.is_some_and(|count| events.len() >= count) {
                return Ok(events);
            }
        }
    }

    async fn line(&mut self, deadline: Instant) -> Result<Line, Failure> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line = self.unread.split_to(end);
                self.unread.advance(1);
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Line::Event(serde_json::from_slice(&line)?));
            }
            let Some(body) = &mut self.body else {
                return Ok(Line::End);
            };
            match timeout_at(deadline, body.frame()).await {
                Err(_) => return Ok(Line::Late),
                // A connection that breaks ends the stream as well.
                Ok(None | Some(Err(_))) => return Ok(Line::End),
                Ok(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        self.unread.extend_from_slice(data);
                    }
                }
            }
        }
    }
}
