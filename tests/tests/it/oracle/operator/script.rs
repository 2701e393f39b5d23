//! The scripted handler: what every handler of every fixture does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kopfrs::Result;
use kopfrs::cause::Stopped;
use kopfrs::handler::{ErrorKind, HandlerError, PermanentError, TemporaryError};
use kopfrs::object::{Body, FieldPath, Patch};
use serde_json::{Value, json};

use super::fixture::Row;

/// What an attempt does: the object's script for this handler counts, else the fixture's.
pub(crate) fn action(row: &Row, body: Option<&Body>, retry: u32) -> Value {
    let scripted = body.and_then(|body| body.spec()["script"][&row.id].as_array());
    nth(scripted.unwrap_or(&row.default), retry)
}

/// What an attempt does of these actions; the last one is repeated.
pub(crate) fn nth(actions: &[Value], retry: u32) -> Value {
    let number = usize::try_from(retry).unwrap_or(usize::MAX);
    let last = actions.len().saturating_sub(1);
    let action = actions.get(number.min(last));
    action.cloned().unwrap_or_else(|| json!({}))
}

/// Does it.
pub(crate) async fn play(
    action: &Value,
    patch: Option<&Patch>,
    stopped: Option<&Stopped>,
) -> Result<Option<Value>> {
    if let Some(seconds) = action["sleep"].as_f64() {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }
    if let Some(patch) = patch {
        change(action, patch);
    }
    if let Some(stopped) = stopped.filter(|_| action["until_stopped"] == true) {
        stopped.until_set().await;
    }
    if let Some(seconds) = action["linger"].as_f64() {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }
    if action["ignore_stop"] == true {
        std::future::pending::<()>().await;
    }
    if let Some(delay) = action["temporary"].as_f64() {
        Err(TemporaryError::new(
            "as scripted",
            Duration::from_secs_f64(delay),
        ))?;
    }
    if action["permanent"] == true {
        Err(PermanentError::new("as scripted"))?;
    }
    if action["error"] == true {
        Err("as scripted")?;
    }
    Ok(action.get("return").cloned())
}

fn change(action: &Value, patch: &Patch) {
    if !action["patch"].is_null() {
        patch.merge(&action["patch"]);
    }
    if action["now"] == true {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        patch.status(json!({"now": now.unwrap_or_default().as_nanos().to_string()}));
    }
    let segments = action["append"]["path"].as_array();
    if let Some(segments) = segments {
        let path = FieldPath::new(segments.iter().filter_map(Value::as_str));
        let added = action["append"]["value"].clone();
        patch.transform(move |body| append(body, &path, &added));
    }
}

/// Appends to a list, unless it is there.
fn append(body: &mut Value, path: &FieldPath, added: &Value) {
    let mut list = path.get(body).cloned().unwrap_or_else(|| json!([]));
    let Some(items) = list.as_array_mut() else {
        return;
    };
    if !items.contains(added) {
        items.push(added.clone());
        path.set(body, list);
    }
}

/// How an attempt has ended, as the log names it.
pub(crate) fn outcome(result: &Result<Option<Value>>) -> &'static str {
    match result.as_ref().map_err(HandlerError::kind) {
        Ok(_) => "return",
        Err(ErrorKind::Temporary(_)) => "temporary",
        Err(ErrorKind::Permanent) => "permanent",
        Err(_) => "error",
    }
}
