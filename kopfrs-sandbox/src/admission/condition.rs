//! CEL: the match conditions of webhooks.
//!
//! Conditions see `object`, `oldObject` and `request`. There is no `authorizer`: a condition that names it fails, and the
//! failure policy decides.

use std::{collections::HashMap, sync::Arc};

use kube_cel::{
    KubeCelExt,
    cel::{
        Context, ExecutionError, Program, Value as Cel,
        objects::{Key, Map},
    },
};
use serde_json::Value;

use super::hook::{FailurePolicy, Hook};

/// What conditions look at.
#[derive(Debug)]
pub(super) struct Variables<'a> {
    pub(super) object: &'a Value,
    pub(super) old: &'a Value,
    pub(super) request: &'a Value,
}

/// Whether all conditions hold; the error says which could not be told.
pub(super) fn hold(hook: &Hook, variables: &Variables<'_>) -> Result<bool, String> {
    if hook.conditions.is_empty() {
        return Ok(true);
    }
    let context = context(variables);
    let mut failures = Vec::new();
    for (_, expression) in &hook.conditions {
        match evaluate(expression, &context) {
            Ok(true) => {}
            // One that does not hold decides, whatever became of the others.
            Ok(false) => return Ok(false),
            Err(why) => failures.push(why),
        }
    }
    match (failures.len(), hook.failure_policy) {
        (0, _) => Ok(true),
        (_, FailurePolicy::Ignore) => Ok(false),
        (1, FailurePolicy::Fail) => Err(failures.remove(0)),
        (_, FailurePolicy::Fail) => Err(format!("[{}]", failures.join(", "))),
    }
}

/// Why an expression does not compile.
pub(super) fn compile_error(expression: &str) -> Option<String> {
    Program::compile(expression)
        .err()
        .map(|error| error.to_string())
}

fn context(variables: &Variables<'_>) -> Context<'static> {
    let mut context = Context::default().with_all();
    for (name, value) in [
        ("object", variables.object),
        ("oldObject", variables.old),
        ("request", variables.request),
    ] {
        context.add_variable_from_value(name, cel(value));
    }
    context
}

fn evaluate(expression: &str, context: &Context<'_>) -> Result<bool, String> {
    let failed = |why: String| format!("expression '{expression}' resulted in error: {why}");
    let program = Program::compile(expression).map_err(|error| failed(error.to_string()))?;
    match program.execute(context) {
        Ok(Cel::Bool(holds)) => Ok(holds),
        Ok(_) => Err(failed("must evaluate to bool".to_owned())),
        Err(ExecutionError::NoSuchKey(key)) => Err(failed(format!("no such key: {key}"))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Objects are seen as they are: no name is escaped, as nothing declares fields here.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Cel::Int(integer),
            (None, Some(integer)) => Cel::UInt(integer),
            (None, None) => Cel::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(cel).collect())),
        Value::Object(fields) => {
            let members: HashMap<Key, Cel> = fields
                .iter()
                .map(|(name, value)| (Key::String(Arc::new(name.clone())), cel(value)))
                .collect();
            Cel::Map(Map {
                map: Arc::new(members),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(expression: &str) -> Result<bool, String> {
        let object = json!({"metadata": {"labels": {"a.b/c": "x"}}, "spec": {"n": 3}});
        let request = json!({"operation": "CREATE", "userInfo": {"groups": ["g"]}});
        let variables = Variables {
            object: &object,
            old: &Value::Null,
            request: &request,
        };
        evaluate(expression, &context(&variables))
    }

    #[test]
    fn conditions_see_the_request() {
        for holds in [
            "object.spec.n > 2",
            "oldObject == null",
            "request.operation == 'CREATE' && 'g' in request.userInfo.groups",
            "object.metadata.labels['a.b/c'] == 'x'",
            "!has(object.spec.m)",
        ] {
            assert_eq!(check(holds), Ok(true), "{holds}");
        }
        assert_eq!(check("object.spec.n > 3"), Ok(false));
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        assert_eq!(
            check("object.spec.m > 3").expect_err("no such member"),
            "expression 'object.spec.m > 3' resulted in error: no such key: m"
        );
        assert!(check("authorizer.path('/')").is_err());
        assert!(compile_error("object.spec.").is_some());
        assert!(compile_error("object.spec.n > 3").is_none());
    }
}
