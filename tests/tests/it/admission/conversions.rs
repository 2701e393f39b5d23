use kopfrs::resource::Selector;
use kopfrs::settings::WebhookServer;

use super::endpoints::ask;
use super::*;

fn convert(from: &str, to: &str) -> on::Builder<on::Convert> {
    let selector = Selector::full("admission.kopfrs.dev", "v1", "tickets").unwrap();
    on::convert_of(selector)
        .from(from)
        .to(to)
        .id(format!("{from}-{to}"))
}

/// Renames a field of the spec.
fn renamed(
    call: &Invocation<kopfrs::cause::ConversionCause>,
    from: &str,
    to: &str,
) -> Result<Value> {
    let mut object = (*call.cause.object).clone();
    let spec = object["spec"].as_object_mut().ok_or("there is no spec")?;
    let value = spec
        .remove(from)
        .ok_or_else(|| format!("spec.{from} is missing"))?;
    spec.insert(to.to_owned(), value);
    object["metadata"] = json!({"name": "another", "labels": {"converted": "yes"}});
    Ok(object)
}

type Call = Arc<Invocation<kopfrs::cause::ConversionCause>>;

#[kopfrs::test(wire)]
async fn objects_are_converted_in_as_few_steps_as_there_are(cluster: Cluster) {
    cluster.install::<Ticket>().await;
    let server = WebhookServer::new().insecure(true).path("/hooks");
    let handlers = Registry::new()
        .add(
            convert("v1alpha1", "v1beta1")
                .run(async |call: Call| renamed(&call, "count", "amount")),
        )
        .add(convert("v1beta1", "v1").run(async |call: Call| renamed(&call, "amount", "size")))
        .add(convert("v1", "v2").run(async |_: Call| -> Result<Value> { panic!("oh no") }));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let setup = cluster.operator().handlers(handlers);
    let setup = setup.settings(|settings| settings.admission.server = Some(server.port(port)));
    let operator = setup.start().await;
    operator.until_said("serving webhooks at").await;
    let object = |version: &str, spec: Value| {
        json!({
            "apiVersion": format!("admission.kopfrs.dev/{version}"), "kind": "Ticket", "spec": spec,
            "metadata": {"name": "a", "uid": "u", "annotations": {"kept": "yes"}},
        })
    };
    let url = format!("http://127.0.0.1:{port}/hooks/convert/tickets.admission.kopfrs.dev");
    let converted = async |objects: Value, to: &str| {
        let review = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "request": {"uid": "r", "desiredAPIVersion": format!("admission.kopfrs.dev/{to}"), "objects": objects},
        });
        let (code, text) = ask(&url, &review.to_string()).await;
        assert_eq!(code, 200, "{text}");
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["response"]["uid"], "r");
        answer["response"].take()
    };
    let both = json!([
        object("v1alpha1", json!({"count": 1})),
        object("v1", json!({"size": 2}))
    ]);
    let answer = converted(both, "v1").await;
    assert_eq!(answer["result"]["status"], "Success", "{answer}");
    let mut expected = object("v1", json!({"size": 1}));
    expected["metadata"]["labels"] = json!({"converted": "yes"});
    assert_eq!(
        answer["convertedObjects"],
        json!([expected, object("v1", json!({"size": 2}))])
    );
    for (from, spec, to, why) in [
        (
            "v1alpha1",
            json!({}),
            "v1",
            "Ticket a cannot be converted from v1alpha1 to v1beta1: spec.count is missing",
        ),
        (
            "v1",
            json!({}),
            "v2",
            "Ticket a cannot be converted from v1 to v2: panicked: oh no",
        ),
        (
            "v1",
            json!({}),
            "v1alpha1",
            "on::convert(Ticket, from = \"v1\", to = \"v1alpha1\")",
        ),
    ] {
        let answer = converted(json!([object(from, spec)]), to).await;
        assert_eq!(answer["result"]["status"], "Failure");
        let message = answer["result"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
    }
    operator.stop().await;
}
