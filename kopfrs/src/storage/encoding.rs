//! How a baseline is written as text: JSON, compressed JSON where that is much smaller, or a digest.

use std::io::{Read, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::cause::Baseline;

/// All annotations of an object together may have 256 KiB; the rest is left to others.
pub(super) const LIMIT: usize = 200 * 1024;
/// A whole object may have some 1.5 MiB: a large spec and its copy in the status must not exceed that.
pub(super) const STATUS_LIMIT: usize = 400 * 1024;
/// Smaller texts are left readable.
const COMPRESS_FROM: usize = 4 * 1024;
/// What a baseline may have when unpacked: more than any object that the API stores.
const UNPACKED_LIMIT: u64 = 16 * 1024 * 1024;
const GZIP: &str = "gzip:";
const DIGEST: &str = "digest:";

/// Writes a baseline.
pub(super) fn encode(baseline: &Baseline) -> String {
    match baseline {
        Baseline::Essence(essence) => {
            let json = essence.to_string();
            if json.len() < COMPRESS_FROM {
                return json;
            }
            compress(&json)
                .filter(|packed| packed.len() < json.len())
                .unwrap_or(json)
        }
        Baseline::Digest(digest) => format!("{DIGEST}{digest}"),
    }
}

/// Reads a baseline; `None` if it is not one of ours.
pub(super) fn decode(text: &str) -> Option<Baseline> {
    if let Some(digest) = text.strip_prefix(DIGEST) {
        return Some(Baseline::Digest(digest.to_owned()));
    }
    let essence = match text.strip_prefix(GZIP) {
        Some(packed) => {
            let bytes = STANDARD.decode(packed).ok()?;
            let mut json = String::new();
            GzDecoder::new(&*bytes)
                .take(UNPACKED_LIMIT)
                .read_to_string(&mut json)
                .ok()?;
            serde_json::from_str(&json)
        }
        None => serde_json::from_str(text),
    };
    essence.ok().map(Arc::new).map(Baseline::Essence)
}

/// Whether an essence fits into so many bytes.
pub(super) fn fits(essence: &Value, limit: usize) -> bool {
    // Most are far below: do not compress only to find out.
    let json = essence.to_string();
    json.len() < limit || compress(&json).is_some_and(|packed| packed.len() < limit)
}

fn compress(json: &str) -> Option<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(json.as_bytes()).ok()?;
    Some(format!("{GZIP}{}", STANDARD.encode(encoder.finish().ok()?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn baselines_are_read_as_they_were_written() {
        let noise: Vec<u32> = (0..5000u32)
            .map(|i| i.wrapping_mul(2_654_435_761))
            .collect();
        for baseline in [
            Baseline::Essence(Arc::new(json!({"spec": {"a": 1}}))),
            Baseline::Essence(Arc::new(json!({"spec": "x".repeat(100_000)}))),
            Baseline::Essence(Arc::new(json!({"spec": noise}))),
            Baseline::Digest("abc".into()),
        ] {
            assert_eq!(decode(&encode(&baseline)).unwrap(), baseline);
        }
        assert!(encode(&Baseline::Essence(Arc::new(json!("x".repeat(100_000))))).len() < 1000);
        for garbage in ["", "gzip:!", "gzip:YWJj", "{"] {
            assert_eq!(decode(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert!(fits(&json!("x".repeat(1_000_000)), LIMIT));
        let noise: Vec<u64> = (0..40_000u64)
            .map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .collect();
        assert!(!fits(&json!(noise), LIMIT) && !fits(&json!(noise), STATUS_LIMIT));
    }
}
