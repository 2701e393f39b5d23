//! Cuts the stream of a watch into its lines.

use bytes::{Bytes, BytesMut};

/// How a watch's events are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// JSON: a line each.
    Lines,
    /// Anything else: what comes in one piece is taken for one event.
    Chunks,
}

/// What has come and not yet gone on.
#[derive(Debug)]
pub(super) struct Lines {
    framing: Framing,
    buffer: BytesMut,
}

const BOOKMARK: &[u8] = b"{\"type\":\"BOOKMARK\"";
const END_OF_INITIAL: &[u8] = b"\"k8s.io/initial-events-end\"";

pub(super) fn is_bookmark(line: &[u8]) -> bool {
    line.starts_with(BOOKMARK)
}

/// Whether a bookmark ends the initial events: that one is a promise of the server.
pub(super) fn is_end_of_initial(bookmark: &[u8]) -> bool {
    bookmark
        .windows(END_OF_INITIAL.len())
        .any(|part| part == END_OF_INITIAL)
}

impl Lines {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            framing,
            buffer: BytesMut::new(),
        }
    }

    /// Whether its lines can be told apart.
    pub(super) fn are_lines(&self) -> bool {
        self.framing == Framing::Lines
    }

    /// Takes one whole line.
    pub(super) fn take_line(&mut self) -> Option<Bytes> {
        let length = self.line(0)?;
        Some(self.buffer.split_to(length).freeze())
    }

    pub(super) fn push(&mut self, bytes: &Bytes) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Takes whole lines with so many events at most. Returns them, if there are any, and the number of their events.
    pub(super) fn take(&mut self, most: usize) -> Option<(Bytes, usize)> {
        let (mut end, mut events) = (0, 0);
        while events < most {
            let Some(length) = self.line(end) else { break };
            let line = &self.buffer[end..end + length];
            if !is_bookmark(line) {
                events += 1;
            }
            end += length;
        }
        (end > 0).then(|| (self.buffer.split_to(end).freeze(), events))
    }

    /// The first half of the next line, if that is there.
    pub(super) fn half(&mut self) -> Option<Bytes> {
        let length = self.line(0)?;
        Some(self.buffer.split_to(length.div_ceil(2)).freeze())
    }

    /// Everything, be it a line or not.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        (!self.buffer.is_empty()).then(|| self.buffer.split().freeze())
    }

    /// The length of the line that begins there, its end included.
    fn line(&self, from: usize) -> Option<usize> {
        let rest = &self.buffer[from..];
        match self.framing {
            Framing::Lines => rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1),
            Framing::Chunks => (!rest.is_empty()).then_some(rest.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_where_they_end_however_they_come() {
        let mut lines = Lines::new(Framing::Lines);
        lines.push(&Bytes::from_static(
            b"{\"type\":\"ADDED\"}\n{\"type\":\"BOOK",
        ));
        assert_eq!(
            lines.take(9),
            Some((Bytes::from_static(b"{\"type\":\"ADDED\"}\n"), 1))
        );
        assert_eq!(lines.take(9), None);
        lines.push(&Bytes::from_static(b"MARK\"}\n{\"a\":1}\n{\"b\":1}\n"));
        let (taken, events) = lines.take(1).expect("lines");
        assert_eq!(taken, &b"{\"type\":\"BOOKMARK\"}\n{\"a\":1}\n"[..]);
        assert_eq!(events, 1, "bookmarks do not count");
        assert_eq!(lines.half(), Some(Bytes::from_static(b"{\"b\"")));
        assert_eq!(lines.rest(), Some(Bytes::from_static(b":1}\n")));
    }

    #[test]
    fn what_is_no_json_goes_on_as_it_comes() {
        let mut lines = Lines::new(Framing::Chunks);
        lines.push(&Bytes::from_static(b"\0\0"));
        assert_eq!(lines.take(1), Some((Bytes::from_static(b"\0\0"), 1)));
    }
}
