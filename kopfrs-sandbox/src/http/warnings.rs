//! How many warnings an answer may carry: headers are not endless.

use std::collections::HashSet;

/// All warnings of an answer together, in characters; beyond that each is cut short.
const TOTAL: usize = 4 * 1024;
/// How long each may be then.
const EACH: usize = 256;

/// Every warning once, without those that no header can carry; when they are too much together, the beginnings of as many as fit.
pub(super) fn limited(warnings: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let unique: Vec<String> = warnings
        .into_iter()
        .filter(|warning| !warning.is_empty() && !warning.contains(char::is_control))
        .filter(|warning| seen.insert(warning.clone()))
        .collect();
    let length = |text: &str| text.chars().count();
    if unique.iter().map(|text| length(text)).sum::<usize>() <= TOTAL {
        return unique;
    }
    let mut written = 0;
    let mut kept = Vec::new();
    for text in unique {
        if written >= TOTAL {
            break;
        }
        let text: String = text.chars().take(EACH).collect();
        written += length(&text);
        kept.push(text);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_given_once_and_cut_when_too_long() {
        let owned =
            |texts: &[&str]| -> Vec<String> { texts.iter().map(|&text| text.to_owned()).collect() };
        assert_eq!(
            limited(owned(&["a", "b", "", "a", "x\ny"])),
            owned(&["a", "b"])
        );
        let long: Vec<String> = (0..30)
            .map(|n| format!("{n:02}{}", "x".repeat(298)))
            .collect();
        let kept = limited(long.clone());
        assert_eq!(kept.len(), 16);
        assert!(kept.iter().all(|text| text.chars().count() == EACH));
        assert_eq!(limited(long[..13].to_vec()), long[..13].to_vec());
    }
}
