//! Namespaces as users name them: exactly, by pattern, by exclusion.

use std::fmt;

/// Which namespaces are meant, in the order in which the user has said it.
///
/// The last item that matches a namespace decides. Where the first item excludes, everything else is
/// meant; `*` counts as the first item wherever it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patterns(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    text: String,
    is_exclusion: bool,
}

impl Patterns {
    /// Adds patterns, with commas in between.
    ///
    /// # Errors
    /// The pattern that cannot be one.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), String> {
        for part in text.split(',').map(str::trim) {
            let (is_exclusion, glob) = match part.strip_prefix('!') {
                Some(glob) => (true, glob.trim_start()),
                None => (false, part),
            };
            if !is_pattern(glob) {
                return Err(part.to_owned());
            }
            let pattern = Pattern {
                text: glob.to_owned(),
                is_exclusion,
            };
            match (glob, is_exclusion) {
                ("*", false) => self.0.insert(0, pattern),
                _ if self.0.contains(&pattern) && self.names_only() => {}
                _ => self.0.push(pattern),
            }
        }
        Ok(())
    }

    /// Whether a namespace is meant.
    pub(crate) fn matches(&self, namespace: &str) -> bool {
        let is_all = self.0.first().is_none_or(|first| first.is_exclusion);
        let last = self.0.iter().rev().find(|p| matches(&p.text, namespace));
        last.map_or(is_all, |pattern| !pattern.is_exclusion)
    }

    /// Whether all are plain names, so that nobody needs to know which namespaces there are.
    pub(crate) fn names_only(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|p| !p.is_exclusion && !is_glob(&p.text))
    }

    /// The plain names, which are meant though they may not exist.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let plain = self
            .0
            .iter()
            .filter(|p| !p.is_exclusion && !is_glob(&p.text));
        plain.map(|p| &*p.text).filter(|name| self.matches(name))
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, pattern) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let exclusion = if pattern.is_exclusion { "!" } else { "" };
            write!(f, "{comma}{exclusion}{}", pattern.text)?;
        }
        Ok(())
    }
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether a text can be the name of a namespace (a DNS label), or a pattern of such names.
fn is_pattern(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-*?".contains(c);
    !text.is_empty()
        && text.trim_matches('*').len() <= 63
        && text.chars().all(is_inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a glob matches: `*` is any text, `?` is any character.
fn matches(glob: &str, name: &str) -> bool {
    let (glob, name) = (glob.as_bytes(), name.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // Where to go on when what follows the last star turns out not to match.
    let mut star = None;
    while seen < name.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == b'?' || *c == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((back, swallowed)) = star else {
                    return false;
                };
                star = Some((back, swallowed + 1));
                (at, seen) = (back + 1, swallowed + 1);
            }
        }
    }
    glob[at..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        let mut patterns = Patterns::default();
        for text in texts {
            patterns.add(text).unwrap();
        }
        patterns
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let rows: &[(&[&str], &[&str], &[&str])] = &[
            (&["a"], &["a"], &["b", "aa"]),
            (&["a,b", "c"], &["a", "b", "c"], &["d"]),
            (&["team-*"], &["team-", "team-a"], &["team", "a-team-a"]),
            (&["a?c"], &["abc"], &["ac", "abbc"]),
            (&["*-pr-*-x*"], &["a-pr-b-x", "a-pr-x-x9"], &["a-pr-x"]),
            (&["!kube-*"], &["default", "kube"], &["kube-system"]),
            (&["!kube-*,*"], &["default"], &["kube-system"]),
            (&["*", "!kube-*"], &["default"], &["kube-system"]),
            (
                &["myapp-*, !*-pr-*, *-pr-123"],
                &["myapp-live", "myapp-pr-123"],
                &["myapp-pr-456", "otherapp-live"],
            ),
            (&["team-*", "!team-x"], &["team-a"], &["team-x", "x"]),
            (&["team-*", "!team-x", "prod-*"], &["prod-a"], &["team-x"]),
        ];
        for (texts, meant, others) in rows {
            let patterns = patterns(texts);
            for name in *meant {
                assert!(patterns.matches(name), "{patterns}: {name}");
            }
            for name in *others {
                assert!(!patterns.matches(name), "{patterns}: {name}");
            }
        }
    }

    #[test]
    fn plain_names_need_no_look_at_namespaces() {
        assert!(patterns(&["a", "b,a"]).names_only());
        assert_eq!(patterns(&["a", "b,a"]).to_string(), "a,b");
        let mixed = patterns(&["a,team-*,!team-x,b,team-y"]);
        assert!(!mixed.names_only());
        assert_eq!(mixed.names().collect::<Vec<_>>(), ["a", "b", "team-y"]);
        assert_eq!(patterns(&["a,!a"]).names().count(), 0);
    }

    #[test]
    fn what_can_be_no_namespace_is_refused() {
        for text in [
            "",
            "a,,b",
            "!",
            "Team",
            "team_a",
            "-a",
            "[ab]",
            "a b",
            "!!a",
            &"a".repeat(64),
        ] {
            assert!(Patterns::default().add(text).is_err(), "{text}");
        }
        assert_eq!(
            Patterns::default().add("a, no_such"),
            Err("no_such".to_owned())
        );
    }
}
