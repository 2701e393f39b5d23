//! Amounts of resources: `500m`, `1Gi`, `2e3`.
//!
//! Whatever way an amount is written in, it is kept in one form. Called when built-in objects are decoded and validated.

/// How an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Decimal,
    Binary,
    Exponent,
}

/// An amount, exact to a billionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    billionths: i128,
    form: Form,
}

const UNIT: i128 = 1_000_000_000;
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Why a text is no amount.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if Quantity::parse(text).is_some() {
        return Ok(());
    }
    Err("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'".to_owned())
}

/// An amount in the form that it is kept in.
pub(crate) fn canonical(text: &str) -> Option<String> {
    Quantity::parse(text).map(Quantity::shown)
}

impl Quantity {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (digits, suffix) = unsigned.split_at(end);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let (form, power) = read_suffix(suffix)?;
        let mut mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let scale = -i32::try_from(fraction.len()).ok()?;
        let billionths = match form {
            Form::Binary => {
                mantissa =
                    mantissa.checked_mul(1024_i128.checked_pow(u32::try_from(power).ok()?)?)?;
                scaled(mantissa, scale)?
            }
            Form::Decimal | Form::Exponent => scaled(mantissa, scale.checked_add(power)?)?,
        };
        let sign = if text.starts_with('-') { -1 } else { 1 };
        Some(Self {
            billionths: sign * billionths,
            form,
        })
    }

    pub(crate) fn is_positive(self) -> bool {
        self.billionths > 0
    }

    pub(crate) fn is_negative(self) -> bool {
        self.billionths < 0
    }

    /// By amount, whatever way they are written.
    pub(crate) fn is_more_than(self, other: Self) -> bool {
        self.billionths > other.billionths
    }

    pub(crate) fn shown(self) -> String {
        if self.billionths == 0 {
            return "0".to_owned();
        }
        let whole = self.billionths / UNIT;
        let is_whole = self.billionths % UNIT == 0;
        // Small and broken amounts read better in decimals.
        if self.form == Form::Binary && is_whole && whole.abs() >= 1024 {
            let (mut amount, mut suffix) = (whole, "");
            for larger in BINARY {
                if amount % 1024 != 0 {
                    break;
                }
                (amount, suffix) = (amount / 1024, larger);
            }
            return format!("{amount}{suffix}");
        }
        let (mut amount, mut step) = (self.billionths, 0);
        while amount % 1000 == 0 && step + 1 < DECIMAL.len() {
            amount /= 1000;
            step += 1;
        }
        let (suffix, power) = DECIMAL[step];
        match self.form {
            Form::Exponent if power != 0 => format!("{amount}e{power}"),
            _ => format!("{amount}{suffix}"),
        }
    }
}

fn read_suffix(suffix: &str) -> Option<(Form, i32)> {
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Form::Decimal, *power));
    }
    if let Some(step) = BINARY.iter().position(|name| *name == suffix) {
        return Some((Form::Binary, i32::try_from(step).ok()? + 1));
    }
    let power = suffix.strip_prefix(['e', 'E'])?;
    Some((Form::Exponent, power.parse().ok()?))
}

/// A mantissa with a power of ten, in billionths; what is smaller is rounded up, away from zero.
fn scaled(mantissa: i128, power: i32) -> Option<i128> {
    let power = power.checked_add(9)?;
    let factor = 10_i128.checked_pow(power.unsigned_abs());
    if power >= 0 {
        return mantissa.checked_mul(factor?);
    }
    let Some(factor) = factor else {
        return Some(i128::from(mantissa > 0));
    };
    Some(mantissa / factor + i128::from(mantissa % factor > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_one_form() {
        let rows = [
            ("1", Some("1")),
            ("0.5", Some("500m")),
            ("1000m", Some("1")),
            ("1024Mi", Some("1Gi")),
            ("1.5Gi", Some("1536Mi")),
            ("1000Ki", Some("1000Ki")),
            ("512", Some("512")),
            ("0.5Ki", Some("512")),
            ("1500", Some("1500")),
            ("2000k", Some("2M")),
            ("1e3", Some("1e3")),
            ("12e2", Some("1200")),
            ("+5", Some("5")),
            ("-1", Some("-1")),
            ("0Gi", Some("0")),
            (".5", Some("500m")),
            ("5.", Some("5")),
            ("1u", Some("1u")),
            ("x", None),
            ("", None),
            ("1x", None),
            ("1.2.3", None),
            ("1 Gi", None),
        ];
        for (text, expected) in rows {
            assert_eq!(canonical(text).as_deref(), expected, "{text}");
        }
    }
}
