//! Selectors, tokens, versions and numbers that nobody gave out.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kopfrs_sandbox::Sandbox;

use crate::subject::{Answer, MAPS, get, sandbox};

async fn check(rows: &[(&str, u16, &str)]) {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    for (query, code, text) in rows {
        let Answer(found, message) = get(&client, &format!("{MAPS}?{query}")).await;
        let shown = &query[..query.len().min(80)];
        assert_eq!(found, *code, "{shown}: {message:.300}");
        assert!(message.contains(text), "{shown}: {message:.300}");
    }
}

#[tokio::test]
async fn selectors_that_do_not_parse_are_refused() {
    let deep = format!("labelSelector=a+in+{}", "(".repeat(20_000));
    let negated = format!("labelSelector={}a", "!".repeat(20_000));
    let listed = format!("labelSelector=a+in+({})", "b,".repeat(20_000));
    let terms: Vec<String> = (0..5_000).map(|number| format!("a{number}")).collect();
    let long = format!("labelSelector={}", terms.join(","));
    let word = format!("labelSelector={}", "a".repeat(50_000));
    check(&[
        (
            "labelSelector=(((",
            400,
            "found '(', expected: !, identifier",
        ),
        (
            "labelSelector=a%3D%3D%3Db",
            400,
            "unable to parse requirement: found '='",
        ),
        ("labelSelector=a%20in", 400, ""),
        ("labelSelector=a%20in%20(", 400, ""),
        ("labelSelector=a%3E%3E1", 400, ""),
        ("labelSelector=a%3Exyz", 400, ""),
        ("labelSelector=%00", 400, ""),
        ("labelSelector=%F0%9F%92%A9", 400, ""),
        (
            "fieldSelector=spec.x%3Dy",
            400,
            "is not a known field selector",
        ),
        ("fieldSelector=%3D%3D%3D", 400, ""),
        ("fieldSelector=metadata.name", 400, ""),
        (&deep, 400, ""),
        (&negated, 400, ""),
        (&listed, 200, ""),
        (&long, 200, ""),
        (&word, 400, ""),
        // What is not encoded well is as if it were not there.
        ("labelSelector=%zz", 200, ""),
    ])
    .await;
}

#[tokio::test]
async fn numbers_that_are_none_are_refused() {
    let syntax = "strconv.ParseInt: parsing \"abc\": invalid syntax";
    check(&[
        ("limit=abc", 400, syntax),
        ("limit=99999999999999999999", 400, "value out of range"),
        ("limit=-1", 200, ""),
        ("watch=1&timeoutSeconds=abc", 400, syntax),
        ("resourceVersion=abc", 400, "invalid resource version"),
        ("resourceVersion=-1", 400, "invalid resource version"),
        (
            "resourceVersion=99999999999999999999",
            400,
            "invalid resource version",
        ),
        (
            "resourceVersion=999999999999",
            504,
            "Too large resource version",
        ),
        ("watch=1&resourceVersion=abc", 500, "invalid syntax"),
        ("resourceVersionMatch=Bogus&resourceVersion=1", 422, ""),
        ("sendInitialEvents=true", 422, ""),
    ])
    .await;
}

#[tokio::test]
async fn tokens_of_others_are_refused_and_lead_nowhere_else() {
    let token = |text: &str| format!("limit=1&continue={}", URL_SAFE_NO_PAD.encode(text));
    let invalid = "invalid continue token: continue key is not valid: ";
    let rows = [
        ("limit=1&continue=!!".to_owned(), 400, invalid),
        (token("garbage"), 400, invalid),
        (token("[]"), 400, invalid),
        (token(&"[".repeat(10_000)), 400, invalid),
        (
            token(r#"{"v":"meta2.k8s.io/v1","rv":5,"start":"a"}"#),
            400,
            "does not recognize this encoded version meta2.k8s.io/v1",
        ),
        (
            token(r#"{"v":"meta.k8s.io/v1","rv":0,"start":"a"}"#),
            400,
            "incorrect encoded start resourceVersion",
        ),
        (
            token(r#"{"v":"meta.k8s.io/v1","rv":1.5,"start":"a"}"#),
            400,
            invalid,
        ),
        (
            token(r#"{"v":"meta.k8s.io/v1","rv":5,"start":"../secrets/a"}"#),
            400,
            "../secrets/a",
        ),
        (
            token(r#"{"v":"meta.k8s.io/v1","rv":5,"start":"default/a"}"#),
            410,
            "too old",
        ),
        (
            token(r#"{"v":"meta.k8s.io/v1","rv":-1,"start":"zzz"}"#),
            200,
            "",
        ),
    ];
    let rows: Vec<(&str, u16, &str)> = rows
        .iter()
        .map(|row| (row.0.as_str(), row.1, row.2))
        .collect();
    check(&rows).await;

    // A good token of one collection shows nothing of another.
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        let yaml = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}");
        sandbox.apply_yaml(&yaml).await.expect("applied");
    }
    let client = sandbox.client();
    let first = get(&client, &format!("{MAPS}?limit=1")).await.1;
    let list: serde_json::Value = serde_json::from_str(&first).expect("a list");
    let token = list["metadata"]["continue"].as_str().expect("a token");
    let other = format!("/api/v1/namespaces/kube-system/configmaps?limit=1&continue={token}");
    let Answer(code, text) = get(&client, &other).await;
    assert!(code == 400 || !text.contains("\"name\":"), "{code} {text}");
}
