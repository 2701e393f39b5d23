//! The player notices what is not as expected: one wrong expectation after another against the same server.
//!
//! Nothing here writes: the scenario reads what every cluster has, and asks for one dry run.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::{
    canonical::canonical,
    path::{self, Path},
    player,
    scenario::Scenario,
    server::Subject,
};

pub(crate) fn trials(subject: &Arc<Subject>) -> Vec<Trial> {
    let trial = |name: &str, test: fn(&Subject) -> Result<(), Failed>| {
        let subject = subject.clone();
        Trial::test(format!("self-test/{name}"), move || test(&subject))
    };
    vec![
        trial("what_is_as_expected_is_fine", what_is_as_expected_is_fine),
        trial(
            "whatever_is_not_as_expected_is_noticed",
            whatever_is_not_as_expected_is_noticed,
        ),
        trial("what_cannot_be_done_is_told", what_cannot_be_done_is_told),
        trial("paths_lead_to_parts", |_| paths_lead_to_parts()),
        trial("what_has_no_order_is_sorted", |_| {
            what_has_no_order_is_sorted()
        }),
    ]
}

fn scenario() -> Value {
    let json = json!({"content-type": "application/json"});
    let metadata = json!({"name": "default", "uid": "<uid:1>", "resourceVersion": "<rv:1>", "creationTimestamp": "<any>"});
    let pick = |prefix: &str| -> Vec<String> {
        let names = ["name", "uid", "resourceVersion", "creationTimestamp"];
        names
            .iter()
            .map(|name| format!("{prefix}metadata.{name}"))
            .collect()
    };
    let mut listed = pick("items[metadata.name=default].");
    listed.extend(["kind", "apiVersion", "metadata"].map(str::to_owned));
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dry"}, "data": {"k": "v"}, "odd": 1});
    json!({
        "name": "self-test/read", "description": "reads what is there", "webhooks": {},
        "steps": [
            {"request": {"method": "GET", "path": "/api/v1/namespaces/default"}, "pick": pick(""),
                "save": {"name": "metadata.name", "rv": "metadata.resourceVersion"},
                "equal": {"metadata.name": "default"}, "present": ["metadata.uid"], "absent": ["metadata.selfLink"],
                "newer": {"metadata.resourceVersion": "0"},
                "poll": {"timeout": 0, "until": {"path": "status.phase", "equals": "Active"}},
                "expect": {"status": 200, "headers": json, "body": {"metadata": metadata}}},
            {"request": {"method": "GET", "path": "/api/v1/namespaces", "query": {"fieldSelector": "metadata.name=${name}"}},
                "pick": listed, "expect": {"status": 200, "headers": json, "body": {"kind": "NamespaceList", "apiVersion": "v1",
                    "metadata": {"resourceVersion": "<listrv>"}, "items": [{"metadata": metadata}]}}},
            {"watch": {"path": "/api/v1/namespaces", "query": {"fieldSelector": "metadata.name=default"}, "id": "w"},
                "until": {"count": 1}, "pick": ["type", "object.metadata.uid"], "expect": {"status": 200, "headers": json},
                "expect_events": [{"type": "ADDED", "object": {"metadata": {"uid": "<uid:1>"}}}]},
            {"stop": "w"},
            {"request": {"method": "POST", "path": "/api/v1/namespaces/default/configmaps", "query": {"dryRun": "All"}, "body": map},
                "drop": ["metadata"], "expect": {"status": 201,
                    "headers": {"content-type": "application/json", "warning": ["299 - \"unknown field \\\"odd\\\"\""]},
                    "body": {"kind": "ConfigMap", "apiVersion": "v1", "data": {"k": "v"}}}},
            {"request": {"method": "GET", "path": "/nowhere"}, "expect": {"status": 404, "text": "404 page not found\n"}},
            {"webhook_calls": {}, "expect": {"body": {"calls": []}}},
        ],
    })
}

fn played(subject: &Subject, scenario: Value) -> Result<Vec<String>, Failed> {
    let scenario: Scenario = serde_json::from_value(scenario)?;
    Ok(subject.block_on(player::play(&subject.access, &scenario)))
}

fn what_is_as_expected_is_fine(subject: &Subject) -> Result<(), Failed> {
    let report = played(subject, scenario())?;
    if report.is_empty() {
        Ok(())
    } else {
        Err(report.join("\n").into())
    }
}

fn whatever_is_not_as_expected_is_noticed(subject: &Subject) -> Result<(), Failed> {
    let wrong = json!("wrong");
    let rows = [
        ("/steps/0/expect/status", json!(201)),
        ("/steps/0/expect/headers/content-type", wrong.clone()),
        ("/steps/0/expect/body/metadata/name", wrong.clone()),
        ("/steps/0/expect/body/metadata/uid", json!("<time>")),
        (
            "/steps/0/expect/body/metadata/creationTimestamp",
            json!("<microtime>"),
        ),
        ("/steps/0/expect/body/metadata", json!({"name": "default"})),
        ("/steps/0/expect/body", json!([])),
        ("/steps/0/equal/metadata.name", wrong.clone()),
        ("/steps/0/present/0", json!("metadata.none")),
        ("/steps/0/absent/0", json!("metadata.uid")),
        (
            "/steps/0/newer/metadata.resourceVersion",
            json!("99999999999"),
        ),
        ("/steps/0/save/name", json!("metadata.none")),
        ("/steps/0/poll/until/equals", wrong.clone()),
        (
            "/steps/1/request/query/fieldSelector",
            json!("metadata.name=kube-system"),
        ),
        ("/steps/1/request/query/fieldSelector", json!("${none}")),
        ("/steps/1/expect/body/items", json!([])),
        (
            "/steps/1/expect/body/items/0/metadata/uid",
            json!("<uid:2>"),
        ),
        (
            "/steps/1/expect/body/items/0/metadata/resourceVersion",
            json!("<rv:2>"),
        ),
        (
            "/steps/1/expect/body/metadata/resourceVersion",
            json!("<uid:3>"),
        ),
        ("/steps/1/expect/body/metadata/more", json!(1)),
        ("/steps/2/expect/status", json!(400)),
        ("/steps/2/expect_events/0/type", json!("MODIFIED")),
        ("/steps/2/expect_events", json!([])),
        ("/steps/2/until", json!({"count": 2, "timeout": 0.5})),
        ("/steps/2/until", json!({"closed": true, "timeout": 0.5})),
        ("/steps/3/stop", json!("never")),
        ("/steps/4/expect/headers", json!({})),
        (
            "/steps/4/expect/headers/warning/0",
            json!("299 - \"nothing\""),
        ),
        ("/steps/4/expect/body/data/k", json!("<int>")),
        ("/steps/4/expect/body/data/k", Value::Null),
        ("/steps/5/expect/text", json!("404")),
        ("/steps/6/expect/body/calls", json!([{}])),
    ];
    for (pointer, value) in rows {
        let mut scenario = scenario();
        let place = pointer.rsplit_once('/').and_then(|(parent, name)| {
            // Members may be added; elements must be there.
            let parent = scenario.pointer_mut(parent)?;
            Some(match name.parse::<usize>() {
                Ok(index) => &mut parent[index],
                Err(_) => &mut parent[name],
            })
        });
        *place.ok_or_else(|| format!("nothing at {pointer}"))? = value.clone();
        if played(subject, scenario)?.is_empty() {
            return Err(format!("{pointer} = {value} goes unnoticed").into());
        }
    }
    Ok(())
}

fn what_cannot_be_done_is_told(subject: &Subject) -> Result<(), Failed> {
    let steps = [
        json!({}),
        json!({"stop": "a", "read": "a"}),
        json!({"request": {"method": "GET", "path": "/", "bodi": 1}}),
        json!({"request": {"method": "GET", "path": "/"}, "pick": ["a[b"], "expect": {"status": 200, "body": {}}}),
    ];
    for step in steps {
        let scenario =
            json!({"name": "self-test/wrong", "description": "", "steps": [step.clone()]});
        if played(subject, scenario)?.is_empty() {
            return Err(format!("{step} is fine").into());
        }
    }
    let unknown = json!({"name": "a", "description": "", "steps": [{"expct": {}}]});
    if serde_json::from_value::<Scenario>(unknown).is_ok() {
        return Err("a step with an unknown member is read".into());
    }
    Ok(())
}

fn paths_lead_to_parts() -> Result<(), Failed> {
    let value = json!({"a": {"b.c": [{"k": 1, "v": "x"}, {"k": 2}]}, "d": null});
    let rows = [
        (
            "a.b\\.c[0].v",
            json!({"a": {"b.c": [{"v": "x"}]}}),
            json!(["x"]),
        ),
        (
            "a.b\\.c[*].k",
            json!({"a": {"b.c": [{"k": 1}, {"k": 2}]}}),
            json!([1, 2]),
        ),
        (
            "a.b\\.c[k=2]",
            json!({"a": {"b.c": [{"k": 2}]}}),
            json!([{"k": 2}]),
        ),
        ("d", json!({"d": null}), json!([null])),
        ("a.none", json!({"a": {}}), json!([])),
    ];
    for (text, picked, found) in rows {
        let path = Path::parse(text)?;
        if path::pick(&value, std::slice::from_ref(&path)) != picked
            || json!(path.all(&value)) != found
        {
            return Err(format!("{text} leads elsewhere").into());
        }
    }
    let mut dropped = value.clone();
    path::drop(&mut dropped, &Path::parse("a.b\\.c[k=2]")?);
    if dropped["a"]["b.c"] != json!([{"k": 1, "v": "x"}]) {
        return Err(format!("dropping leaves {dropped}").into());
    }
    Ok(())
}

fn what_has_no_order_is_sorted() -> Result<(), Failed> {
    let status = |fields: [&str; 2]| {
        let causes = fields.map(|field| json!({"reason": "FieldValueRequired", "message": "Required value", "field": field}));
        let list = fields
            .map(|field| format!("{field}: Required value"))
            .join(", ");
        json!({"kind": "Status", "message": format!("K \"n\" is invalid: [{list}]"), "details": {"causes": causes}})
    };
    if canonical(&status(["b", "a"]), false) != canonical(&status(["a", "b"]), false) {
        return Err("causes keep their order".into());
    }
    let books =
        |names: [&str; 2]| json!({"managedFields": names.map(|name| json!({"manager": name}))});
    if canonical(&books(["b", "a"]), true) != canonical(&books(["a", "b"]), true)
        || canonical(&books(["b", "a"]), true) == canonical(&books(["c", "a"]), true)
        || canonical(&books(["b", "a"]), false) != json!({})
    {
        return Err("managed fields are not compared as they should".into());
    }
    Ok(())
}
