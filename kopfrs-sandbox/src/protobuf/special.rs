//! Types whose JSON is not that of their message.

use serde_json::Value;

use super::{ProtobufError, wire::Reader};
use crate::clock::rfc3339;

/// The fields 1, 2 and 3 as numbers, and the last one that was text.
fn numbers(bytes: &[u8]) -> Result<([i64; 4], String), ProtobufError> {
    let (mut numbers, mut text) = ([0; 4], String::new());
    let mut reader = Reader::new(bytes);
    while let Some((number, field)) = reader.next_field()? {
        if let Ok(bytes) = field.bytes() {
            text = String::from_utf8_lossy(bytes).into_owned();
        } else if let Some(slot) = usize::try_from(number)
            .ok()
            .and_then(|number| numbers.get_mut(number))
        {
            *slot = field.number()?.cast_signed();
        }
    }
    Ok((numbers, text))
}

/// Nothing is sent for no time.
pub(super) fn time(bytes: &[u8]) -> Result<Value, ProtobufError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let ([_, seconds, ..], _) = numbers(bytes)?;
    Ok(Value::from(rfc3339(seconds)))
}

pub(super) fn micro_time(bytes: &[u8]) -> Result<Value, ProtobufError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let ([_, seconds, nanoseconds, _], _) = numbers(bytes)?;
    let whole = rfc3339(seconds);
    let whole = whole.trim_end_matches('Z');
    Ok(Value::from(format!("{whole}.{:06}Z", nanoseconds / 1000)))
}

pub(super) fn quantity(bytes: &[u8]) -> Result<Value, ProtobufError> {
    Ok(Value::from(numbers(bytes)?.1))
}

/// Which one it is, the number, the text.
pub(super) fn int_or_string(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let ([_, is_text, number, _], text) = numbers(bytes)?;
    Ok(if is_text == 1 {
        Value::from(text)
    } else {
        Value::from(number)
    })
}

pub(super) fn json_in_bytes(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let (_, text) = numbers(bytes)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

pub(super) fn texts(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut texts = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some((_, field)) = reader.next_field()? {
        texts.push(Value::from(
            String::from_utf8_lossy(field.bytes()?).into_owned(),
        ));
    }
    Ok(Value::Array(texts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_quantities_and_ports_read_as_in_json() {
        let ok = |result: Result<Value, ProtobufError>| result.expect("read");
        assert_eq!(ok(time(b"\x08\x01\x10\x00")), json!("1970-01-01T00:00:01Z"));
        assert_eq!(ok(time(b"")), Value::Null);
        assert_eq!(
            ok(micro_time(b"\x08\x01\x10\xe8\x07")),
            json!("1970-01-01T00:00:01.000001Z")
        );
        assert_eq!(ok(quantity(b"\x0a\x03100")), json!("100"));
        assert_eq!(ok(int_or_string(b"\x08\x00\x10\x50\x1a\x00")), json!(80));
        assert_eq!(
            ok(int_or_string(b"\x08\x01\x10\x00\x1a\x04http")),
            json!("http")
        );
        assert_eq!(ok(texts(b"\x0a\x01a\x0a\x01b")), json!(["a", "b"]));
    }
}
