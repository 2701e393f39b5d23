//! `${name}` in what is sent: parts of earlier answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Failure, ordered::Ordered};

/// What was kept so far.
#[derive(Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, Value>);

impl Variables {
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// A value with all variables in it filled in. A text that is nothing but a variable becomes its value.
    pub(crate) fn fill(&self, value: &Value) -> Result<Value, Failure> {
        Ok(match value {
            Value::String(text) => match whole(text) {
                Some(name) => self.find(name)?.clone(),
                None => Value::String(self.fill_text(text)?),
            },
            Value::Array(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.fill(item)).collect();
                Value::Array(items?)
            }
            Value::Object(members) => {
                let filled = members
                    .iter()
                    .map(|(name, member)| Ok((self.fill_text(name)?, self.fill(member)?)));
                Value::Object(filled.collect::<Result<_, Failure>>()?)
            }
            other => other.clone(),
        })
    }

    /// The same for a value whose members keep their order.
    pub(crate) fn fill_ordered(&self, value: &Ordered) -> Result<Ordered, Failure> {
        Ok(match value {
            Ordered::Plain(value) => self.fill(value)?.into(),
            Ordered::Items(items) => {
                let items = items.iter().map(|item| self.fill_ordered(item));
                Ordered::Items(items.collect::<Result<_, Failure>>()?)
            }
            Ordered::Members(members) => {
                let members = members.iter();
                let filled = members
                    .map(|(name, member)| Ok((self.fill_text(name)?, self.fill_ordered(member)?)));
                Ordered::Members(filled.collect::<Result<_, Failure>>()?)
            }
        })
    }

    fn fill_text(&self, text: &str) -> Result<String, Failure> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| format!("a variable is not closed in {text:?}"))?;
            filled.push_str(before);
            match self.find(name)? {
                Value::String(text) => filled.push_str(text),
                other => filled.push_str(&other.to_string()),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn find(&self, name: &str) -> Result<&Value, Failure> {
        let found = self.0.get(name);
        Ok(found.ok_or_else(|| format!("nothing was saved as {name:?}"))?)
    }
}

/// The name of the variable that is the whole text.
fn whole(text: &str) -> Option<&str> {
    text.strip_prefix("${")?
        .strip_suffix('}')
        .filter(|name| !name.contains('}'))
}
