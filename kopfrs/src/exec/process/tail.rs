//! The end of a stream, whatever comes before it.

use std::collections::VecDeque;

use crate::exec::output::Text;

/// Keeps the last bytes of what is pushed, and lets the rest go.
#[derive(Debug)]
pub(super) struct Tail {
    limit: usize,
    bytes: VecDeque<u8>,
    is_cut: bool,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: VecDeque::new(),
            is_cut: false,
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        let kept = &chunk[chunk.len().saturating_sub(self.limit)..];
        let surplus = (self.bytes.len() + kept.len()).saturating_sub(self.limit);
        self.is_cut |= surplus > 0 || kept.len() < chunk.len();
        self.bytes.drain(..surplus.min(self.bytes.len()));
        self.bytes.extend(kept);
    }

    /// What is there; a character that was cut in two is left out.
    pub(super) fn text(&self) -> Text {
        let bytes = self.bytes.iter().copied();
        let is_rest = |byte: &u8| self.is_cut && byte & 0b1100_0000 == 0b1000_0000;
        let bytes: Vec<u8> = bytes.skip_while(is_rest).collect();
        Text {
            content: String::from_utf8_lossy(&bytes).into_owned(),
            is_cut: self.is_cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&str], content: &str, is_cut: bool) {
        let mut tail = Tail::new(4);
        for chunk in chunks {
            tail.push(chunk.as_bytes());
        }
        let text = tail.text();
        assert_eq!(
            (&*text.content, text.is_cut),
            (content, is_cut),
            "{chunks:?}"
        );
    }

    #[test]
    fn the_last_bytes_stay() {
        check(&[], "", false);
        check(&["ab", "cd"], "abcd", false);
        check(&["ab", "cde"], "bcde", true);
        check(&["abcdefgh"], "efgh", true);
        check(&["abcd", "efgh"], "efgh", true);
        check(&["a", "bcdefgh", "i"], "fghi", true);
        check(&["aéé", "b"], "éb", true);
    }
}
