//! "Did you mean …": the known word that is nearest to what was written.

/// The nearest of the known words, if one is near enough to be meant.
pub(crate) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = match written.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    };
    let distances = known
        .into_iter()
        .map(|word| (distance(written, word), word));
    distances
        .filter(|(distance, word)| *distance <= allowed || is_form_of(written, word))
        .min()
        .map(|(_, word)| word)
}

/// "; did you mean `…`?" or nothing.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(written, known).map(|word| format!("; did you mean `{word}`?"))
}

/// "`a`, `b`, `c`".
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// Other forms of a word: `anno` for `annotations`, `retry` for `retries`.
fn is_form_of(written: &str, word: &str) -> bool {
    let stem = written
        .bytes()
        .zip(word.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    stem >= 4 && (word.starts_with(written) || distance(written, word) <= 3)
}

/// How many letters must be added, dropped, replaced, or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = [
            "retries",
            "retry",
            "spec",
            "name",
            "namespace",
            "annotations",
            "old",
            "uid",
        ];
        for (written, expected) in [
            ("retrys", Some("retry")),
            ("retires", Some("retries")),
            ("spce", Some("spec")),
            ("specs", Some("spec")),
            ("namspace", Some("namespace")),
            ("annos", None),
            ("anno", Some("annotations")),
            ("olds", Some("old")),
            ("id", None),
            ("database", None),
            ("settings", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
    }
}
