//! Of the object: its sections, its states.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

#[on::update(Demo)]
async fn sections(
    body: &Body,
    spec: DemoSpec,
    _meta: ObjectMeta,
    name: &str,
    namespace: &str,
    uid: String,
    labels: BTreeMap<String, String>,
    annotations: &Value,
    status: Option<DemoStatus>,
) -> Value {
    json!([
        body.kind(),
        spec.size,
        name,
        namespace,
        uid,
        labels,
        annotations,
        status.is_some()
    ])
}

#[on::update(Demo)]
async fn raw(
    body: &Value,
    spec: &Value,
    status: &Value,
    meta: Option<&Value>,
    labels: &Value,
    annotations: Option<&Value>,
    namespace: Option<String>,
    name: String,
) -> Value {
    json!([
        body["kind"],
        spec,
        status,
        meta.is_some(),
        labels,
        annotations,
        namespace,
        name
    ])
}

#[on::update(Demo)]
async fn typed(body: Demo, current: Arc<Demo>, own: Body, team: Team, status: Loose) -> Value {
    json!([
        body.spec.size,
        current.spec.size,
        own.name(),
        team.0,
        status.phase
    ])
}

#[tokio::test]
async fn sections_come_by_name() {
    assert_eq!(
        result("sections", updated()).await,
        json!(["Demo", 2, "x", "ns", "u1", {"team": "a"}, null, false])
    );
    assert_eq!(
        result("raw", updated()).await,
        json!(["Demo", {"size": 2}, null, true, {"team": "a"}, null, "ns", "x"])
    );
    assert_eq!(
        result("typed", updated()).await,
        json!([2, 2, "x", "a", null])
    );
}

#[on::update(Demo)]
async fn whole(old: Demo, new: Demo, diff: &Diff, reason: Reason) -> Value {
    json!([
        old.spec.size,
        old.metadata.name,
        new.spec.size,
        diff,
        reason
    ])
}

#[on::update(Demo)]
async fn spec_only(old: DemoSpec, new: Option<DemoSpec>) -> Value {
    json!([old.size, old.note, new.map(|spec| spec.size)])
}

#[on::create(Demo)]
async fn maybe(old: Option<Demo>, new: Option<Demo>) -> Value {
    json!([old.is_none(), new.is_some()])
}

#[on::create(Demo)]
async fn maybe_spec(old: Option<DemoSpec>, new: &Value) -> Value {
    json!([old.is_none(), new["spec"]["size"]])
}

#[on::create(Demo)]
async fn never(_old: DemoSpec) {}

#[on::update("demos")]
async fn untyped(old: Option<&Value>, new: Value, d: Diff) -> Value {
    json!([old.is_some(), new["spec"], d.len()])
}

#[on::update(Demo, field = "spec.size")]
async fn field(old: u32, new: Option<u32>, diff: &Diff) -> Value {
    json!([old, new, diff])
}

#[on::field(Demo, id = "note", field = "spec.note", errors = permanent)]
fn field_gone(old: String, new: Option<&Value>) -> (String, bool) {
    (old, new.is_none())
}

#[on::field(Demo, field = ["spec", "note"])]
fn no_option(new: Value) -> Value {
    new
}

#[tokio::test]
async fn old_and_new_are_decided_by_their_types() {
    let changes = json!([
        ["remove", ["spec", "note"], "n", null],
        ["change", ["spec", "size"], 1, 2]
    ]);
    let whole = result("whole", updated()).await;
    assert_eq!(
        (&whole[0], &whole[1], &whole[2], &whole[4]),
        (&json!(1), &json!("x"), &json!(2), &json!("update"))
    );
    assert!(whole[3].as_array().unwrap().contains(&changes[1]));
    assert_eq!(result("spec_only", updated()).await, json!([1, "n", 2]));
    let create = || changing(Reason::Create, None);
    assert_eq!(result("maybe", create()).await, json!([true, true]));
    assert_eq!(result("maybe_spec", create()).await, json!([true, 2]));
    assert_eq!(
        result("untyped", updated()).await,
        json!([true, {"size": 2}, 3])
    );
    let narrowed = |path: &str| updated().narrowed(&path.parse().unwrap());
    assert_eq!(
        result("field/spec.size", narrowed("spec.size")).await,
        json!([1, 2, [["change", [], 1, 2]]])
    );
    assert_eq!(
        result("note/spec.note", narrowed("spec.note")).await,
        json!(["n", true])
    );
    let message = message("never", create()).await;
    assert!(
        message.contains("argument `old`: there is no old state"),
        "{message}"
    );
}
