use quote::quote;

use super::*;

fn messages(kind: &str, tokens: TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    Attribute::parse(kind::find(kind), tokens, &mut errors);
    errors.messages()
}

fn check(rows: impl IntoIterator<Item = (&'static str, TokenStream, &'static str)>) {
    for (kind, tokens, expected) in rows {
        let text = tokens.to_string();
        let found = messages(kind, tokens);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{kind}: {text}: {found:#?}"
        );
    }
}

#[test]
fn what_is_right_is_accepted() {
    let rows = [
        ("startup", quote! {}),
        (
            "login",
            quote! { id = "x", errors = permanent, retries = 3, backoff = "10s" },
        ),
        ("create", quote! { Demo }),
        ("create", quote! { k8s::api::Pod, }),
        (
            "create",
            quote! { crate::Demo, timeout = 10, backoff = 0.5 },
        ),
        ("create", quote! { "demos" }),
        ("create", quote! { "demos.v1.devoops.io" }),
        ("create", quote! { ("devoops.io", "v1", "demos") }),
        ("create", quote! { ("", "v1", "pods") }),
        ("create", quote! { ("devoops.io/v1", "demos") }),
        ("create", quote! { kind = "Demo", param = [1, 2] }),
        ("create", quote! { category = "all" }),
        (
            "create",
            quote! { kind = "Demo", group = "devoops.io", version = "v1", retries = 1 },
        ),
        (
            "create",
            quote! { group = "", version = "v1", kind = "Pod" },
        ),
        ("create", quote! { EVERYTHING, group = "devoops.io" }),
        ("create", quote! { "demos", version = "v2" }),
        (
            "create",
            quote! { EVERYTHING, labels(app = "x", "a.b/c" = PRESENT, type = ABSENT) },
        ),
        (
            "create",
            quote! { Demo, labels(zone = |v: Option<&str>| v.is_some(), tier = is_tier) },
        ),
        (
            "create",
            quote! { Demo, when = |cause| cause.initial, crate = ::other },
        ),
        (
            "create",
            quote! { Demo, field = ["spec", "a.b"], value = json!({"a": 1}) },
        ),
        (
            "update",
            quote! { Demo, field = "spec.size", old = 1, new = |v: Option<&Value>| true },
        ),
        (
            "field",
            quote! { Demo, field = FIELD, old = PRESENT, new = ABSENT },
        ),
        ("delete", quote! { Demo, optional }),
        ("delete", quote! { Demo, optional = true }),
        ("resume", quote! { Demo, deleted = IS_WANTED }),
        ("event", quote! { "pods.v1", param = Config::default() }),
    ];
    for (kind, tokens) in rows {
        let text = tokens.to_string();
        assert_eq!(messages(kind, tokens), [""; 0], "{kind}: {text}");
    }
}

#[test]
fn what_is_wrong_is_explained() {
    check([
        ("create", quote! {}, "needs the kind of objects it is for"),
        ("startup", quote! { Demo }, "is about the operator"),
        (
            "create",
            quote! { Demo, "demos" },
            "a handler has one selector",
        ),
        (
            "create",
            quote! { Demo, kind = "Demo" },
            "a handler has one selector",
        ),
        (
            "create",
            quote! { retries = 1, Demo },
            "comes first, before the options",
        ),
        ("create", quote! { "" }, "has an empty part"),
        (
            "create",
            quote! { "de mos" },
            "cannot be in the name of a kind",
        ),
        ("create", quote! { kind = "a.b" }, "is one name"),
        (
            "create",
            quote! { Demo, group = "devoops.io" },
            "a type has its group and version already",
        ),
        (
            "create",
            quote! { "demos.devoops.io", version = "v1" },
            "stand among the names of the kind already",
        ),
        (
            "create",
            quote! { kind = "Demo", version = "" },
            "has an empty part",
        ),
        (
            "create",
            quote! { kind = "Demo", version = "v1", version = "v2" },
            "is given twice",
        ),
        (
            "create",
            quote! { group = "devoops.io" },
            "needs the kind of objects it is for",
        ),
        ("startup", quote! { group = "x" }, "unknown option `group`"),
        (
            "create",
            quote! { ("a", "b", "c", "d") },
            "names of a kind are",
        ),
        ("create", quote! { 5 }, "does not name a kind of objects"),
        (
            "create",
            quote! { Demo, retry = 5 },
            "unknown option `retry`; did you mean `retries`?",
        ),
        (
            "create",
            quote! { Demo, nonsense = 5 },
            "unknown option `nonsense`; `on::create` has",
        ),
        (
            "create",
            quote! { Demo, old = 5 },
            "it exists in `on::update`, `on::field`",
        ),
        (
            "event",
            quote! { Demo, retries = 5 },
            "`on::event` has no option `retries`",
        ),
        (
            "create",
            quote! { Demo, optional },
            "it exists in `on::delete`",
        ),
        (
            "create",
            quote! { Demo, retries = 5, retries = 6 },
            "`retries` is given twice",
        ),
    ]);
}

#[test]
fn wrong_values_are_explained() {
    check([
        (
            "create",
            quote! { Demo, retries = 0 },
            "a whole number from 1",
        ),
        (
            "create",
            quote! { Demo, retries = "x" },
            "a whole number from 1",
        ),
        ("create", quote! { Demo, retries }, "write `retries = 5`"),
        (
            "create",
            quote! { Demo, timeout = "0s" },
            "would never be called",
        ),
        (
            "create",
            quote! { Demo, backoff = "10 parsecs" },
            "this is not a duration",
        ),
        (
            "create",
            quote! { Demo, backoff = -1 },
            "cannot be negative",
        ),
        (
            "create",
            quote! { Demo, errors = permament },
            "did you mean `permanent`?",
        ),
        (
            "create",
            quote! { Demo, errors = x },
            "it is `temporary`, `permanent`, or `ignored`",
        ),
        ("create", quote! { Demo, id = "" }, "an id cannot be empty"),
        ("create", quote! { Demo, id = "a b" }, "cannot be in an id"),
        ("create", quote! { Demo, id = 5 }, "an id is a text"),
    ]);
}

#[test]
fn wrong_filters_are_explained() {
    check([
        (
            "create",
            quote! { Demo, labels = "x" },
            "write `labels(app = \"x\"",
        ),
        ("create", quote! { Demo, labels() }, "has no keys in it"),
        (
            "create",
            quote! { Demo, labels(app) },
            "write what it must be",
        ),
        (
            "create",
            quote! { Demo, labels(app = "x", app = "y") },
            "given twice in `labels`",
        ),
        (
            "create",
            quote! { Demo, labels(app = 1) },
            "write \"1\" in quotes",
        ),
        (
            "create",
            quote! { Demo, labels(app = |a, b| true) },
            "gets one argument",
        ),
        (
            "create",
            quote! { Demo, when = |a, b| true },
            "one argument, the cause",
        ),
        (
            "create",
            quote! { Demo, when = true },
            "takes a function of the cause",
        ),
        (
            "create",
            quote! { Demo, field = "spec..a" },
            "has an empty segment",
        ),
        (
            "create",
            quote! { Demo, field = ["spec", 1] },
            "not a segment of a path",
        ),
        (
            "create",
            quote! { Demo, field = 5 },
            "not a path to a field",
        ),
        (
            "create",
            quote! { Demo, value = 5 },
            "add `field = \"spec.field\"`",
        ),
        (
            "field",
            quote! { Demo },
            "`on::field` needs `field = \"spec.field\"`",
        ),
        (
            "update",
            quote! { Demo, field = "a", value = 1, old = 2 },
            "`value` means either side",
        ),
        (
            "create",
            quote! { Demo retries = 5 },
            "expected `,` between options",
        ),
    ]);
}

#[test]
fn all_mistakes_come_together() {
    let tokens = quote! { Demo, retry = 5, labels(a = 1, b = "x", c = 2), errors = x, timeout = "1x", value = 1 };
    assert_eq!(messages("create", tokens).len(), 6);
}

#[test]
fn relations_are_kinds_and_some_have_functions() {
    let right = [
        quote! { Demo, owns(Pod, "secrets", ("apps", "v1", "deployments")) },
        quote! { Demo, owns(Pod,), concurrency = 5, resync = 0 },
        quote! { Demo, watches(Secret => map, "nodes" => |node: Arc<Value>| [1, 2]), uses(Pod => name) },
    ];
    for tokens in right {
        assert_eq!(messages("reconcile", tokens), Vec::<String>::new());
    }
    let kinds = "takes kinds of objects";
    check([
        ("reconcile", quote! { Demo, owns }, kinds),
        ("reconcile", quote! { Demo, owns() }, kinds),
        ("reconcile", quote! { Demo, owns = Pod }, kinds),
        (
            "reconcile",
            quote! { Demo, owns(Pod => map) },
            "needs no function",
        ),
        (
            "reconcile",
            quote! { Demo, watches(Pod) },
            "needs a function for each kind",
        ),
        (
            "reconcile",
            quote! { Demo, owns(Pod), owns(Secret) },
            "given twice",
        ),
        (
            "reconcile",
            quote! { Demo, owns(5) },
            "does not name a kind",
        ),
        (
            "reconcile",
            quote! { Demo, concurrency = 0 },
            "`concurrency` counts calls at once",
        ),
        (
            "create",
            quote! { Demo, owns(Pod) },
            "it exists in `on::reconcile`",
        ),
    ]);
}
