//! Webhooks behind services, of which a sandbox has no Pods.

use std::net::SocketAddr;

use kopfrs_sandbox::Sandbox;
use serde_json::json;

use crate::{
    answering::{configure, create, hook, map, message},
    server::Webhooks,
};

#[tokio::test(start_paused = true)]
async fn services_lead_where_they_are_routed_to() {
    let webhooks = Webhooks::start("hooks.shop.svc", |_, _| json!({"allowed": false})).await;
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let service = json!({
        "service": {"namespace": "shop", "name": "hooks", "path": "/judge"}, "caBundle": webhooks.bundle,
    });
    configure(&sandbox, "Validating", "judge", &[hook("a.b.c", &service)]).await;
    let lost = create(&client, &map("one")).await;
    assert!(
        message(&lost).contains(
            "Post \"https://hooks.shop.svc:443/judge?timeout=10s\": service \"hooks\" not found"
        ),
        "{lost}"
    );
    let address = SocketAddr::from(([127, 0, 0, 1], webhooks.port));
    sandbox.route_service("shop", "hooks", address);
    let denied = create(&client, &map("one")).await;
    assert_eq!(
        message(&denied),
        "admission webhook \"a.b.c\" denied the request without explanation"
    );
    assert_eq!(webhooks.take()[0].0, "/judge");
}

#[tokio::test(start_paused = true)]
async fn external_names_need_no_route() {
    let webhooks = Webhooks::start("hooks.default.svc", |_, _| json!({"allowed": false})).await;
    let sandbox = Sandbox::new();
    let text = "
apiVersion: v1
kind: Service
metadata: {name: hooks}
spec: {type: ExternalName, externalName: 127.0.0.1}
";
    sandbox.apply_yaml(text).await.expect("a service");
    let service = json!({
        "service": {"namespace": "default", "name": "hooks", "port": webhooks.port},
        "caBundle": webhooks.bundle,
    });
    configure(&sandbox, "Validating", "judge", &[hook("a.b.c", &service)]).await;
    let denied = create(&sandbox.client(), &map("one")).await;
    assert_eq!(denied["code"], 400, "{denied}");
}
