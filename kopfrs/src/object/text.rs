//! Texts that have to fit somewhere.

/// Long texts lose their middle: what failed is at the beginning, and often why at the end. At most so many bytes.
pub(crate) fn clipped(text: &str, limit: usize) -> String {
    const GAP: &str = " … ";
    if text.len() <= limit {
        return text.to_owned();
    }
    let half = limit.saturating_sub(GAP.len()) / 2;
    let head = (0..=half).rev().find(|i| text.is_char_boundary(*i));
    let tail = (text.len() - half..text.len()).find(|i| text.is_char_boundary(*i));
    let (head, tail) = (head.unwrap_or(0), tail.unwrap_or(text.len()));
    format!("{}{GAP}{}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_lose_their_middle() {
        let text = format!("begin {} end", "ä".repeat(2000));
        let clipped = clipped(&text, 1024);
        assert!(clipped.len() <= 1024);
        assert!(clipped.starts_with("begin ") && clipped.ends_with(" end"));
    }
}
