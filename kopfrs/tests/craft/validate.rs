//! What is wrong with files, and what an API server says of the same.

use http::Request;
use kopfrs_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::program::Folder;

/// A definition with a spec, written by hand.
fn definition(spec: &Value) -> Value {
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "greetings.hello.example.com"},
        "spec": {
            "group": "hello.example.com", "scope": "Namespaced",
            "names": {"kind": "Greeting", "plural": "greetings"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}

/// Whether an API server takes it.
async fn is_accepted(definition: &Value) -> bool {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All";
    let request = Request::post(path).header("content-type", "application/json");
    let request = request.body(definition.to_string().into_bytes()).unwrap();
    Sandbox::new()
        .client()
        .request::<Value>(request)
        .await
        .is_ok()
}

fn with(property: &Value) -> Value {
    json!({"type": "object", "properties": {"a": property}})
}

/// A schema, and the path of the mistake in it.
fn schemas() -> Vec<(Value, Option<&'static str>)> {
    vec![
        (with(&json!({"type": "string", "pattern": "^a+$"})), None),
        (
            with(&json!({"type": "integer", "minimum": 1, "maximum": 5})),
            None,
        ),
        (
            with(&json!({"type": "string", "enum": ["a", "b"], "const": "a"})),
            None,
        ),
        (
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
            None,
        ),
        (json!({"properties": {}}), Some("$.type")),
        (with(&json!({})), Some("$.properties.a.type")),
        (with(&json!({"type": "text"})), Some("$.properties.a.type")),
        (
            with(&json!({"type": ["string", "null"]})),
            Some("$.properties.a.type"),
        ),
        (
            with(&json!({"type": "string", "pattern": "("})),
            Some("$.properties.a.pattern"),
        ),
        (
            with(&json!({"$ref": "#/definitions/b"})),
            Some("$.properties.a.$ref"),
        ),
        (
            with(&json!({"type": "array"})),
            Some("$.properties.a.items"),
        ),
        (
            with(&json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true})),
            Some("$.properties.a.uniqueItems"),
        ),
        (
            with(&json!({"type": "integer", "exclusiveMinimum": 5})),
            Some("$.properties.a.exclusiveMinimum"),
        ),
        (
            with(&json!({"type": "integer", "default": "five"})),
            Some("$.properties.a.default"),
        ),
    ]
}

#[tokio::test]
async fn the_verdict_about_a_schema_is_that_of_the_api() {
    let folder = Folder::furnished();
    for (schema, path) in schemas() {
        folder.write("resource.json", &schema.to_string());
        let output = folder.run(&["validate"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.success(),
            is_accepted(&definition(&schema)).await,
            "{schema}: {said}"
        );
        assert_eq!(output.status.success(), path.is_none(), "{schema}: {said}");
        if let Some(path) = path {
            let line = format!("error: resource.json: {path}: ");
            assert!(said.contains(&line), "{line} in {schema}:\n{said}");
        }
    }
}

#[test]
fn all_mistakes_of_both_files_are_told_at_once() {
    let folder = Folder::empty();
    let controller = json!({
        "group": "Hello", "resource": "greeting", "domain": "example.com", "version": "v1", "runOnce": 1,
        "reconcileFreq": "5m", "colour": "red",
    });
    folder.write("controller.json", &controller.to_string());
    let resource = json!({
        "type": "object",
        "properties": {"a": {"type": "nothing"}, "b": {"type": "string", "maxLength": "9", "const": "x"}},
    });
    folder.write("resource.json", &resource.to_string());
    let said = folder.fail(&["validate"]);
    for line in [
        "error: controller.json: $.group: \"Hello\" is no domain: write",
        "error: controller.json: $.resource: \"greeting\" is no kind: write",
        "error: controller.json: $.namespace: it is missing; add \"namespace\"",
        "error: controller.json: $.runOnce: it is a number, and has to be a text: \"runOnce\": \"1\"",
        "error: controller.json: $.reconcileFreq: \"5m\" is no number of minutes",
        "warning: controller.json: $.colour: nobody reads this",
        "error: resource.json: $.properties.a.type: ",
        "error: resource.json: $.properties.b.maxLength: ",
        "warning: resource.json: $.properties.b.const: Kubernetes does not know this keyword",
    ] {
        assert!(said.contains(line), "{line} in:\n{said}");
    }
}

#[test]
fn all_definitions_of_all_files_are_looked_at() {
    let folder = Folder::empty();
    let good = definition(&with(&json!({"type": "string"})));
    let bad = definition(&with(&json!({"type": "array"})));
    let old = json!({
        "apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "old.example.com"},
    });
    let text = format!("{good}\n---\nkind: ConfigMap\n---\n{bad}\n---\n{old}\n");
    folder.write("all.yaml", &text);
    folder.write("good.yaml", &good.to_string());
    folder.write("broken.yaml", "a: [");
    let said = folder.fail(&["validate", "-v", "good.yaml", "all.yaml", "broken.yaml"]);
    for line in [
        "error: all.yaml: document 3 (greetings.hello.example.com): $.spec.",
        "error: all.yaml: document 4 (old.example.com): $.apiVersion: ",
        "error: broken.yaml: $: it is no YAML: ",
    ] {
        assert!(said.contains(line), "{line} in:\n{said}");
    }
    assert!(
        !said.contains("good.yaml") && !said.contains("document 1"),
        "{said}"
    );
    let printed = folder.succeed(&["validate", "-v", "good.yaml"]);
    assert_eq!(
        printed,
        "good.yaml: greetings.hello.example.com: nothing is wrong\n"
    );
}
