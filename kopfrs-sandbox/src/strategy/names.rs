//! Rules for names, label keys and label values, with a real server's words.
//!
//! Pure; used by metadata validation, selectors and kind rules.

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// What a kind demands of its objects' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// A DNS subdomain, as most kinds.
    Subdomain,
    /// A DNS label: Namespaces, Services.
    Label,
    /// Anything that fits into a URL path: RBAC.
    PathSegment,
}

impl NameRule {
    /// Why a name is not acceptable.
    pub(crate) fn check(self, name: &str) -> Vec<String> {
        match self {
            Self::Subdomain => subdomain(name),
            Self::Label => label(name),
            Self::PathSegment => path_segment(name),
        }
    }

    /// The same for `generateName`, where a trailing dash is fine because something follows.
    pub(crate) fn check_prefix(self, prefix: &str) -> Vec<String> {
        let masked = match prefix.strip_suffix('-') {
            Some(stem) if prefix.len() > 1 => format!("{stem}a"),
            _ => prefix.to_owned(),
        };
        self.check(&masked)
    }
}

fn is_label_text(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(&first), Some(&last)) if inner(first) && inner(last))
        && bytes.iter().all(|&b| inner(b) || b == b'-')
}

pub(crate) fn subdomain(name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if name.len() > 253 {
        errors.push("must be no more than 253 characters".to_owned());
    }
    if !name.split('.').all(is_label_text) {
        errors.push(SUBDOMAIN.to_owned());
    }
    errors
}

pub(crate) fn label(name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if name.len() > 63 {
        errors.push("must be no more than 63 characters".to_owned());
    }
    if name.contains('.') {
        errors.push("must not contain dots".to_owned());
    } else if !is_label_text(name) {
        errors.push(LABEL.to_owned());
    }
    errors
}

pub(crate) fn label_1035(name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if name.len() > 63 {
        errors.push("must be no more than 63 characters".to_owned());
    }
    if !is_label_text(name) || name.starts_with(|c: char| c.is_ascii_digit()) {
        errors.push(LABEL_1035.to_owned());
    }
    errors
}

/// Names of ports, as IANA has them.
pub(crate) fn port_name(name: &str) -> Vec<String> {
    let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let rules = [
        (name.len() > 15, "must be no more than 15 characters"),
        (
            name.is_empty() || !name.bytes().all(is_allowed),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (
            !name.bytes().any(|b| b.is_ascii_lowercase()),
            "must contain at least one letter (a-z)",
        ),
        (name.contains("--"), "must not contain consecutive hyphens"),
        (
            name.starts_with('-') || name.ends_with('-'),
            "must not begin or end with a hyphen",
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, _)| *is_broken);
    broken.map(|(_, why)| why.to_owned()).collect()
}

/// Names of environment variables.
pub(crate) fn variable_name(name: &str) -> Vec<String> {
    let is_allowed = |b: u8| (b' '..=b'~').contains(&b) && b != b'=';
    if name.bytes().all(is_allowed) {
        return Vec::new();
    }
    let why = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    vec![why.to_owned()]
}

fn path_segment(name: &str) -> Vec<String> {
    match name {
        "." | ".." => vec![format!("may not be '{name}'")],
        _ => ['/', '%']
            .iter()
            .filter(|&&c| name.contains(c))
            .map(|c| format!("may not contain '{c}'"))
            .collect(),
    }
}

fn is_qualified_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Label and annotation keys, finalizers: `[prefix/]name`.
pub(crate) fn qualified_name(key: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let parts: Vec<&str> = key.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        ["", name] => {
            errors.push("prefix part must be non-empty".to_owned());
            name
        }
        [prefix, name] => {
            errors.extend(
                subdomain(prefix)
                    .into_iter()
                    .map(|error| error.replace("253 characters", "253 bytes"))
                    .map(|error| format!("prefix part {error}")),
            );
            name
        }
        _ => {
            let example =
                "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {QUALIFIED} {example}")];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_qualified_text(name) {
        errors.push(format!("name part {QUALIFIED}"));
    }
    errors
}

pub(crate) fn label_value(value: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if value.len() > 63 {
        errors.push("must be no more than 63 bytes".to_owned());
    }
    if !value.is_empty() && !is_qualified_text(value) {
        errors.push(LABEL_VALUE.to_owned());
    }
    errors
}

/// Keys of ConfigMaps and Secrets.
pub(crate) fn config_key(key: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if key.len() > 253 {
        errors.push("must be no more than 253 characters".to_owned());
    }
    if key.is_empty()
        || !key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    {
        errors.push(CONFIG_KEY.to_owned());
    } else if key == "." || key == ".." {
        errors.push(format!("must not be '{key}'"));
    } else if key.starts_with("..") {
        errors.push("must not start with '..'".to_owned());
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_like_a_real_server_does() {
        for (name, fine) in [
            ("a", true),
            ("a.b-c", true),
            ("UPPER", false),
            ("a..b", false),
            ("-a", false),
            ("", false),
        ] {
            assert_eq!(NameRule::Subdomain.check(name).is_empty(), fine, "{name}");
        }
        for (name, fine) in [("a-b", true), ("a.b", false), ("1a", true)] {
            assert_eq!(NameRule::Label.check(name).is_empty(), fine, "{name}");
        }
        for (name, fine) in [("system:node", true), ("a/b", false), ("..", false)] {
            assert_eq!(NameRule::PathSegment.check(name).is_empty(), fine, "{name}");
        }
        assert!(NameRule::Subdomain.check_prefix("gen-").is_empty());
    }

    #[test]
    fn keys_are_judged_like_a_real_server_does() {
        for (key, fine) in [
            ("a", true),
            ("a.b/c_D", true),
            ("-a", false),
            ("/a", false),
            ("a/b/c", false),
            ("A/b", false),
        ] {
            assert_eq!(qualified_name(key).is_empty(), fine, "{key}");
        }
        for (value, fine) in [("", true), ("a b", false), ("A_1", true), ("-", false)] {
            assert_eq!(label_value(value).is_empty(), fine, "{value}");
        }
    }
}
