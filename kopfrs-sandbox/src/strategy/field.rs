//! A place in an object that is validated: its path, its value, and what can be wrong with it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    error::FieldError,
    strategy::names::{label_value, port_name, qualified_name},
};

/// A value of an object and the path to it.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    pub(crate) path: String,
    pub(crate) value: &'a Value,
}

impl<'a> Field<'a> {
    /// A member of the object itself.
    pub(crate) fn root(object: &'a Value, name: &str) -> Self {
        Self {
            path: name.to_owned(),
            value: &object[name],
        }
    }

    pub(crate) fn member(&self, name: &str) -> Self {
        Self {
            path: format!("{}.{name}", self.path),
            value: &self.value[name],
        }
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = Self> {
        let items = self.value.as_array().into_iter().flatten();
        items.enumerate().map(|(index, value)| Self {
            path: format!("{}[{index}]", self.path),
            value,
        })
    }

    /// The members of a map, each at `path[key]`.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(key, value)| {
            let path = format!("{}[{key}]", self.path);
            (key.as_str(), Self { path, value })
        })
    }

    pub(crate) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    pub(crate) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.value.as_array().is_none_or(Vec::is_empty)
    }

    pub(crate) fn required(&self, why: &str) -> FieldError {
        FieldError::required(self.path.as_str(), why)
    }

    pub(crate) fn invalid(&self, why: &str) -> FieldError {
        FieldError::invalid(self.path.as_str(), self.value, why)
    }

    /// The same about another value than the one that is there.
    pub(crate) fn invalid_as(&self, shown: &Value, why: &str) -> FieldError {
        FieldError::invalid(self.path.as_str(), shown, why)
    }

    pub(crate) fn forbidden(&self, why: &str) -> FieldError {
        FieldError::forbidden(self.path.as_str(), why)
    }

    pub(crate) fn duplicate(&self) -> FieldError {
        FieldError::new(
            "FieldValueDuplicate",
            self.path.as_str(),
            format!("Duplicate value: {}", self.value),
        )
    }

    pub(crate) fn not_found(&self) -> FieldError {
        FieldError::new(
            "FieldValueNotFound",
            self.path.as_str(),
            format!("Not found: {}", self.value),
        )
    }

    /// One of a few words, if it is there.
    pub(crate) fn one_of(&self, words: &[&str]) -> Option<FieldError> {
        let known = self.value.is_null() || words.contains(&self.text());
        (!known).then(|| FieldError::unsupported(self.path.as_str(), self.value, words))
    }

    /// A number of at least 0, if it is there.
    pub(crate) fn not_negative(&self) -> Option<FieldError> {
        let negative = self.value.as_i64().is_some_and(|number| number < 0);
        negative.then(|| self.invalid("must be greater than or equal to 0"))
    }

    /// A number between two others, if it is there.
    pub(crate) fn within(&self, low: i64, high: i64) -> Option<FieldError> {
        let outside = |number: i64| !(low..=high).contains(&number);
        let outside = self.value.as_i64().is_some_and(outside);
        outside.then(|| self.invalid(&format!("must be between {low} and {high}, inclusive")))
    }

    /// The number of a port or the name of one, if it is there.
    pub(crate) fn port(&self) -> Vec<FieldError> {
        match self.value {
            Value::String(_) => self.name(port_name),
            _ => self.within(1, 65_535).into_iter().collect(),
        }
    }

    /// A text that follows a rule.
    pub(crate) fn name(&self, rule: fn(&str) -> Vec<String>) -> Vec<FieldError> {
        let wrong = rule(self.text());
        wrong.iter().map(|why| self.invalid(why)).collect()
    }

    /// Labels, wherever they are: each error is about the map.
    pub(crate) fn labels(&self, errors: &mut Vec<FieldError>) {
        for (key, value) in self.value.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let wrong_key = qualified_name(key)
                .into_iter()
                .map(|why| (key.as_str(), why));
            let wrong = wrong_key.chain(label_value(value).into_iter().map(|why| (value, why)));
            errors.extend(wrong.map(|(text, why)| self.invalid_as(&json!(text), &why)));
        }
    }

    /// A label selector in the form of an object.
    pub(crate) fn selector(&self, errors: &mut Vec<FieldError>) {
        self.member("matchLabels").labels(errors);
        for expression in self.member("matchExpressions").items() {
            expression.requirement(errors);
        }
    }

    fn requirement(&self, errors: &mut Vec<FieldError>) {
        let values = self.member("values");
        let operator = self.member("operator");
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                let why = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(values.required(why));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(values.forbidden(why));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => errors.push(operator.invalid("not a valid selector operator")),
        }
        errors.extend(self.member("key").name(qualified_name));
        for value in values.items() {
            errors.extend(value.name(label_value));
        }
    }
}

/// Names that are to be different from one another.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Notes a name; an error if it was there before. Empty names are another rule's matter.
    pub(crate) fn note(&mut self, name: &Field<'_>) -> Option<FieldError> {
        let text = name.text();
        (!text.is_empty() && !self.0.insert(text.to_owned())).then(|| name.duplicate())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
