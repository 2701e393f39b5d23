//! Requests that are repeated until their answer is what is waited for.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, client::Answer, path::Path};

/// Until what a request is repeated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Poll {
    /// For how long, in seconds.
    pub(crate) timeout: f64,
    pub(crate) until: Condition,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Condition {
    status: Option<u16>,
    path: Option<String>,
    equals: Option<Value>,
    absent: bool,
}

impl Condition {
    pub(crate) fn holds(&self, answer: &Answer) -> Result<bool, Failure> {
        if self.status.is_some_and(|status| status != answer.status) {
            return Ok(false);
        }
        let Some(path) = &self.path else {
            return Ok(true);
        };
        let body = answer.content.to_value();
        let found = Path::parse(path)?.all(&body);
        Ok(match &self.equals {
            Some(wanted) => found.contains(&wanted),
            None if self.absent => matches!(found[..], [] | [Value::Null]) || found == [&json!([])],
            None => !found.is_empty(),
        })
    }
}
