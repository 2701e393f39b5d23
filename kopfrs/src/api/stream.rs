//! The lines of a watch, one JSON text each.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use kube::client::Body;

use super::ApiError;

/// A line that is longer than the largest object that the API stores, many times over.
const LINE_LIMIT: usize = 64 * 1024 * 1024;

/// Cuts a streaming answer into lines.
pub(crate) struct LineReader<B = Body> {
    body: B,
    buffer: BytesMut,
    /// How much of the buffer is known to have no end of line.
    searched: usize,
}

/// What comes next in a stream.
#[derive(Debug)]
pub(crate) enum Line {
    /// A whole line, without its end.
    Text(Bytes),
    /// The stream has ended.
    End,
}

impl<B> LineReader<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Takes the answer to a watch request.
    pub(crate) fn new(body: B) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
            searched: 0,
        }
    }

    /// The next line. Safe to be cancelled: what has been read is kept.
    pub(crate) async fn next(&mut self) -> Result<Line, ApiError> {
        loop {
            if let Some(at) = self.buffer[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n')
            {
                let line = self.buffer.split_to(self.searched + at).freeze();
                self.buffer.advance(1);
                self.searched = 0;
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Line::Text(line));
            }
            self.searched = self.buffer.len();
            if self.searched > LINE_LIMIT {
                return Err(ApiError::Garbage(
                    "a line of the watch does not end".to_owned(),
                ));
            }
            match self.body.frame().await {
                None if self.buffer.is_empty() => return Ok(Line::End),
                None => {
                    return Err(ApiError::Garbage(
                        "the watch ended within a line".to_owned(),
                    ));
                }
                Some(Err(error)) => {
                    return Err(ApiError::Transport {
                        request: "the watch broke".to_owned(),
                        source: Box::new(kube::Error::Service(error.into())),
                    });
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    async fn lines(chunks: &[&'static str]) -> (Vec<String>, bool) {
        let frames: Vec<Result<_, std::io::Error>> = chunks
            .iter()
            .map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))))
            .collect();
        let body = StreamBody::new(stream::iter(frames));
        let mut reader = LineReader::new(body);
        let mut lines = Vec::new();
        loop {
            match reader.next().await {
                Ok(Line::Text(line)) => lines.push(String::from_utf8(line.to_vec()).unwrap()),
                Ok(Line::End) => return (lines, true),
                Err(_) => return (lines, false),
            }
        }
    }

    #[tokio::test]
    async fn lines_are_cut_wherever_the_chunks_end() {
        for chunks in [
            &["a\nbc\n"][..],
            &["a", "\n", "b", "c\n"],
            &["a\nb", "c\n\n"],
            &["\na\nbc", "\n"],
        ] {
            assert_eq!(
                lines(chunks).await,
                (vec!["a".into(), "bc".into()], true),
                "{chunks:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_torn_line_is_an_error() {
        assert_eq!(lines(&["a\nb"]).await, (vec!["a".into()], false));
    }
}
