//! OpenAPI v2, which describes nothing here: v3 does.
//!
//! `kubectl apply` asks for it about kinds that v3 does not know, only in protobuf, and tells the better error when it
//! gets an answer: that there is no such kind.

use bytes::Bytes;

/// The media type of what [`document`] gives.
pub(crate) const TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// A document without paths and definitions.
pub(crate) fn document() -> Bytes {
    let info = [text(1, "Kubernetes"), text(2, "unversioned")].concat();
    Bytes::from([text(1, "2.0"), field(2, &info), field(8, &[])].concat())
}

fn text(number: u8, text: &str) -> Vec<u8> {
    field(number, text.as_bytes())
}

/// A field of bytes, of which there are few.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).expect("the texts above are short");
    let mut field = vec![number << 3 | 2, length];
    field.extend_from_slice(bytes);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_the_bytes_of_a_version_a_title_and_no_paths() {
        let expected = b"\x0a\x032.0\x12\x19\x0a\x0aKubernetes\x12\x0bunversioned\x42\x00";
        assert_eq!(document(), &expected[..]);
    }
}
