//! What cannot be made of an object.

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::json;

use super::*;

#[on::update(ConfigMap)]
async fn misfit(spec: DemoSpec) {
    drop(spec);
}

#[on::update(ConfigMap)]
fn misfit_object(_object: Arc<Demo>) {}

#[on::update(ConfigMap)]
fn stateless(_state: State<u8>) {}

#[tokio::test]
async fn what_does_not_fit_is_named_by_its_path() {
    let with = |spec: Value| {
        let mut cause = updated();
        let mut object = object();
        object["spec"] = spec;
        cause.body = Body::new(object);
        cause
    };
    assert_eq!(
        message("misfit", with(json!({"size": "x"}))).await,
        "argument `spec`: spec.size: invalid type: string \"x\", expected u32"
    );
    assert_eq!(
        message("misfit", with(json!({}))).await,
        "argument `spec`: spec: missing field `size`"
    );
    assert_eq!(
        message("misfit", with(Value::Null)).await,
        "argument `spec`: the object has no spec; write `Option<…>`"
    );
    assert_eq!(
        message("misfit_object", with(json!({"size": []}))).await,
        "argument `object`: spec.size: invalid type: sequence, expected u32"
    );
    assert_eq!(
        message("stateless", updated()).await,
        "argument `state`: no startup handler has returned `State<u8>`"
    );
    let narrowed = updated().narrowed(&"spec.note".parse().unwrap());
    assert_eq!(
        message("no_option/spec.note", narrowed).await,
        "argument `new`: the field is not there; write `Option<…>`"
    );
}
