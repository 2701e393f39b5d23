//! Definitions that ask for conversions.

use http::Method;
use kopfrs_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::demos::{Demos, definition, message};

const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

async fn refusal(conversion: Value) -> String {
    let sandbox = Sandbox::new();
    let mut definition = definition("v1", &json!({}));
    definition["spec"]["conversion"] = conversion;
    let body = definition.to_string().into_bytes();
    let request = http::Request::post(PATH).header("content-type", "application/json");
    let request = request.body(body).expect("a request");
    match sandbox.client().request::<Value>(request).await {
        Err(kube::Error::Api(status)) => {
            let begin =
                "CustomResourceDefinition.apiextensions.k8s.io \"demos.conv.test\" is invalid: ";
            status
                .message
                .strip_prefix(begin)
                .unwrap_or(&status.message)
                .to_owned()
        }
        other => panic!("it should have been refused: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_conversion_is_named() {
    let webhook = |webhook: Value| json!({"strategy": "Webhook", "webhook": webhook});
    let at = json!({"url": "https://127.0.0.1/x"});
    let rows = [
        (
            webhook(json!({"conversionReviewVersions": ["v1"]})),
            "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
        ),
        (
            webhook(json!({"conversionReviewVersions": ["v1"], "clientConfig": {}})),
            "spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required",
        ),
        (
            webhook(
                json!({"conversionReviewVersions": ["v1"], "clientConfig": {"url": "http://x"}}),
            ),
            "spec.conversion.webhookClientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
        ),
        (
            webhook(json!({"clientConfig": at})),
            "spec.conversion.conversionReviewVersions: Required value",
        ),
        (
            webhook(json!({"clientConfig": at, "conversionReviewVersions": ["v2"]})),
            "spec.conversion.conversionReviewVersions: Invalid value: [\"v2\"]: must include at least one of v1, v1beta1",
        ),
        (
            webhook(json!({"clientConfig": at, "conversionReviewVersions": ["v1", "v1"]})),
            "spec.conversion.conversionReviewVersions[1]: Invalid value: \"v1\": duplicate version",
        ),
        (
            json!({"strategy": "None", "webhook": {"clientConfig": at, "conversionReviewVersions": ["v1"]}}),
            "[spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook, \
             spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook]",
        ),
        (
            webhook(
                json!({"clientConfig": {"url": "https://x", "caBundle": "?"}, "conversionReviewVersions": ["v1"]}),
            ),
            "CustomResourceDefinition in version \"v1\" cannot be handled as a CustomResourceDefinition: illegal base64 data at input byte 0",
        ),
    ];
    for (conversion, expected) in rows {
        assert_eq!(refusal(conversion.clone()).await, expected, "{conversion}");
    }
}

#[tokio::test(start_paused = true)]
async fn services_have_a_port_of_their_own_accord() {
    let demos = Demos::start().await;
    let service = json!({"service": {"namespace": "shop", "name": "hooks"}});
    let text = definition("v1", &service).to_string();
    let patch: Value = serde_json::from_str(&text).expect("a definition");
    let mut patch = json!({"spec": {"conversion": patch["spec"]["conversion"]}});
    patch["spec"]["conversion"]["webhook"]["clientConfig"]["url"] = json!(null);
    patch["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"] = json!(null);
    let path = format!("{PATH}/demos.conv.test");
    let patched = demos.send(Method::PATCH, &path, Some(&patch)).await;
    let client = &patched["spec"]["conversion"]["webhook"]["clientConfig"];
    assert_eq!(client["service"]["port"], 443, "{patched}");
}

#[tokio::test(start_paused = true)]
async fn a_bundle_of_no_certificates_is_refused_once_the_kind_is_served() {
    let demos = Demos::start().await;
    let patch =
        json!({"spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": "bm9uZQ=="}}}}});
    let path = format!("{PATH}/demos.conv.test");
    let refused = demos.send(Method::PATCH, &path, Some(&patch)).await;
    assert!(
        message(&refused).ends_with(
            "spec.conversion.webhookClientConfig.caBundle: Invalid value: \"bm9uZQ==\": \
             unable to load root certificates: unable to parse bytes as PEM block"
        ),
        "{refused}"
    );
}
