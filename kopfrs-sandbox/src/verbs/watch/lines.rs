//! The lines of a watch: events, bookmarks, and the error that ends it.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    error::ApiError,
    http::negotiate::Shape,
    object::Object,
    registry::Kind,
    render::{self, Rows, blank},
};

/// How the lines of one watch are written.
#[derive(Debug)]
pub(super) struct Lines {
    shape: Shape,
    rows: Rows,
}

impl Lines {
    pub(super) fn new(shape: Shape, rows: Rows) -> Self {
        Self { shape, rows }
    }

    /// Only the first table of a watch names the columns.
    fn rows(&mut self) -> Rows {
        let rows = self.rows;
        self.rows.names_columns = false;
        rows
    }

    /// The type comes first, as with a real server: some clients read no further.
    pub(super) fn event(
        &mut self,
        chunk: &mut BytesMut,
        change: &str,
        (kind, object): (&Kind, &Object),
        clock: &Clock,
    ) {
        let rows = self.rows();
        chunk.put(&b"{\"type\":\""[..]);
        chunk.put(change.as_bytes());
        chunk.put(&b"\",\"object\":"[..]);
        render::object_into(chunk, kind, object, self.shape, rows, clock);
        chunk.put(&b"}\n"[..]);
    }

    /// Everything up to a revision has been told; `ends_initial` if that is what was there at the start.
    pub(super) fn bookmark(&mut self, kind: &Kind, revision: u64, ends_initial: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if ends_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let rows = self.rows();
        line(
            "BOOKMARK",
            &blank::object(kind, &metadata, self.shape, rows),
        )
    }
}

/// The line of an error that ends a stream.
pub(super) fn error(error: &ApiError) -> Bytes {
    line("ERROR", &error.to_status())
}

fn line(event: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{{\"type\":\"{event}\",\"object\":{object}}}\n"))
}
