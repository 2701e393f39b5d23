//! What the values of `controller.json` may be. Pure: from a text to what is wrong with it.

/// The longest name that a label of Kubernetes may be.
const LABEL: usize = 63;
/// What may stand behind the number of a quantity.
const SUFFIXES: &[&str] = &[
    "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
];

/// What is wrong with a text, said so that it can go on from the text.
type Verdict = Result<(), String>;

/// One part of a name of the DNS.
pub(super) fn label(text: &str) -> Verdict {
    if is_label(text) {
        return Ok(());
    }
    Err(format!(
        "is no label: write at most {LABEL} lower case letters, digits and '-', beginning and ending with a letter or a \
         digit"
    ))
}

/// A label that begins with a letter, as the names of versions do.
pub(super) fn version(text: &str) -> Verdict {
    if is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Ok(());
    }
    Err("is no version: write one such as v1, v1beta1 or v1alpha1".to_owned())
}

/// Labels with dots in between.
pub(super) fn domain(text: &str) -> Verdict {
    if text.len() <= 253 && text.split('.').all(is_label) {
        return Ok(());
    }
    Err(
        "is no domain: write lower case letters, digits, '-' and dots, such as example.com"
            .to_owned(),
    )
}

pub(super) fn kind(text: &str) -> Verdict {
    let is_camel = text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric());
    // The plural is one longer.
    if is_camel && text.len() < LABEL {
        return Ok(());
    }
    Err(format!(
        "is no kind: write fewer than {LABEL} letters and digits, beginning with an upper case letter, such as WebSite"
    ))
}

pub(super) fn image(text: &str) -> Verdict {
    let is_clean = text.chars().all(|c| c.is_ascii_graphic());
    let (name, _) = text.rsplit_once('@').unwrap_or((text, ""));
    if is_clean && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err("is no image: write one such as registry.example.com/manager:1.0".to_owned())
}

pub(super) fn pull_policy(text: &str) -> Verdict {
    match text {
        "Always" | "IfNotPresent" | "Never" => Ok(()),
        _ => Err("is no policy: write Always, IfNotPresent or Never".to_owned()),
    }
}

pub(super) fn quantity(text: &str) -> Verdict {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let exponent = suffix.strip_prefix(['e', 'E']).map(str::parse::<i8>);
    let is_suffix = SUFFIXES.contains(&suffix) || matches!(exponent, Some(Ok(_)));
    match number.parse::<f64>() {
        Ok(number) if is_suffix && number > 0.0 => Ok(()),
        _ => Err("is no quantity: write one such as 500m, 2 or 200Mi".to_owned()),
    }
}

pub(super) fn switch(text: &str) -> Verdict {
    match text {
        "0" | "1" => Ok(()),
        _ => Err(
            "is neither 0 nor 1: write 1 to stop when it is there, 0 to look at it again and again"
                .to_owned(),
        ),
    }
}

pub(super) fn minutes(text: &str) -> Verdict {
    match text.parse::<u32>() {
        Ok(_) => Ok(()),
        Err(_) => Err("is no number of minutes: write one such as 5, or 0 for never".to_owned()),
    }
}

fn is_label(text: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=LABEL).contains(&text.len())
        && text.starts_with(is_end)
        && text.ends_with(is_end)
        && text.chars().all(|c| is_end(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function, what it takes, and what it refuses.
    type Row<'a> = (fn(&str) -> Verdict, &'a [&'a str], &'a [&'a str]);

    #[test]
    fn each_value_is_what_the_api_takes() {
        let long = "a".repeat(64);
        let rows: [Row<'_>; 8] = [
            (
                label,
                &["a", "a-1", "1"],
                &["", "A", "-a", "a-", "a.b", "a_b", &long],
            ),
            (
                version,
                &["v1", "v1alpha1", "next"],
                &["1", "V1", "", "v1.0"],
            ),
            (
                domain,
                &["example.com", "a"],
                &["", ".com", "a..b", "Example.com", "a b"],
            ),
            (
                kind,
                &["Site", "WordpressAPI", "A1"],
                &["site", "", "Web-Site", "1A"],
            ),
            (
                image,
                &["manager", "r.io:5000/a/b:1.0", "a@sha256:0af"],
                &["", "a b", ":1", "/a", "a\n"],
            ),
            (
                quantity,
                &["1", "500m", "0.5", "200Mi", "2e3", "2E"],
                &["", "m", "0", "-1", "1 Gi", "1gi", "1e", "1.2.3"],
            ),
            (switch, &["0", "1"], &["", "true", "2"]),
            (
                minutes,
                &["0", "5", "1440"],
                &["", "-1", "5m", "1.5", "99999999999"],
            ),
        ];
        for (index, (check, good, bad)) in rows.into_iter().enumerate() {
            for text in good {
                assert_eq!(check(text), Ok(()), "row {index}: {text:?}");
            }
            for text in bad {
                assert!(check(text).is_err(), "row {index}: {text:?}");
            }
        }
    }
}
