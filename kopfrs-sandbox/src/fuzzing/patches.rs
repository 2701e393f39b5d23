//! Patches on objects.

use serde_json::Value;

use super::choices::Choices;
use crate::patch::{JsonPatch, merge, strategic_merge};

/// Applies patches in all ways: the input is an object, a line's end, and a patch.
///
/// # Panics
///
/// When a patch panics, one that fails changes something, or a merge of the same changes something again.
pub fn patches(input: &[u8]) {
    let mut choices = Choices::new(input);
    let (object, patch) = (choices.line(), choices.line());
    let (Ok(object), Ok(patch)) = (
        serde_json::from_slice::<Value>(object),
        serde_json::from_slice::<Value>(patch),
    ) else {
        return;
    };
    json(&object, &patch);
    merged(&object, &patch);
    if object.is_object() && patch.is_object() {
        let mut once = object;
        // What it answers is its own matter, as long as it does.
        let _ = strategic_merge(&mut once, &patch, None);
        assert!(serde_json::to_vec(&once).is_ok());
    }
}

fn json(object: &Value, patch: &Value) {
    let Ok(patch) = JsonPatch::decode(patch) else {
        return;
    };
    let mut patched = object.clone();
    if patch.apply(&mut patched).is_err() {
        assert_eq!(&patched, object, "a patch that fails changes nothing");
        return;
    }
    let text = serde_json::to_vec(&patched).expect("values are JSON");
    let read: Result<Value, _> = serde_json::from_slice(&text);
    assert!(read.is_ok(), "what is patched can be read again");
}

fn merged(object: &Value, patch: &Value) {
    let mut once = object.clone();
    merge(&mut once, patch);
    let mut twice = once.clone();
    merge(&mut twice, patch);
    assert_eq!(once, twice, "a merge of the same changes nothing");
}
