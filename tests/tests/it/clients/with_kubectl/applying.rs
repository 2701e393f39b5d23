//! `apply`, `diff`, `replace`, and what `create -f` says of mistakes.

use kopfrs::testing::Cluster;

use super::{Kubectl, has};

const SHOP: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, labels: {app: shop}}
data: {apple: '1', pear: '2'}
---
apiVersion: v1
kind: Secret
metadata: {name: till, labels: {app: shop}}
stringData: {pin: '1234'}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: shop}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: 'web:1', env: [{name: A, value: '1'}]}
      - {name: log, image: 'log:1'}
";

#[kopfrs::test(wire)]
async fn apply_creates_then_leaves_alone_then_changes(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let made = kubectl.ok_with("apply -f -", SHOP).await;
    has(
        &made,
        &[
            "configmap/prices created",
            "secret/till created",
            "deployment.apps/web created",
        ],
    );
    let again = kubectl.ok_with("apply -f -", SHOP).await;
    has(
        &again,
        &[
            "configmap/prices unchanged",
            "deployment.apps/web unchanged",
        ],
    );

    let changed = SHOP.replace("web:1", "web:2").replace(", pear: '2'", "");
    let told = kubectl.ok_with("apply -f -", &changed).await;
    has(
        &told,
        &[
            "configmap/prices configured",
            "deployment.apps/web configured",
        ],
    );
    let prices = kubectl.json("get configmap prices").await;
    assert_eq!(
        prices["data"],
        serde_json::json!({"apple": "1"}),
        "what was left out is gone"
    );
    let web = kubectl.json("get deployment web").await;
    let containers = &web["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["image"], "web:2");
    assert_eq!(containers[0]["env"][0]["value"], "1");
    assert_eq!(containers[1]["image"], "log:1");
}

#[kopfrs::test(wire)]
async fn apply_prunes_what_is_not_there_any_more(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok_with("apply -f -", SHOP).await;
    let rest: Vec<&str> = SHOP.split("---").skip(1).collect();
    let line = "apply -f - -l app=shop --prune --prune-allowlist core/v1/ConfigMap";
    let told = kubectl.ok_with(line, &rest.join("---")).await;
    has(&told, &["configmap/prices pruned"]);
    has(
        &kubectl.refused("get configmap prices").await,
        &["NotFound"],
    );
    kubectl.ok("get secret till").await;
}

#[kopfrs::test(wire)]
async fn diff_tells_what_apply_would_change(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok_with("apply -f -", SHOP).await;
    let same = kubectl.run("diff -f -", SHOP).await;
    assert_eq!((same.code, same.out.as_str()), (0, ""), "{same:?}");
    let changed = SHOP.replace("apple: '1'", "apple: '3'");
    for line in ["diff -f -", "diff --server-side --force-conflicts -f -"] {
        let differs = kubectl.run(line, &changed).await;
        assert_eq!(differs.code, 1, "{differs:?}");
        has(&differs.out, &["-  apple: \"1\"", "+  apple: \"3\""]);
    }
    let prices = kubectl.json("get configmap prices").await;
    assert_eq!(prices["data"]["apple"], "1", "it only tells");
}

#[kopfrs::test(wire)]
async fn server_side_apply_keeps_books_of_who_owns_what(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: '1', b: '1'}}";
    let told = kubectl.ok_with("apply --server-side -f -", map).await;
    has(&told, &["configmap/m serverside-applied"]);
    let other = map.replace(", b: '1'", "").replace("a: '1'", "a: '2'");
    let conflict = kubectl
        .run("apply --server-side --field-manager other -f -", &other)
        .await;
    assert_ne!(conflict.code, 0);
    has(&conflict.err, &["conflict with \"kubectl\"", ".data.a"]);
    let line = "apply --server-side --field-manager other --force-conflicts -f -";
    kubectl.ok_with(line, &other).await;
    let map = kubectl.json("get configmap m").await;
    assert_eq!(map["data"], serde_json::json!({"a": "2", "b": "1"}));
}

#[kopfrs::test(wire)]
async fn server_side_apply_takes_over_from_the_client_side(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok_with("apply -f -", SHOP).await;
    kubectl.ok_with("apply --server-side -f -", SHOP).await;
    let without = SHOP.replace(", pear: '2'", "");
    kubectl.ok_with("apply --server-side -f -", &without).await;
    let prices = kubectl
        .json("get configmap prices --show-managed-fields")
        .await;
    assert_eq!(prices["data"], serde_json::json!({"apple": "1"}));
    let managers = prices["metadata"]["managedFields"]
        .as_array()
        .expect("books");
    let applied = managers
        .iter()
        .filter(|entry| entry["operation"] == "Apply");
    assert!(
        applied
            .into_iter()
            .any(|entry| entry["manager"] == "kubectl")
    );
    let before = managers
        .iter()
        .find(|entry| entry["manager"] == "kubectl-client-side-apply");
    assert!(before.is_none(), "{before:?}");
}

#[kopfrs::test(wire)]
async fn mistakes_are_told_before_anything_is_stored(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let typo = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, dada: {a: '1'}}";
    for line in ["create -f -", "apply -f -"] {
        let outcome = kubectl.run(line, typo).await;
        assert_ne!(outcome.code, 0);
        has(&outcome.err, &["unknown field \"dada\""]);
    }
    let unknown = "{apiVersion: example.com/v1, kind: Nothing, metadata: {name: nothing}}";
    let outcome = kubectl.run("apply -f -", unknown).await;
    has(&outcome.err, &["no matches for kind \"Nothing\""]);
    has(&kubectl.refused("get configmap m").await, &["NotFound"]);
    let warned = kubectl.run("create --validate=warn -f -", typo).await;
    assert_eq!(warned.code, 0, "{warned:?}");
    has(&warned.err, &["Warning: unknown field \"dada\""]);
}

#[kopfrs::test(wire)]
async fn replace_needs_an_object_that_is_there(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: '1'}}";
    let outcome = kubectl.run("replace -f -", map).await;
    has(&outcome.err, &["NotFound"]);
    kubectl.ok_with("create -f -", map).await;
    let before = kubectl.json("get configmap m").await;
    let told = kubectl
        .ok_with("replace -f -", &map.replace("{a:", "{b:"))
        .await;
    has(&told, &["configmap/m replaced"]);
    let told = kubectl
        .ok_with("replace --force -f -", &map.replace("{a:", "{c:"))
        .await;
    has(&told, &["configmap \"m\" deleted", "configmap/m replaced"]);
    let after = kubectl.json("get configmap m").await;
    assert_eq!(after["data"], serde_json::json!({"c": "1"}));
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
}

#[kopfrs::test(wire)]
async fn a_definition_and_its_objects_are_applied(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let definition = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: yachts.kubectl.kopfrs.test}
spec:
  group: kubectl.kopfrs.test
  scope: Namespaced
  names: {plural: yachts, singular: yacht, kind: Yacht, shortNames: [yt], categories: [regatta]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.crew, statusReplicasPath: .status.crew}}
    additionalPrinterColumns:
    - {name: Crew, type: integer, jsonPath: .spec.crew}
    - {name: Port, type: string, jsonPath: .spec.port, priority: 1}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [crew]
            properties:
              crew: {type: integer, minimum: 1, description: Who sails it.}
              port: {type: string, default: home}
          status: {type: object, properties: {crew: {type: integer}, phase: {type: string}}}
";
    kubectl.ok_with("apply -f -", definition).await;
    let line = "wait crd/yachts.kubectl.kopfrs.test --for condition=Established --timeout 30s";
    kubectl.ok(line).await;
    let yacht = "{apiVersion: kubectl.kopfrs.test/v1, kind: Yacht, metadata: {name: anna}, spec: {crew: 3}}";
    has(
        &kubectl.ok_with("apply -f -", yacht).await,
        &["yacht.kubectl.kopfrs.test/anna created"],
    );
    let wide = super::rows(&kubectl.ok("get yt -o wide").await);
    assert_eq!(wide, ["NAME CREW PORT", "anna 3 home"]);
    assert_eq!(
        kubectl.ok("get regatta -o name").await.trim(),
        "yacht.kubectl.kopfrs.test/anna"
    );
    let outcome = kubectl.run("apply -f -", &yacht.replace('3', "0")).await;
    has(
        &outcome.err,
        &["spec.crew", "should be greater than or equal to 1"],
    );
    kubectl.ok("scale yacht anna --replicas 5").await;
    let line =
        r#"patch yacht anna --subresource status --type merge -p '{"status":{"phase":"Out"}}'"#;
    kubectl.ok(line).await;
    let told = kubectl
        .ok("get yacht anna -o jsonpath='{.spec.crew} {.status.phase}'")
        .await;
    assert_eq!(told, "5 Out");
    has(
        &kubectl.ok("explain yacht.spec.crew").await,
        &["Who sails it."],
    );
    has(
        &kubectl.ok("describe yacht anna").await,
        &["Name:", "anna", "Crew:", "5"],
    );
    // The definition stays: other runs of these tests may be using it.
    kubectl.ok("delete yacht anna --timeout 30s").await;
}
