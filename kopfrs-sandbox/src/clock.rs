//! Wall-clock time that follows tokio's clock, so that a paused runtime also pauses timestamps.
//!
//! Everything that writes a timestamp into an object asks here. It must not know what is stamped.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The time of one sandbox: where the wall stood at the start, plus what tokio says has passed.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    wall: Duration,
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            wall,
            start: Instant::now(),
        }
    }

    /// Time since the Unix epoch.
    pub(crate) fn since_epoch(&self) -> Duration {
        self.wall + self.start.elapsed()
    }

    /// The time as `SystemTime`, for the journal.
    pub(crate) fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + self.since_epoch()
    }

    /// The time as Kubernetes writes it into `metadata`: RFC 3339 in whole seconds.
    pub(crate) fn rfc3339(&self) -> String {
        rfc3339(i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX))
    }

    /// RFC 3339 of a moment after now.
    pub(crate) fn rfc3339_after(&self, delay: Duration) -> String {
        rfc3339(i64::try_from((self.since_epoch() + delay).as_secs()).unwrap_or(i64::MAX))
    }

    /// Whole seconds since the given RFC 3339 time; `None` when it cannot be read.
    pub(crate) fn seconds_since(&self, time: &str) -> Option<i64> {
        let now = i64::try_from(self.since_epoch().as_secs()).ok()?;
        Some(now - parse_rfc3339(time)?)
    }
}

/// Formats seconds since the Unix epoch.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads RFC 3339 into seconds since the Unix epoch; fractions are dropped, offsets are understood.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, len: usize| -> Option<i64> {
        let part = text.get(from..from + len)?;
        part.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse().ok())?
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators
        .iter()
        .any(|&(at, byte)| bytes.get(at) != Some(&byte))
    {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let mut zone = text.get(19..)?;
    if let Some(fraction) = zone.strip_prefix('.') {
        zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let offset = match zone.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let from = text.len() - zone.len();
            let minutes = number(from + 1, 2)? * 60 + number(from + 4, 2)?;
            if *sign == b'+' {
                minutes * 60
            } else {
                -minutes * 60
            }
        }
        _ => return None,
    };
    Some(days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

// Howard Hinnant's calendar algorithms: exact for the proleptic Gregorian calendar.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (
        yoe + era * 400 + i64::from(month <= 2),
        month,
        doy - (153 * mp + 2) / 5 + 1,
    )
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_a_round_trip() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2026-11-22T01:26:00Z",
        ] {
            assert_eq!(parse_rfc3339(text).map(rfc3339).as_deref(), Some(text));
        }
        assert_eq!(
            parse_rfc3339("2020-01-01T02:00:00.123456+02:00"),
            parse_rfc3339("2020-01-01T00:00:00Z")
        );
        for bad in [
            "yesterday",
            "2020-01-01",
            "2020-13-01T00:00:00Z",
            "2020-01-01T00:00:00",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }
}
