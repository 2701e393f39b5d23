//! Times at which CronJobs run: five fields, or a word for one of the common rhythms.

const WORDS: [&str; 7] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The numbers that a field may have, and names for them.
#[derive(Debug, Clone, Copy)]
struct Part {
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const PARTS: [Part; 5] = [
    Part {
        low: 0,
        high: 59,
        names: &[],
    },
    Part {
        low: 0,
        high: 23,
        names: &[],
    },
    Part {
        low: 1,
        high: 31,
        names: &[],
    },
    Part {
        low: 1,
        high: 12,
        names: &MONTHS,
    },
    Part {
        low: 0,
        high: 6,
        names: &DAYS,
    },
];

/// Why a text is no schedule.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.starts_with('@') {
        let known = WORDS.contains(&text) || text.starts_with("@every ");
        return if known {
            Ok(())
        } else {
            Err(format!("unrecognized descriptor: {text}"))
        };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != PARTS.len() {
        return Err(format!(
            "expected exactly 5 fields, found {}: [{}]",
            fields.len(),
            fields.join(" ")
        ));
    }
    for (field, part) in fields.iter().zip(PARTS) {
        for range in field.split(',').filter(|range| !range.is_empty()) {
            part.check(range)?;
        }
    }
    Ok(())
}

impl Part {
    /// One of `*`, `n`, `n-m`, each with an optional `/step`.
    fn check(self, range: &str) -> Result<(), String> {
        let (span, step) = match range.split_once('/') {
            Some((span, step)) => (span, Some(step)),
            None => (range, None),
        };
        if range.matches('/').count() > 1 {
            return Err(format!("too many slashes: {range}"));
        }
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        if last.contains('-') {
            return Err(format!("too many hyphens: {range}"));
        }
        let (low, mut high) = if first == "*" || first == "?" {
            (self.low, self.high)
        } else {
            (self.number(first)?, self.number(last)?)
        };
        if let Some(step) = step {
            if number(step)? == 0 {
                return Err(format!(
                    "step of range should be a positive number: {range}"
                ));
            }
            if first == last {
                high = self.high;
            }
        }
        self.check_order((low, high), range)
    }

    fn check_order(self, (low, high): (u32, u32), range: &str) -> Result<(), String> {
        if low < self.low {
            return Err(format!(
                "beginning of range ({low}) below minimum ({}): {range}",
                self.low
            ));
        }
        if high > self.high {
            return Err(format!(
                "end of range ({high}) above maximum ({}): {range}",
                self.high
            ));
        }
        if low > high {
            return Err(format!(
                "beginning of range ({low}) beyond end of range ({high}): {range}"
            ));
        }
        Ok(())
    }

    fn number(self, text: &str) -> Result<u32, String> {
        let named = self
            .names
            .iter()
            .position(|name| text.eq_ignore_ascii_case(name));
        match named.and_then(|index| u32::try_from(index).ok()) {
            Some(index) => Ok(self.low + index),
            None => number(text),
        }
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| {
        format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_have_five_fields_within_their_ranges() {
        for good in [
            "* * * * *",
            "*/5 0-6 1,15 jan-mar MON",
            "@hourly",
            "@every 1h",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let rows = [
            ("x", "expected exactly 5 fields, found 1: [x]"),
            ("61 * * * *", "end of range (61) above maximum (59): 61"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            (
                "5-1 * * * *",
                "beginning of range (5) beyond end of range (1): 5-1",
            ),
            (
                "*/0 * * * *",
                "step of range should be a positive number: */0",
            ),
            ("@odd", "unrecognized descriptor: @odd"),
        ];
        for (bad, why) in rows {
            assert_eq!(check(bad).unwrap_err(), why, "{bad}");
        }
    }
}
