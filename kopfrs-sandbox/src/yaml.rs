//! Reading YAML from strangers: bounded in depth and in what aliases may grow to.

use serde::de::DeserializeOwned;

/// Events that aliases may repeat at most: more is a document that is larger than it looks.
const REPEATED: usize = 20_000;

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPEATED,
        },
    }
}

/// Reads one document.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn aliases_are_followed_as_long_as_they_are_few() {
        let read = |text: &str| read::<Value>(text.as_bytes());
        let found = read("a: &a [1]\nb: *a").expect("yaml");
        assert_eq!(found, json!({"a": [1], "b": [1]}));
        let levels = (1..40).map(|level| {
            let below = level - 1;
            format!("a{level}: &a{level} [*a{below}, *a{below}]\n")
        });
        let bomb: Vec<String> = levels.collect();
        assert!(read(&format!("a0: &a0 [x, x]\n{}", bomb.concat())).is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read("a: [b").is_err());
        assert!(self::read::<Value>(b"a: \xff").is_err());
    }
}
