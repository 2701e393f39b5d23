//! Documents in YAML, as `kubectl apply -f -` reads them.

use serde::Serialize;

use super::run::said;

/// One document, with the line that separates it from others.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn document(object: &impl Serialize) -> Result<String, String> {
    let text = serde_saphyr::to_string(object).map_err(said)?;
    Ok(format!("---\n{}\n", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let object = json!({
            "texts": ["yes", "off", "1e3", "1.20", "", "a: b", "# no", "*", "!x", "multi\nline", "ä"],
            "numbers": [1, -2, 0.5], "nothing": null, "flag": true, "empty": {"a": {}, "b": []},
        });
        let text = document(&object).unwrap();
        let read: Value = serde_saphyr::from_str(text.trim_start_matches("---\n")).unwrap();
        assert_eq!(read, object, "{text}");
    }
}
