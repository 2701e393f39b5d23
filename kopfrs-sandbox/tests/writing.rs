//! Writes through kube-rs: patches, applies, dry runs, validation, the journal.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod},
};
use kopfrs_sandbox::Sandbox;
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, ListParams, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
    runtime::{
        controller::Action,
        finalizer::{Event, finalizer},
    },
};
use serde_json::{Value, json};

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, kind: Gadget}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, minimum: 1}
              replicas: {type: integer, default: 1}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

async fn with_gadgets() -> (Sandbox, Api<DynamicObject>) {
    let sandbox = Sandbox::new();
    sandbox.apply_yaml(DEFINITION).await.expect("applied");
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Gadget"));
    let gadgets = Api::default_namespaced_with(sandbox.client(), &kind);
    (sandbox, gadgets)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "calls read better without borrows"
)]
fn gadget(name: &str, spec: Value) -> DynamicObject {
    let object = json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": name}, "spec": spec});
    serde_json::from_value(object).expect("an object")
}

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn schemas_default_prune_and_refuse() {
    let (_sandbox, gadgets) = with_gadgets().await;
    let create = PostParams::default();
    let made = gadgets
        .create(&create, &gadget("a", json!({"size": 2, "unknown": 1})))
        .await
        .expect("created");
    assert_eq!(made.data["spec"], json!({"size": 2, "replicas": 1}));
    let error = gadgets
        .create(&create, &gadget("b", json!({"size": 0})))
        .await
        .expect_err("refused");
    let expected = "Gadget.example.com \"b\" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1";
    assert!(
        matches!(&error, kube::Error::Api(status) if status.message == expected),
        "{error}"
    );
    // What is not evaluated, or of the wrong form, is said.
    let strategic = Patch::Strategic(json!({"spec": {"size": 3}}));
    let error = gadgets
        .patch("a", &PatchParams::default(), &strategic)
        .await
        .expect_err("refused");
    assert_eq!(code(&error), 415);
}

#[tokio::test(start_paused = true)]
async fn applies_share_and_contest_fields() {
    let (_sandbox, gadgets) = with_gadgets().await;
    let one = PatchParams::apply("one");
    let applied = gadgets
        .patch(
            "a",
            &one,
            &Patch::Apply(gadget("a", json!({"size": 1, "tags": ["x"]}))),
        )
        .await;
    assert_eq!(
        applied
            .expect("created")
            .metadata
            .managed_fields
            .map(|fields| fields.len()),
        Some(1)
    );

    let two = PatchParams::apply("two");
    let error = gadgets
        .patch("a", &two, &Patch::Apply(gadget("a", json!({"size": 2}))))
        .await
        .expect_err("contested");
    assert_eq!(code(&error), 409);
    let both = gadgets
        .patch(
            "a",
            &two,
            &Patch::Apply(gadget("a", json!({"tags": ["y"]}))),
        )
        .await
        .expect("shared");
    assert_eq!(both.data["spec"]["tags"], json!(["x", "y"]));
    let forced = gadgets
        .patch(
            "a",
            &two.force(),
            &Patch::Apply(gadget("a", json!({"size": 2}))),
        )
        .await
        .expect("forced");
    // What "two" does not apply any more is gone, what "one" applies stays.
    assert_eq!(
        forced.data["spec"],
        json!({"size": 2, "tags": ["x"], "replicas": 1})
    );
}

#[tokio::test(start_paused = true)]
async fn the_finalizer_helper_of_kube_works() {
    let (_sandbox, gadgets) = with_gadgets().await;
    let made = gadgets
        .create(&PostParams::default(), &gadget("a", json!({})))
        .await
        .expect("created");
    let name = "example.com/cleanup";
    let keep = |_: Event<DynamicObject>| async {
        Ok::<_, std::convert::Infallible>(Action::await_change())
    };
    finalizer(&gadgets, name, made.into(), keep)
        .await
        .expect("added");
    let held = gadgets.get("a").await.expect("there");
    assert_eq!(held.finalizers(), [name]);
    gadgets
        .delete("a", &kube::api::DeleteParams::default())
        .await
        .expect("marked");
    let marked = gadgets.get("a").await.expect("held");
    finalizer(&gadgets, name, marked.into(), keep)
        .await
        .expect("removed");
    assert!(gadgets.get_opt("a").await.expect("answered").is_none());
}

#[tokio::test(start_paused = true)]
async fn scales_write_replicas() {
    let (_sandbox, gadgets) = with_gadgets().await;
    gadgets
        .create(&PostParams::default(), &gadget("a", json!({})))
        .await
        .expect("created");
    let patch = Patch::Merge(json!({"spec": {"replicas": 3}}));
    let scale = gadgets
        .patch_scale("a", &PatchParams::default(), &patch)
        .await
        .expect("scaled");
    assert_eq!(scale.spec.and_then(|spec| spec.replicas), Some(3));
    assert_eq!(
        gadgets.get("a").await.expect("there").data["spec"]["replicas"],
        3
    );
}

#[tokio::test(start_paused = true)]
async fn dry_runs_leave_no_trace() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let map: ConfigMap =
        serde_json::from_value(json!({"metadata": {"name": "a"}})).expect("a ConfigMap");
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    assert!(
        maps.create(&dry, &map)
            .await
            .expect("answered")
            .uid()
            .is_some()
    );
    assert!(maps.get_opt("a").await.expect("answered").is_none());
}

#[tokio::test(start_paused = true)]
async fn writes_that_change_nothing_are_no_writes() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let map: ConfigMap =
        serde_json::from_value(json!({"metadata": {"name": "a"}, "data": {"k": "v"}}))
            .expect("a map");
    let made = maps
        .create(&PostParams::default(), &map)
        .await
        .expect("created");
    let same = Patch::Merge(json!({"data": {"k": "v"}, "metadata": {"labels": {}}}));
    let patched = maps
        .patch("a", &PatchParams::default(), &same)
        .await
        .expect("patched");
    assert_eq!(patched.resource_version(), made.resource_version());
    let replaced = maps
        .replace("a", &PostParams::default(), &patched)
        .await
        .expect("replaced");
    assert_eq!(replaced.resource_version(), made.resource_version());
}

#[tokio::test(start_paused = true)]
async fn strategic_patches_merge_containers_by_name() {
    let sandbox = Sandbox::new();
    let text = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec: {containers: [{name: a, image: a:1}, {name: b, image: b:1}]}
";
    sandbox.apply_yaml(text).await.expect("applied");
    let deployments: Api<Deployment> = Api::default_namespaced(sandbox.client());
    let containers = json!([{"name": "b", "image": "b:2"}]);
    let patch =
        Patch::Strategic(json!({"spec": {"template": {"spec": {"containers": containers}}}}));
    let patched = deployments
        .patch("d", &PatchParams::default(), &patch)
        .await
        .expect("patched");
    let spec = patched.spec;
    let images: Vec<_> = spec
        .template
        .spec
        .expect("a pod")
        .containers
        .into_iter()
        .filter_map(|container| container.image)
        .collect();
    assert_eq!(images, ["a:1", "b:2"]);
    assert_eq!(patched.metadata.generation, Some(2));
}

#[tokio::test(start_paused = true)]
async fn pods_stay_pending_until_someone_writes_their_status() {
    let sandbox = Sandbox::new();
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: x}]}\n";
    sandbox.apply_yaml(text).await.expect("applied");
    let pods: Api<Pod> = Api::default_namespaced(sandbox.client());
    let pending = pods
        .list(&ListParams::default().fields("status.phase=Pending"))
        .await
        .expect("listed");
    assert_eq!(pending.items.len(), 1);
    let patch = Patch::Merge(json!({"status": {"phase": "Running"}}));
    pods.patch_status("p", &PatchParams::default(), &patch)
        .await
        .expect("patched");
    assert!(
        pods.list(&ListParams::default().fields("status.phase=Pending"))
            .await
            .expect("listed")
            .items
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn pages_show_one_moment() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let map = |name: &str| -> ConfigMap {
        serde_json::from_value(json!({"metadata": {"name": name}})).expect("a map")
    };
    for name in ["a", "b", "c"] {
        maps.create(&PostParams::default(), &map(name))
            .await
            .expect("created");
    }
    let first = maps
        .list(&ListParams::default().limit(2))
        .await
        .expect("listed");
    maps.create(&PostParams::default(), &map("bb"))
        .await
        .expect("created");
    let token = first.metadata.continue_.expect("more");
    let second = maps
        .list(&ListParams::default().limit(2).continue_token(&token))
        .await
        .expect("listed");
    let names: Vec<String> = second.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["c"]);
}

#[tokio::test(start_paused = true)]
async fn the_journal_tells_who_did_what() {
    let (sandbox, gadgets) = with_gadgets().await;
    let journal = sandbox.journal();
    let mark = journal.mark();
    gadgets
        .create(&PostParams::default(), &gadget("a", json!({"size": 1})))
        .await
        .expect("created");
    let patch = Patch::Merge(json!({"status": {"phase": "ok"}}));
    let patched = gadgets
        .patch_status("a", &PatchParams::default(), &patch)
        .await
        .expect("patched");
    gadgets.get("a").await.expect("there");

    let seen = journal.since(mark);
    assert_eq!(
        (seen.len(), seen.writes().len(), seen.count("patch")),
        (3, 2, 1)
    );
    let status = &seen.verb("patch")[0];
    assert_eq!(
        (status.resource(), status.subresource(), status.name()),
        ("gadgets", "status", "a")
    );
    assert_eq!(status.content_type(), "application/merge-patch+json");
    assert_eq!(status.body(), Some(json!({"status": {"phase": "ok"}})));
    assert_eq!(status.status(), Some(200));
    assert_eq!(
        status.resource_version().map(|version| version.to_string()),
        patched.resource_version()
    );
    assert_eq!(journal.for_object("gadgets", "default", "a").len(), 3);
}
