//! Checks of `format` on strings.
//!
//! The formats a real server enforces for custom resources; others are accepted unchecked.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    clock::{parse_rfc3339, rfc3339},
    strategy::names,
};

/// Whether a string has the format; unknown formats fit everything.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => parse_rfc3339(text).is_some(),
        "date" => is_date(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => is_mac(text),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => is_uuid(text, format.strip_prefix("uuid")),
        "byte" => !text.is_empty() && STANDARD.decode(text).is_ok(),
        "uri" => is_uri(text),
        "email" => is_email(text),
        "hostname" | "k8s-short-name" => names::label(text).is_empty(),
        "k8s-long-name" => names::subdomain(text).is_empty(),
        "duration" => is_duration(text),
        "hexcolor" => is_hex_color(text),
        "rgbcolor" => is_rgb_color(text),
        "bsonobjectid" => text.len() == 24 && is_hex(text),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "creditcard" => is_credit_card(text),
        "ssn" => has_shape(text, "999-99-9999", '-') || has_shape(text, "999 99 9999", ' '),
        _ => true,
    }
}

/// The formats that a server has heard of, dashes aside.
const KNOWN: [&str; 31] = [
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "datetime",
    "double",
    "duration",
    "email",
    "float",
    "hexcolor",
    "hostname",
    "int32",
    "int64",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8slongname",
    "k8sshortname",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "",
];

/// Whether a server has heard of a format.
pub(crate) fn is_known(format: &str) -> bool {
    KNOWN.contains(&format.replace('-', "").as_str())
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let Ok(bits) = bits.parse::<u8>() else {
        return false;
    };
    (address.parse::<Ipv4Addr>().is_ok() && bits <= 32)
        || (address.parse::<Ipv6Addr>().is_ok() && bits <= 128)
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    matches!(parts.len(), 6 | 8 | 20) && parts.iter().all(|part| part.len() == 2 && is_hex(part))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Some formats want a version, and the later ones of these a variant, too.
fn is_uuid(text: &str, version: Option<&str>) -> bool {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    let version = version.unwrap_or_default();
    let variant = plain.as_bytes().get(16).map(u8::to_ascii_lowercase);
    plain.len() == 32
        && is_hex(&plain)
        && plain[12..].starts_with(version)
        && (!matches!(version, "4" | "5") || matches!(variant, Some(b'8' | b'9' | b'a' | b'b')))
}

fn is_date(text: &str) -> bool {
    let Some(seconds) = parse_rfc3339(&format!("{text}T00:00:00Z")) else {
        return false;
    };
    // Days that no month has are read as days of the next.
    text.len() == 10 && rfc3339(seconds).starts_with(text)
}

/// Digits where the pattern has a nine, and the separator where it has that.
fn has_shape(text: &str, pattern: &str, separator: char) -> bool {
    text.chars().count() == pattern.len()
        && text.chars().zip(pattern.chars()).all(|(c, wanted)| {
            if wanted == '9' {
                c.is_ascii_digit()
            } else {
                c == separator
            }
        })
}

fn digits(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '-' | ' ')).collect()
}

fn is_isbn10(text: &str) -> bool {
    let digits = digits(text);
    let values = digits.chars().enumerate().map(|(index, c)| match c {
        'X' if index == 9 => Some(10),
        c => c.to_digit(10),
    });
    let Some(values) = values.collect::<Option<Vec<u32>>>() else {
        return false;
    };
    let sum: u32 = (1..)
        .zip(&values)
        .map(|(weight, value)| weight * value)
        .sum();
    values.len() == 10 && sum.is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let digits = digits(text);
    let values: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(10)).collect();
    let weights = [1, 3].into_iter().cycle();
    values.is_some_and(|values| {
        let sum: u32 = weights
            .zip(&values)
            .map(|(weight, value)| weight * value)
            .sum();
        values.len() == 13 && sum.is_multiple_of(10)
    })
}

/// The checksum that all cards have.
fn is_credit_card(text: &str) -> bool {
    let digits = digits(text);
    let values: Option<Vec<u32>> = digits.chars().rev().map(|c| c.to_digit(10)).collect();
    values.is_some_and(|values| {
        let sum: u32 = values
            .iter()
            .enumerate()
            .map(|(index, value)| match index % 2 {
                0 => *value,
                _ => value * 2 / 10 + value * 2 % 10,
            })
            .sum();
        (13..=19).contains(&values.len()) && sum.is_multiple_of(10)
    })
}

fn is_rgb_color(text: &str) -> bool {
    let inside = text
        .strip_prefix("rgb(")
        .and_then(|rest| rest.strip_suffix(')'));
    inside.is_some_and(|inside| {
        let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u8>().is_ok())
    })
}

/// An absolute URI or an absolute path, as Go's `ParseRequestURI` wants it.
fn is_uri(text: &str) -> bool {
    let scheme = text
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .unwrap_or_default();
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    !text.contains(char::is_whitespace) && (text.starts_with('/') || scheme_fits)
}

/// An address, alone or after a name: `A <a@b.c>`.
fn is_email(text: &str) -> bool {
    let named = text
        .rsplit_once(" <")
        .and_then(|(_, rest)| rest.strip_suffix('>'));
    let address = named.unwrap_or(text);
    let parts = address.rsplit_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !address.contains(char::is_whitespace)
    })
}

fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && is_hex(digits)
}

/// Go durations (`1h30m`) and spelled ones (`3 days`).
fn is_duration(text: &str) -> bool {
    const UNITS: [&str; 26] = [
        "ns", "us", "µs", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins",
        "minute", "minutes", "h", "hr", "hrs", "hour", "hours", "d", "day", "days", "w", "wk",
        "week", "weeks",
    ];
    let mut rest = text.trim().strip_prefix(['-', '+']).unwrap_or(text.trim());
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let number = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let after = rest[number..].trim_start();
        let unit = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        if number == 0 || rest[..number].parse::<f64>().is_err() || !UNITS.contains(&&after[..unit])
        {
            return false;
        }
        rest = after[unit..].trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_tell_right_from_wrong() {
        let rows = [
            ("date-time", "2020-01-01T00:00:00Z", "yesterday"),
            ("date", "2020-01-01", "2020-1-1"),
            ("ipv4", "1.2.3.4", "1.2.3"),
            ("ipv6", "::1", "1.2.3.4"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("mac", "00:11:22:aa:bb:cc", "00:11"),
            ("uuid", "00000000-2222-3333-4444-555555555555", "x"),
            ("byte", "eHk=", "***"),
            ("uri", "https://example.com/x", "::"),
            ("email", "a@b.c", "nobody"),
            ("hostname", "example", "a.b"),
            (
                "uuid4",
                "11111111-2222-4333-8444-555555555555",
                "11111111-2222-3333-4444-555555555555",
            ),
            ("uuid3", "11111111-2222-3333-4444-555555555555", "x"),
            ("date", "2020-02-29", "2020-02-30"),
            ("email", "A <a@b.c>", "A <a>"),
            ("isbn", "0321751043", "0321751044"),
            ("isbn13", "978-0321751041", "x"),
            ("creditcard", "4111-1111-1111-1111", "4111-1111-1111-1112"),
            ("ssn", "111-11-1111", "x"),
            ("rgbcolor", "rgb(1,2,3)", "rgb(1,2,300)"),
            ("bsonobjectid", "507f1f77bcf86cd799439011", "x"),
            ("k8s-short-name", "a-b", "a.b"),
            ("k8s-long-name", "a.b", "A"),
            ("duration", "1h30m", "5 parsecs"),
            ("duration", "3 days", ""),
            ("hexcolor", "#fff", "#ggg"),
        ];
        for (format, right, wrong) in rows {
            assert!(fits(format, right), "{format} {right}");
            assert!(!fits(format, wrong), "{format} {wrong}");
        }
        assert!(fits("made-up", "anything"));
    }
}
