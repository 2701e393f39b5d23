//! Reads bodies in Kubernetes' protobuf encoding, as `kubectl create` and typed Go clients send them.
//!
//! `verbs::decode` calls this and goes on with JSON. It is driven by a table of the built-in kinds' field numbers, and
//! answers are always JSON: every client that sends protobuf also reads that.

mod decode;
pub(crate) mod message;
mod special;
mod wire;

use serde_json::Value;

use self::{message::Messages, wire::Reader};

/// What a body in this encoding begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
    )]
    Prefix,
    #[error("unexpected EOF")]
    End,
    #[error("proto: exceeded max depth")]
    TooDeep,
    #[error("proto: illegal wireType {0}")]
    WireType(u64),
    #[error("no kind {kind:?} is registered for version {api_version:?} in scheme \"sandbox\"")]
    Unknown { api_version: String, kind: String },
}

/// Reads an object, with `apiVersion` and `kind`.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let envelope = bytes.strip_prefix(MAGIC).ok_or(ProtobufError::Prefix)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    // The envelope: what the object is, and the object.
    let mut fields = Reader::new(envelope);
    while let Some((number, field)) = fields.next_field()? {
        match number {
            1 => {
                let mut names = Reader::new(field.bytes()?);
                while let Some((number, name)) = names.next_field()? {
                    let text = String::from_utf8_lossy(name.bytes()?).into_owned();
                    match number {
                        1 => api_version = text,
                        2 => kind = text,
                        _ => {}
                    }
                }
            }
            2 => raw = field.bytes()?,
            _ => {}
        }
    }
    let messages = Messages::all();
    let Some(message) = messages.of_kind(&api_version, &kind) else {
        return Err(ProtobufError::Unknown { api_version, kind });
    };
    let mut object = decode::message(messages, message, raw)?;
    object.insert("apiVersion".to_owned(), Value::from(api_version));
    object.insert("kind".to_owned(), Value::from(kind));
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde_json::json;

    use super::*;

    fn check(text: &str, expected: &Value) {
        let bytes = STANDARD.decode(text).expect("base64");
        assert_eq!(read(&bytes).as_ref(), Ok(expected));
    }

    #[test]
    fn what_kubectl_create_sends_is_read() {
        check(
            "azhzAAoMCgJ2MRIGU2VjcmV0EhMKBwoBcxIAGgASBgoBaxIBdhoAGgAiAA==",
            &json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "dg=="},
            }),
        );
        check(
            "azhzAAoWCgdhcHBzL3YxEgtTdGF0ZWZ1bFNldBJACg8KAXMaAFoICgNhcHASAXMSLQgCEgoKCAoDYXBwEgFzGhoKCloICgNhcHASAXMSD\
             BIKCgFjEgVpbWc6MSoBcxoAIgA=",
            &json!({
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "metadata": {"name": "s", "labels": {"app": "s"}},
                "spec": {
                    "replicas": 2, "serviceName": "s", "selector": {"matchLabels": {"app": "s"}},
                    "template": {
                        "metadata": {"labels": {"app": "s"}},
                        "spec": {"containers": [{"name": "c", "image": "img:1"}]},
                    },
                },
            }),
        );
    }

    #[test]
    fn nonsense_is_refused_with_the_reason() {
        assert_eq!(read(b"{}"), Err(ProtobufError::Prefix));
        assert_eq!(read(b"k8s\0\x0a\x7f"), Err(ProtobufError::End));
        assert_eq!(read(b"k8s\0\x0f"), Err(ProtobufError::WireType(7)));
        let unknown = b"k8s\0\x0a\x08\x0a\x02v1\x12\x02No";
        let error = read(unknown).expect_err("unknown").to_string();
        assert!(error.starts_with("no kind \"No\" is registered"), "{error}");
    }
}
