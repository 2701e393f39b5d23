//! Arguments made of the object, for programs that were written for CRAFT.

use crate::exec::Call;

/// Why a text is not a template of arguments.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A placeholder that there is none of.
    #[error(
        "there is no placeholder {0} for arguments: there are {{type}}, {{spec}} and {{status}}"
    )]
    Unknown(String),
}

/// Arguments with placeholders.
#[derive(Clone, Debug)]
pub(super) struct Template {
    arguments: Vec<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Type,
    Spec,
    Status,
}

impl Template {
    /// Reads a template. It is split before anything is put in, so that no value can become several arguments.
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        let arguments = text.split_whitespace().map(parts);
        Ok(Self {
            arguments: arguments.collect::<Result<_, _>>()?,
        })
    }

    /// The arguments for a call.
    pub(super) fn fill(&self, call: &Call) -> Vec<String> {
        let fill = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Type => call.operation().name().to_owned(),
            Part::Spec => call.object().spec().to_string(),
            Part::Status => call.object().status().to_string(),
        };
        let arguments = self.arguments.iter();
        arguments
            .map(|parts| parts.iter().map(fill).collect())
            .collect()
    }
}

/// Takes one argument apart.
fn parts(argument: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = argument;
    while let Some((before, inside)) = rest.split_once('{') {
        let (part, after) = match inside.split_once('}') {
            Some(("type", after)) => (Part::Type, after),
            Some(("spec", after)) => (Part::Spec, after),
            Some(("status", after)) => (Part::Status, after),
            // Braces of other things, of JSON say, are no placeholders.
            Some((name, _)) if is_name(name) => {
                return Err(TemplateError::Unknown(format!("{{{name}}}")));
            }
            _ => (Part::Text("{".to_owned()), inside),
        };
        parts.extend([Part::Text(before.to_owned()), part]);
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    parts.retain(|part| *part != Part::Text(String::new()));
    Ok(parts)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lifecycle::Operation;
    use crate::object::Body;

    #[test]
    fn values_stay_one_argument_and_are_not_read_again() {
        let object = json!({"spec": {"a": "two words {type}"}, "status": {"b": 1}});
        let call = Call::new(Operation::Verify, Body::new(object));
        let fill = |text: &str| Template::parse(text).unwrap().fill(&call);
        assert_eq!(
            fill("--type {type}  --spec={spec} {status}x{ {}"),
            [
                "--type",
                "verify",
                r#"--spec={"a":"two words {type}"}"#,
                r#"{"b":1}x{"#,
                "{}"
            ]
        );
        assert!(fill("").is_empty());
        let error = Template::parse("--log {logPath}").unwrap_err();
        assert!(error.to_string().contains("no placeholder {logPath}"));
    }
}
