//! Sequences of requests.

use std::collections::BTreeMap;

use http::{Method, Request};
use http_body_util::BodyExt;
use kube::client::{Body, Client};
use serde_json::Value;

use super::{block_on, choices::Choices};
use crate::Sandbox;

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.fuzz.io}
spec:
  group: fuzz.io
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, minimum: 0, default: 1}
              name: {type: string, pattern: '^[a-z]*$'}
              list: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, required: [k], properties: {k: {type: string}, v: {x-kubernetes-int-or-string: true}}}}
              set: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              any: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

const COLLECTIONS: [&str; 6] = [
    "/api/v1/namespaces/default/configmaps",
    "/apis/fuzz.io/v1/namespaces/default/things",
    "/api/v1/namespaces/default/secrets",
    "/api/v1/namespaces/default/pods",
    "/api/v1/namespaces",
    "/apis/apps/v1/namespaces/default/deployments",
];
const NAMES: [&str; 8] = [
    "",
    "/a",
    "/b",
    "/c",
    "/a/status",
    "/a/scale",
    "/b/status",
    "/a/finalize",
];
const METHODS: [Method; 6] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
];
const TYPES: [&str; 8] = [
    "application/json",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "text/plain",
];
const QUERIES: [&str; 10] = [
    "",
    "?fieldManager=x",
    "?fieldManager=y&force=true",
    "?dryRun=All",
    "?fieldValidation=Strict",
    "?limit=1",
    "?labelSelector=a%20in%20(b,c)",
    "?propagationPolicy=Foreground",
    "?resourceVersion=1003&resourceVersionMatch=Exact",
    "?watch=1&timeoutSeconds=1&allowWatchBookmarks=true",
];
const ACCEPTS: [&str; 4] = [
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/yaml",
];
/// Requests of one input at most.
const REQUESTS: usize = 16;

/// Sends the requests that bytes stand for: no answer is a panic, versions grow, and a watch tells what lists tell.
///
/// # Panics
///
/// When one of these does not hold.
pub fn requests(input: &[u8]) {
    block_on(async {
        tokio::time::pause();
        let sandbox = Sandbox::new();
        let applied = sandbox.apply_yaml(DEFINITION).await;
        applied.expect("the definition is a good one");
        let client = sandbox.client();
        let mut choices = Choices::new(input);
        let begin = version(&client, COLLECTIONS[0]).await;
        let mut before = begin;
        for _ in 0..REQUESTS {
            if choices.is_empty() {
                break;
            }
            let request = request(&mut choices);
            let shown = format!("{} {}", request.method(), request.uri());
            let (status, body) = send(&client, request).await;
            let text = String::from_utf8_lossy(&body);
            assert!(!text.contains("caused apiserver to panic"), "{shown}");
            assert!((100..600).contains(&status), "{shown}");
            let now = version(&client, COLLECTIONS[0]).await;
            assert!(now >= before, "{shown}: {now} after {before}");
            before = now;
        }
        for collection in &COLLECTIONS[..4] {
            agree(&client, collection, begin).await;
        }
    });
}

fn request(choices: &mut Choices<'_>) -> Request<Body> {
    let method = METHODS[usize::from(choices.byte()) % METHODS.len()].clone();
    let (collection, name) = (choices.one_of(&COLLECTIONS), choices.one_of(&NAMES));
    let query = choices.one_of(&QUERIES);
    let (content_type, accept) = (choices.one_of(&TYPES), choices.one_of(&ACCEPTS));
    let body = choices.line().to_vec();
    Request::builder()
        .method(method)
        .uri(format!("{collection}{name}{query}"))
        .header("content-type", content_type)
        .header("accept", accept)
        .header("user-agent", "fuzz/1")
        .body(Body::from(body))
        .expect("all parts are good ones")
}

async fn send(client: &Client, request: Request<Body>) -> (u16, Vec<u8>) {
    let answer = client
        .send(request)
        .await
        .expect("in-process there is always an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await;
    (
        status,
        body.expect("bodies do not break").to_bytes().to_vec(),
    )
}

async fn list(client: &Client, path: &str) -> Value {
    let request = Request::get(path).body(Body::empty());
    let (status, body) = send(client, request.expect("a good path")).await;
    assert_eq!(status, 200, "{path}");
    serde_json::from_slice(&body).expect("a list is JSON")
}

fn version_of(object: &Value) -> u64 {
    let text = object["metadata"]["resourceVersion"].as_str();
    let version = text.and_then(|text| text.parse().ok());
    version.expect("everything that is stored has a version")
}

async fn version(client: &Client, path: &str) -> u64 {
    version_of(&list(client, &format!("{path}?limit=1")).await)
}

/// What is listed is what the events since the beginning lead to.
async fn agree(client: &Client, path: &str, begin: u64) {
    let past = format!("{path}?resourceVersion={begin}&resourceVersionMatch=Exact");
    let mut told = by_name(&list(client, &past).await);
    let watch = format!("{path}?watch=1&resourceVersion={begin}&timeoutSeconds=1");
    let request = Request::get(&watch).body(Body::empty());
    let (_, lines) = send(client, request.expect("a good path")).await;
    let mut last = begin;
    for line in lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let event: Value = serde_json::from_slice(line).expect("events are JSON");
        let object = &event["object"];
        let version = version_of(object);
        assert!(version > last, "{path}: {version} after {last}");
        last = version;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        match event["type"].as_str() {
            Some("ADDED") => {
                assert!(told.insert(name.to_owned(), version).is_none(), "{line:?}");
            }
            Some("MODIFIED") => {
                assert!(told.insert(name.to_owned(), version).is_some(), "{line:?}");
            }
            Some("DELETED") => assert!(told.remove(name).is_some(), "{line:?}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    assert_eq!(told, by_name(&list(client, path).await), "{path}");
}

fn by_name(list: &Value) -> BTreeMap<String, u64> {
    let items = list["items"].as_array().into_iter().flatten();
    let named = items.map(|object| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        (name.to_owned(), version_of(object))
    });
    named.collect()
}
