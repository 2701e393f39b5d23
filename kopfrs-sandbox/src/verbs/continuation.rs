//! The tokens by which lists are continued.
//!
//! Made and read by `list`. A token names a key within the collection, so it works in any collection, as a real
//! server's does.

use base64::{
    DecodeError, Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Value, json};

use crate::error::ApiError;

/// What tokens of this kind are known by.
const TOKEN_VERSION: &str = "meta.k8s.io/v1";
/// The revision of tokens that go on with whatever is newest.
const NEWEST: i64 = -1;
const ENCODING: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Where a list goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Continuation {
    /// The first key that is wanted, without the collection's prefix.
    pub(super) from: String,
    /// The revision of the first page; the newest if there is none.
    pub(super) at: Option<u64>,
}

impl Continuation {
    /// Right after an object, at the revision that it was listed at.
    pub(super) fn after(key: &str, at: u64) -> Self {
        Self {
            // No key lies between.
            from: format!("{key}\0"),
            at: Some(at),
        }
    }

    pub(super) fn encode(&self) -> String {
        let revision = self.at.map_or(json!(NEWEST), |revision| json!(revision));
        let token = json!({"v": TOKEN_VERSION, "rv": revision, "start": self.from});
        ENCODING.encode(token.to_string())
    }

    pub(super) fn decode(token: &str) -> Result<Self, ApiError> {
        let decoded = ENCODING.decode(token).map_err(|error| {
            invalid(&format!("illegal base64 data at input byte {}", at(&error)))
        })?;
        let token: Value =
            serde_json::from_slice(&decoded).map_err(|error| invalid(&error.to_string()))?;
        let version = token["v"].as_str().unwrap_or_default();
        if version != TOKEN_VERSION {
            let why = format!("server does not recognize this encoded version {version}");
            return Err(invalid(&why));
        }
        let Some(revision) = token["rv"].as_i64().filter(|revision| *revision != 0) else {
            let why = format!("incorrect encoded start resourceVersion (version {version})");
            return Err(invalid(&why));
        };
        let Some(start) = token["start"].as_str().filter(|start| !start.is_empty()) else {
            let why = format!("encoded start key empty (version {version})");
            return Err(invalid(&why));
        };
        let from = start.strip_prefix('/').unwrap_or(start);
        // A key that leads elsewhere than it says.
        if from.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(invalid(start));
        }
        Ok(Self {
            from: from.to_owned(),
            at: u64::try_from(revision).ok(),
        })
    }
}

fn invalid(why: &str) -> ApiError {
    ApiError::bad_request(format!(
        "invalid continue token: continue key is not valid: {why}"
    ))
}

/// The place of what is wrong.
fn at(error: &DecodeError) -> usize {
    match *error {
        DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol { offset: at, .. } => at,
        // One character alone stands for nothing.
        DecodeError::InvalidLength(length) => length.saturating_sub(1),
        DecodeError::InvalidPadding => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_was() {
        for at in [Some(7), None] {
            let from = "ns/name\0".to_owned();
            let token = Continuation { from, at };
            let decoded = Continuation::decode(&token.encode()).expect("its own");
            assert_eq!(decoded, token);
        }
    }

    #[test]
    fn forged_tokens_are_refused_with_the_reason() {
        let encoded = |text: &str| ENCODING.encode(text);
        let rows = [
            ("!!!".to_owned(), "illegal base64 data at input byte 0"),
            ("YWJj=".to_owned(), "illegal base64 data at input byte 4"),
            (
                encoded(r#"{"v": "meta.k8s.io/v2", "rv": 1, "start": "x"}"#),
                "server does not recognize this encoded version meta.k8s.io/v2",
            ),
            (
                encoded(r#"{"v": "meta.k8s.io/v1", "rv": 0, "start": "x"}"#),
                "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
            ),
            (
                encoded(r#"{"v": "meta.k8s.io/v1", "rv": 1}"#),
                "encoded start key empty (version meta.k8s.io/v1)",
            ),
            (
                encoded(r#"{"v": "meta.k8s.io/v1", "rv": 1, "start": "../x"}"#),
                "../x",
            ),
        ];
        for (token, why) in rows {
            let refusal = Continuation::decode(&token).expect_err(&token);
            let expected = format!("invalid continue token: continue key is not valid: {why}");
            assert_eq!(refusal.message, expected);
        }
        let rooted = encoded(r#"{"v": "meta.k8s.io/v1", "rv": 1, "start": "/x"}"#);
        assert_eq!(Continuation::decode(&rooted).expect("a key").from, "x");
    }
}
