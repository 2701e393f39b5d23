//! Times with microseconds, as leases and events have them.

use serde_json::Value;

/// `metav1.MicroTime` wants exactly six digits of a second.
pub(super) fn micro_time(value: &Value) -> Result<(), String> {
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    let digits = text.split_once('.').map_or(0, |(_, rest)| {
        rest.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len())
    });
    if digits == 6 && crate::clock::parse_rfc3339(text).is_some() {
        return Ok(());
    }
    let layout = "2006-01-02T15:04:05.000000Z07:00";
    let rest = text.get(19..).unwrap_or_default();
    Err(format!(
        "parsing time {text:?} as {layout:?}: cannot parse {rest:?} as \".000000\""
    ))
}
