//! What variables say, as texts.

use std::time::Duration;

use crate::settings::PostingLevel;
use crate::storage::{Keep, Persistence, Place};

/// `1h`, `1m30s`, `500ms`, `1.5s`, `90`: units from the largest to the smallest, each once.
pub(super) fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 5] = [
        ("d", 86_400.0),
        ("h", 3600.0),
        ("m", 60.0),
        ("s", 1.0),
        ("ms", 0.001),
    ];
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let (mut total, mut rest, mut units) = (Duration::ZERO, text, &UNITS[..]);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let seconds = number.parse::<f64>().ok()? * units[place].1;
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        (rest, units) = (after, &units[place + 1..]);
    }
    Some(total)
}

#[expect(clippy::option_option, reason = "nonsense, no limit, or a limit")]
pub(super) fn limit(text: &str) -> Option<Option<usize>> {
    match text {
        "none" => Some(None),
        text => count(text).map(Some),
    }
}

#[expect(clippy::option_option, reason = "nonsense, no end, or an end")]
pub(super) fn patience(text: &str) -> Option<Option<Duration>> {
    match text {
        "never" => Some(None),
        text => duration(text).map(Some),
    }
}

pub(super) fn durations(text: &str) -> Option<Vec<Duration>> {
    text.split(',').map(|part| duration(part.trim())).collect()
}

pub(super) fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| *count > 0)
}

pub(super) fn switch(text: &str) -> Option<bool> {
    match &*text.to_ascii_lowercase() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

pub(super) fn level(text: &str) -> Option<PostingLevel> {
    match &*text.to_ascii_lowercase() {
        "info" => Some(PostingLevel::Info),
        "warning" => Some(PostingLevel::Warning),
        "error" => Some(PostingLevel::Error),
        _ => None,
    }
}

pub(super) fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn persistence(text: &str) -> Option<Persistence> {
    match text {
        "kopf" => Some(Persistence::kopf()),
        text => is_dns_name(text).then(|| Persistence::new(text)),
    }
}

pub(super) fn qualified(text: &str) -> Option<&str> {
    let (prefix, name) = text.split_once('/')?;
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    (is_dns_name(prefix) && is_name).then_some(text)
}

fn is_dns_name(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.split('.')
        .all(|label| !label.is_empty() && label.chars().all(is_inner))
}

pub(super) fn dns_name(text: &str) -> Option<String> {
    is_dns_name(text).then(|| text.to_owned())
}

pub(super) fn place(text: &str) -> Option<Place> {
    match text {
        "annotations" => Some(Place::Annotations),
        "status" => Some(Place::Status),
        "kopf" => Some(Place::Kopf),
        _ => None,
    }
}

pub(super) fn keep(text: &str) -> Option<Keep> {
    match text {
        "essence" => Some(Keep::Essence),
        "digest" => Some(Keep::Digest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units_or_seconds() {
        for (text, millis) in [
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("1.5", Some(1500)),
            ("0", Some(0)),
            ("2d", Some(172_800_000)),
            ("-1", None),
            ("1s1m", None),
            ("10", Some(10_000)),
            ("ten", None),
            ("10 s", None),
            ("inf", None),
        ] {
            let parsed = duration(text).map(|duration| duration.as_millis());
            assert_eq!(parsed, millis, "{text}");
        }
    }
}
