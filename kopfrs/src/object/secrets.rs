//! Which values of a spec are secret: passwords and their like must not be copied to places that more people can read
//! than the object, such as annotations, statuses, events and logs.
//!
//! Pure. What is hidden is told by the names of fields, since a spec does not say it; users name what has other names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::FieldPath;

/// What stands where a secret was.
pub(crate) const HIDDEN: &str = "***";

/// Texts that are shorter are masked nowhere: they stand in too many others by chance.
const SHORTEST: usize = 4;

/// A line of a longer secret that is shorter says nothing.
const SHORTEST_LINE: usize = 8;

/// Names of fields that hold secrets contain one of these; case, `-`, `_` and `.` aside.
const TELLING: [&str; 8] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "credential",
];

/// Names of fields that say where a secret is end in one of these, and hold none.
const REFERRING: [&str; 4] = [
    "secretname",
    "secretref",
    "secretkeyref",
    "imagepullsecrets",
];

/// Tells which values of a spec are secret.
///
/// These are all texts under fields whose names contain `password`, `passwd`, `passphrase`, `secret`, `token`,
/// `apiKey`, `privateKey` or `credential`, however they are spelled; what refers to a Secret (`secretName`,
/// `secretRef`, `secretKeyRef`, `imagePullSecrets`) aside. So is the `value` of a pair whose `name` is such a one. Others
/// are named with [`and_field`](Secrets::and_field).
///
/// # Examples
/// ```
/// use kopfrs::object::Secrets;
/// use serde_json::json;
///
/// let spec = json!({"user": "ada", "dbPassword": "correct horse", "tls": {"secretName": "web-tls"}});
/// let secrets = Secrets::default();
/// assert_eq!(secrets.hide(&spec), json!({"user": "ada", "dbPassword": "***", "tls": {"secretName": "web-tls"}}));
/// assert_eq!(secrets.mask(&spec).apply("login as ada:correct horse"), "login as ada:***");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    fields: Vec<FieldPath>,
}

/// Takes the secrets of one spec out of texts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mask {
    /// As they may stand in texts; the longest first, since one may contain another.
    spellings: Vec<String>,
}

/// Where a walk through a spec is.
#[derive(Clone)]
struct Place<'a> {
    is_secret: bool,
    /// What is left of the fields that were named and that lead here.
    ahead: Vec<Vec<&'a str>>,
}

impl Secrets {
    /// Takes everything at and below this field for secret, too: `spec.dsn`. A list on the way means all of its items.
    pub fn and_field(mut self, field: FieldPath) -> Self {
        self.fields.push(field);
        self
    }

    /// The spec with `***` in place of each secret.
    pub fn hide(&self, spec: &Value) -> Value {
        let mut hidden = spec.clone();
        walk(&mut hidden, &self.root(), &mut |secret| {
            HIDDEN.clone_into(secret);
        });
        hidden
    }

    /// What takes the secrets of this spec out of texts.
    pub fn mask(&self, spec: &Value) -> Mask {
        let mut spellings = Vec::new();
        walk(&mut spec.clone(), &self.root(), &mut |secret| {
            spell(secret, &mut spellings);
        });
        spellings.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        Mask { spellings }
    }

    fn root(&self) -> Place<'_> {
        let inside = |field: &'_ FieldPath| field.segments().next() == Some("spec");
        let ahead = self.fields.iter().map(|field| {
            let skipped = usize::from(inside(field));
            field.segments().skip(skipped).collect()
        });
        let ahead: Vec<Vec<&str>> = ahead.collect();
        Place {
            is_secret: ahead.iter().any(Vec::is_empty),
            ahead,
        }
    }
}

impl Mask {
    /// The text with `***` in place of each secret: as it is, as JSON writes it, in Base64, and of those of several lines
    /// each line. Secrets of fewer than four bytes stay.
    pub fn apply(&self, text: &str) -> String {
        let spellings = self.spellings.iter();
        spellings.fold(text.to_owned(), |text, secret| {
            if text.contains(&**secret) {
                text.replace(&**secret, HIDDEN)
            } else {
                text
            }
        })
    }

    /// The same for a text whose beginning was cut off, maybe in the middle of a secret.
    pub fn apply_to_rest(&self, text: &str) -> String {
        let cut = self.spellings.iter().filter_map(|secret| {
            let ends = secret.char_indices().map(|(at, _)| &secret[at..]);
            ends.filter(|end| end.len() >= SHORTEST)
                .find(|end| text.starts_with(*end))
        });
        match cut.max_by_key(|end| end.len()) {
            Some(end) => format!("{HIDDEN}{}", self.apply(&text[end.len()..])),
            None => self.apply(text),
        }
    }

    /// The same value with the secrets taken out of all of its texts, those of its keys too.
    pub fn apply_to_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.apply(&text)),
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.apply_to_value(item));
                Value::Array(items.collect())
            }
            Value::Object(map) => {
                let pairs = map.into_iter();
                let pairs =
                    pairs.map(|(key, value)| (self.apply(&key), self.apply_to_value(value)));
                Value::Object(pairs.collect())
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }
}

/// It must not tell what it hides.
impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({} spellings)", self.spellings.len())
    }
}

impl<'a> Place<'a> {
    /// The place of a field below this one.
    fn below(&self, name: &str) -> Self {
        let ahead = self.ahead.iter().filter_map(|path| {
            let (first, rest) = path.split_first()?;
            (*first == name).then(|| rest.to_vec())
        });
        let ahead: Vec<Vec<&'a str>> = ahead.collect();
        let is_named = ahead.iter().any(Vec::is_empty);
        let by_name = match meaning(name) {
            Meaning::Secret => true,
            Meaning::Reference => false,
            Meaning::Nothing => self.is_secret,
        };
        Self {
            is_secret: is_named || by_name,
            ahead,
        }
    }
}

/// What the name of a field says of what is in it.
enum Meaning {
    Secret,
    Reference,
    Nothing,
}

fn meaning(name: &str) -> Meaning {
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_' | '.'));
    let name: String = letters.flat_map(char::to_lowercase).collect();
    if REFERRING.iter().any(|end| name.ends_with(end)) {
        Meaning::Reference
    } else if TELLING.iter().any(|part| name.contains(part)) {
        Meaning::Secret
    } else {
        Meaning::Nothing
    }
}

/// Shows each secret to a function.
fn walk(value: &mut Value, place: &Place<'_>, found: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) if place.is_secret => found(text),
        Value::Array(items) => {
            for item in items {
                walk(item, place, found);
            }
        }
        Value::Object(map) => {
            let is_secret_pair = is_secret_pair(map);
            for (key, value) in map {
                let mut below = place.below(key);
                below.is_secret |= is_secret_pair && key == "value";
                walk(value, &below, found);
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether this is `{name: DB_PASSWORD, value: …}`, as environments of containers are written.
fn is_secret_pair(map: &Map<String, Value>) -> bool {
    let name = map.get("name").and_then(Value::as_str);
    name.is_some_and(|name| matches!(meaning(name), Meaning::Secret))
}

/// Collects the ways in which programs write a secret.
fn spell(secret: &str, spellings: &mut Vec<String>) {
    let mut add = |spelling: &str, shortest: usize| {
        if spelling.len() >= shortest {
            spellings.push(spelling.to_owned());
        }
    };
    if secret.len() < SHORTEST {
        return;
    }
    add(secret, SHORTEST);
    add(&STANDARD.encode(secret), SHORTEST);
    let quoted = Value::from(secret).to_string();
    add(&quoted[1..quoted.len() - 1], SHORTEST);
    // A key of several lines comes line by line into the log.
    if secret.contains('\n') {
        for line in secret.lines() {
            add(line.trim(), SHORTEST_LINE);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_fields_tell_what_is_secret() {
        let rows = [
            ("password", true),
            ("dbPassword", true),
            ("DB_PASSWD", true),
            ("pass-phrase", true),
            ("clientSecret", true),
            ("accessToken", true),
            ("api_key", true),
            ("API-KEY", true),
            ("ssh.private.key", true),
            ("awsCredentials", true),
            ("existingSecret", true),
            ("secretName", false),
            ("passwordSecretRef", false),
            ("secretKeyRef", false),
            ("tls_secret_name", false),
            ("imagePullSecrets", false),
            ("keyboard", false),
            ("path", false),
            ("pass", false),
        ];
        for (name, is_secret) in rows {
            let spec = json!({name: "correct horse"});
            let hidden = Secrets::default().hide(&spec);
            assert_eq!(hidden[name] == HIDDEN, is_secret, "{name}");
            let masked = Secrets::default().mask(&spec).apply("a correct horse b");
            assert_eq!(masked == "a *** b", is_secret, "{name}");
        }
    }

    #[test]
    fn secrets_are_found_at_any_depth() {
        let spec = json!({
            "users": [{"name": "ada", "token": "t0k3n"}],
            "credentials": {"user": "ada", "parts": ["one1", 2], "secretRef": {"name": "kept"}},
            "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "COLOUR", "value": "blue"}],
            "valueFrom": {"secretKeyRef": {"name": "kept", "key": "kept"}},
            "tokens": 3,
        });
        let expected = json!({
            "users": [{"name": "ada", "token": "***"}],
            "credentials": {"user": "***", "parts": ["***", 2], "secretRef": {"name": "kept"}},
            "env": [{"name": "DB_PASSWORD", "value": "***"}, {"name": "COLOUR", "value": "blue"}],
            "valueFrom": {"secretKeyRef": {"name": "kept", "key": "kept"}},
            "tokens": 3,
        });
        assert_eq!(Secrets::default().hide(&spec), expected);
    }

    #[test]
    fn users_name_what_else_is_secret() {
        let secrets = ["spec.dsn", "hosts.key", "tls.secretName"]
            .into_iter()
            .fold(Secrets::default(), |secrets, field| {
                secrets.and_field(field.parse().unwrap())
            });
        let spec = json!({
            "dsn": {"url": "postgres://x"}, "hosts": [{"key": "k1", "dsn": "no"}], "tls": {"secretName": "s"},
        });
        let expected = json!({
            "dsn": {"url": "***"}, "hosts": [{"key": "***", "dsn": "no"}], "tls": {"secretName": "***"},
        });
        assert_eq!(secrets.hide(&spec), expected);
        let everything = Secrets::default().and_field("spec".parse().unwrap());
        assert_eq!(everything.hide(&json!({"a": "b"})), json!({"a": "***"}));
    }

    #[test]
    fn secrets_are_masked_however_they_are_written() {
        let spec = json!({"password": "a \"b\" c\\", "key": "x", "token": "tiny", "tokenB": "tiny-not", "secret": "abc"});
        let mask = Secrets::default().mask(&spec);
        for (text, expected) in [
            ("say a \"b\" c\\ twice: a \"b\" c\\", "say *** twice: ***"),
            (r#"{"password":"a \"b\" c\\"}"#, r#"{"password":"***"}"#),
            ("YSAiYiIgY1w=", "***"),
            ("tiny-not tiny", "*** ***"),
            ("abc stays", "abc stays"),
            ("", ""),
        ] {
            assert_eq!(mask.apply(text), expected, "{text}");
        }
        let masked = mask.apply_to_value(json!({"tiny": ["is tiny", 1, null]}));
        assert_eq!(masked, json!({"***": ["is ***", 1, null]}));
    }

    #[test]
    fn secrets_of_several_lines_are_masked_line_by_line() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\nabc\n-----END PRIVATE KEY-----\n";
        let mask = Secrets::default().mask(&json!({"privateKey": key}));
        assert_eq!(mask.apply("line: MIIEvQIBADAN"), "line: ***");
        assert_eq!(mask.apply(&format!("whole: {key}.")), "whole: ***.");
    }

    #[test]
    fn half_a_secret_is_masked_where_a_text_was_cut() {
        let mask = Secrets::default().mask(&json!({"password": "correct horse"}));
        for (text, expected) in [
            ("rect horse, then correct horse", "***, then ***"),
            ("correct horse", "***"),
            ("rse", "rse"),
            ("of course", "of course"),
        ] {
            assert_eq!(mask.apply_to_rest(text), expected, "{text}");
        }
    }

    #[test]
    fn a_mask_does_not_tell_what_it_hides() {
        let mask = Secrets::default().mask(&json!({"password": "correct horse"}));
        assert!(!format!("{mask:?}").contains("horse"), "{mask:?}");
    }
}
