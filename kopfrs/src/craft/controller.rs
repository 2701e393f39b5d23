//! `controller.json`: what the kind is called, and how its program is run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::mistake::{Findings, member};
use super::value;

/// How often CRAFT looks at what is there if nothing else is said.
const RESYNC: Duration = Duration::from_secs(30);

/// Tells what is wrong with a value.
type Check = fn(&str) -> Result<(), String>;

/// A key of the file.
struct Key {
    name: &'static str,
    is_required: bool,
    check: Option<Check>,
}

const fn required(name: &'static str, check: Check) -> Key {
    Key {
        name,
        is_required: true,
        check: Some(check),
    }
}

const fn optional(name: &'static str, check: Check) -> Key {
    Key {
        name,
        is_required: false,
        check: Some(check),
    }
}

/// A key that is only handed on.
const fn free(name: &'static str) -> Key {
    Key {
        name,
        is_required: false,
        check: None,
    }
}

const KEYS: [Key; 15] = [
    required("group", value::domain),
    required("resource", value::kind),
    free("repo"),
    required("domain", value::domain),
    required("namespace", value::label),
    required("version", value::version),
    optional("operator_image", value::image),
    optional("image", value::image),
    optional("imagePullSecrets", value::domain),
    optional("imagePullPolicy", value::pull_policy),
    optional("cpu_limit", value::quantity),
    optional("memory_limit", value::quantity),
    free("vault_addr"),
    optional("runOnce", value::switch),
    optional("reconcileFreq", value::minutes),
];

/// What the file says, after it was checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Controller {
    values: BTreeMap<String, String>,
}

impl Controller {
    /// Reads the file. Where something is wrong, it is left out.
    pub(super) fn read(text: &str, findings: &mut Findings) -> Self {
        let Some(members) = object(text, findings) else {
            return Self::default();
        };
        for name in members.keys() {
            if KEYS.iter().all(|key| key.name != name) {
                let known: Vec<_> = KEYS.iter().map(|key| key.name).collect();
                let problem = format!("nobody reads this; the keys are {}", known.join(", "));
                findings.warning(member("$", name), problem);
            }
        }
        let values = KEYS.iter().filter_map(|key| {
            let value = key.read(&members, findings)?;
            Some((key.name.to_owned(), value))
        });
        Self {
            values: values.collect(),
        }
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// A value that may be missing.
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// All that is said, as programs get it in their environment.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (&**name, &**value))
    }

    pub(super) fn group(&self) -> String {
        format!("{}.{}", self.value("group"), self.value("domain"))
    }

    pub(super) fn kind(&self) -> &str {
        self.value("resource")
    }

    pub(super) fn singular(&self) -> String {
        self.kind().to_lowercase()
    }

    pub(super) fn plural(&self) -> String {
        format!("{}s", self.singular())
    }

    pub(super) fn version(&self) -> &str {
        self.value("version")
    }

    pub(super) fn namespace(&self) -> &str {
        self.value("namespace")
    }

    /// Whether what is there is not looked at any more.
    pub(super) fn is_once(&self) -> bool {
        self.value("runOnce") == "1"
    }

    /// How often to look at what is there; zero is never.
    pub(super) fn resync(&self) -> Duration {
        let minutes = self.optional("reconcileFreq").map(str::parse::<u32>);
        match minutes {
            Some(Ok(minutes)) => Duration::from_secs(60 * u64::from(minutes)),
            Some(Err(_)) | None => RESYNC,
        }
    }
}

impl Key {
    /// The value, if there is one and nothing is wrong with it.
    fn read(&self, members: &Map<String, Value>, findings: &mut Findings) -> Option<String> {
        let path = member("$", self.name);
        match members.get(self.name) {
            None | Some(Value::Null) => self.missing("is missing", findings),
            Some(Value::String(text)) if text.is_empty() => self.missing("is empty", findings),
            Some(Value::String(text)) => match self.check.map_or(Ok(()), |check| check(text)) {
                Ok(()) => Some(text.clone()),
                Err(problem) => {
                    findings.mistake(path, format!("{} {problem}", Value::from(text.as_str())));
                    None
                }
            },
            Some(other) => {
                let wanted = match other {
                    Value::Number(number) => format!(": {:?}: \"{number}\"", self.name),
                    Value::Bool(_) if self.name == "runOnce" => ": \"runOnce\": \"1\"".to_owned(),
                    _ => String::new(),
                };
                let problem = format!("it is {}, and has to be a text{wanted}", type_of(other));
                findings.mistake(path, problem);
                None
            }
        }
    }

    fn missing(&self, how: &str, findings: &mut Findings) -> Option<String> {
        if self.is_required {
            let (name, example) = (self.name, example(self.name));
            findings.mistake(
                member("$", name),
                format!("it {how}; add {name:?}: {example:?}, or what it is called with you"),
            );
        }
        None
    }
}

/// What a person may have in mind.
fn example(name: &str) -> &'static str {
    match name {
        "group" => "blog",
        "resource" => "Site",
        "domain" => "example.com",
        "version" => "v1",
        _ => "default",
    }
}

/// The object that a file has to be.
pub(super) fn object(text: &str, findings: &mut Findings) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Some(members),
        Ok(other) => {
            let problem = format!("it is {}, and has to be an object: {{…}}", type_of(&other));
            findings.mistake("$", problem);
            None
        }
        Err(error) => {
            findings.mistake("$", format!("it is no JSON: {error}; mend it there"));
            None
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#""group": "blog", "resource": "WebSite", "domain": "example.com", "namespace": "craft",
        "version": "v1""#;

    fn read(more: &str) -> (Controller, Findings) {
        let mut findings = Findings::of("controller.json");
        let controller = Controller::read(&format!("{{{MINIMAL}{more}}}"), &mut findings);
        (controller, findings)
    }

    #[test]
    fn names_are_made_as_craft_makes_them() {
        let (controller, findings) = read("");
        assert_eq!(findings.mistakes.0, []);
        assert_eq!(controller.group(), "blog.example.com");
        assert_eq!(
            (controller.kind(), &*controller.plural()),
            ("WebSite", "websites")
        );
    }

    #[test]
    fn how_often_to_look_again_is_in_minutes_and_once_is_once() {
        for (more, resync, is_once) in [
            ("", 30, false),
            (r#", "reconcileFreq": """#, 30, false),
            (r#", "reconcileFreq": "5""#, 300, false),
            (r#", "reconcileFreq": "0", "runOnce": "0""#, 0, false),
            (r#", "runOnce": "1""#, 30, true),
        ] {
            let (controller, findings) = read(more);
            assert_eq!(findings.mistakes.0, []);
            assert_eq!(controller.resync(), Duration::from_secs(resync), "{more}");
            assert_eq!(controller.is_once(), is_once, "{more}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_paths() {
        let mut findings = Findings::of("controller.json");
        let text = r#"{"resource": "site", "group": "", "version": 1, "namespace": "a b", "cpu_limit": "much",
                       "runOnce": true, "image pull": "x"}"#;
        Controller::read(text, &mut findings);
        let mistakes = findings.mistakes.0.iter();
        let paths: Vec<_> = mistakes.map(|mistake| &*mistake.path).collect();
        assert_eq!(
            paths,
            [
                "$.group",
                "$.resource",
                "$.domain",
                "$.namespace",
                "$.version",
                "$.cpu_limit",
                "$.runOnce"
            ]
        );
        assert_eq!(findings.warnings[0].path, "$[\"image pull\"]");
    }

    #[test]
    fn what_is_no_object_is_told_with_its_place() {
        for (text, part) in [
            ("[]", "it is a list"),
            ("{\n\"a\": ,}", "line 2 column 6"),
            ("", "EOF"),
        ] {
            let mut findings = Findings::of("controller.json");
            Controller::read(text, &mut findings);
            let told = findings.mistakes.to_string();
            assert!(
                told.starts_with("controller.json: $: it is ") && told.contains(part),
                "{told}"
            );
        }
    }
}
