//! Lists, tables and bookmarks as they are on the wire.

use http::{Request, Response, header};
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs_sandbox::Sandbox;
use kube::{Api, Client, api::PostParams, client::Body};
use serde_json::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// A sandbox with ConfigMaps of these names; those of an odd place are labelled `odd`.
async fn with_maps(names: &[&str]) -> (Sandbox, Client) {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    for (index, name) in names.iter().enumerate() {
        let labels = if index % 2 == 0 {
            json!({"odd": ""})
        } else {
            json!({})
        };
        let map = json!({"metadata": {"name": name, "labels": labels}});
        let map = serde_json::from_value(map).expect("a ConfigMap");
        maps.create(&PostParams::default(), &map)
            .await
            .expect("created");
    }
    (sandbox, client)
}

/// The answer to a GET, also if it is a refusal; of a watch, all of it.
async fn get(client: &Client, path: &str, accept: &str) -> Response<Body> {
    let request = Request::get(path)
        .header(header::ACCEPT, accept)
        .body(Body::empty())
        .expect("a request");
    client.send(request).await.expect("an answer")
}

async fn text_of(client: &Client, path: &str, accept: &str) -> String {
    let body = get(client, path, accept).await.into_body();
    let bytes = body.collect_bytes().await.expect("a whole body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

async fn json_of(client: &Client, path: &str, accept: &str) -> Value {
    serde_json::from_str(&text_of(client, path, accept).await).expect("JSON")
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list");
    items
        .iter()
        .filter_map(|item| item["metadata"]["name"].as_str())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_page_of_what_is_selected_goes_on_while_anything_is_left_to_look_at() {
    let (_sandbox, client) = with_maps(&["a", "b", "c", "d"]).await;
    let first = json_of(&client, &format!("{MAPS}?labelSelector=odd&limit=2"), "").await;
    assert_eq!(names(&first), ["a", "c"]);
    assert!(first["metadata"].get("remainingItemCount").is_none());
    // `d` is not selected, but nobody has looked at it yet.
    let token = first["metadata"]["continue"].as_str().expect("a token");
    let next = format!("{MAPS}?labelSelector=odd&limit=2&continue={token}");
    let last = json_of(&client, &next, "").await;
    assert_eq!(names(&last), [""; 0]);
    assert!(last["metadata"].get("continue").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_comes_with_one_that_goes_on() {
    let sandbox = Sandbox::builder().history_window(2).build();
    let client = sandbox.client();
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let create = async |name: &str| {
        let map = serde_json::from_value(json!({"metadata": {"name": name}}));
        let map = map.expect("a ConfigMap");
        maps.create(&PostParams::default(), &map)
            .await
            .expect("created");
    };
    create("a").await;
    create("b").await;
    let first = json_of(&client, &format!("{MAPS}?limit=1"), "").await;
    let token = first["metadata"]["continue"].as_str().expect("a token");
    for name in ["c", "d", "e"] {
        create(name).await;
    }
    let expired = json_of(&client, &format!("{MAPS}?continue={token}"), "").await;
    assert_eq!(expired["code"], 410, "{expired}");
    let token = expired["metadata"]["continue"].as_str().expect("a token");
    let rest = json_of(&client, &format!("{MAPS}?continue={token}"), "").await;
    assert_eq!(names(&rest), ["b", "c", "d", "e"]);
}

#[tokio::test(start_paused = true)]
async fn metadata_and_tables_are_written_in_the_version_that_is_asked_for() {
    let (_sandbox, client) = with_maps(&["a"]).await;
    for version in ["v1", "v1beta1"] {
        let accept = format!("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v={version}");
        let metadata = json_of(&client, &format!("{MAPS}/a"), &accept).await;
        assert_eq!(metadata["apiVersion"], format!("meta.k8s.io/{version}"));
        let accept = format!("application/json;as=Table;g=meta.k8s.io;v={version}");
        let table = json_of(&client, MAPS, &accept).await;
        assert_eq!(table["apiVersion"], format!("meta.k8s.io/{version}"));
    }
    // Metadata of a list of an object that is not there: that is what is said.
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let missing = json_of(&client, &format!("{MAPS}/missing"), accept).await;
    assert_eq!(missing["code"], 404);
    let there = json_of(&client, &format!("{MAPS}/a"), accept).await;
    assert_eq!(there["code"], 406);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_are_blank_objects_in_the_shape_of_the_watch() {
    let (_sandbox, client) = with_maps(&[]).await;
    let pods = "/api/v1/namespaces/default/pods";
    let query = "watch=1&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true\
                 &resourceVersionMatch=NotOlderThan";
    let first = async |accept: &str| -> Value {
        let text = text_of(&client, &format!("{pods}?{query}"), accept).await;
        let line = text.lines().next().expect("a bookmark");
        serde_json::from_str(line).expect("JSON")
    };
    let whole = first("").await;
    assert_eq!(whole["type"], "BOOKMARK");
    assert_eq!(whole["object"]["spec"], json!({"containers": null}));
    let table = first(TABLE).await;
    let columns = &table["object"]["columnDefinitions"];
    assert_eq!(columns.as_array().map(Vec::len), Some(9));
    let row = &table["object"]["rows"][0];
    assert_eq!(row["cells"][1], "0/0");
    assert_eq!(row["object"]["kind"], "PartialObjectMetadata");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_list_of_a_version_to_come_is_refused_in_the_stream() {
    let (_sandbox, client) = with_maps(&["a"]).await;
    let query = "watch=1&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true\
                 &resourceVersionMatch=NotOlderThan&resourceVersion=99999999";
    let text = text_of(&client, &format!("{MAPS}?{query}"), "").await;
    let event: Value = serde_json::from_str(&text).expect("one line");
    assert_eq!(event["type"], "ERROR");
    assert_eq!(event["object"]["code"], 504);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_in_the_format_that_is_asked_for() {
    let (_sandbox, client) = with_maps(&[]).await;
    let answer = get(&client, &format!("{MAPS}/missing"), "application/yaml").await;
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/yaml");
}

#[tokio::test(start_paused = true)]
async fn health_is_told_check_by_check() {
    let (_sandbox, client) = with_maps(&[]).await;
    for health in ["healthz", "livez", "readyz"] {
        let all = text_of(&client, &format!("/{health}?verbose"), "").await;
        assert!(all.starts_with("[+]ping ok\n"), "{all}");
        assert!(all.ends_with(&format!("{health} check passed\n")), "{all}");
        assert_eq!(text_of(&client, &format!("/{health}/etcd"), "").await, "ok");
        let unknown = get(&client, &format!("/{health}/unknown"), "").await;
        assert_eq!(unknown.status(), 404);
    }
}
