use kopfrs::handler::AdmissionError;
use kopfrs::resource::Selector;
use kopfrs::settings::WebhookServer;
use kopfrs::testing::{Fault, On, Rule};
use kube::api::PostParams;

use super::*;

/// A configuration of the operator under test.
async fn webhooks(cluster: &Cluster, plural: &str) -> Vec<Value> {
    let name = format!("{}.kopfrs.dev", cluster.namespace());
    let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}/{name}");
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    let found: Result<Value, _> = cluster.client().request(request).await;
    match found {
        Ok(object) => object["webhooks"].as_array().cloned().unwrap_or_default(),
        Err(kube::Error::Api(status)) if status.code == 404 => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

fn names(webhooks: &[Value], cluster: &Cluster) -> Vec<String> {
    let suffix = format!(".{}.kopfrs.dev", cluster.namespace());
    let names = webhooks
        .iter()
        .map(|webhook| webhook["name"].as_str().unwrap());
    names
        .map(|name| name.trim_end_matches(&suffix).to_owned())
        .collect()
}

#[kopfrs::test]
async fn only_what_is_persistent_stays_when_the_operator_ends(cluster: Cluster) {
    let persistent = on::validate::<Ticket>()
        .id("kept")
        .persistent(true)
        .ignore_failures(true);
    let handlers = Registry::new()
        .add(on::validate::<Ticket>().id("taken").run(async || {}))
        .add(persistent.run(async || {}))
        .add(on::mutate::<Ticket>().id("changed").run(async || {}));
    let (tickets, operator) = start(&cluster, handlers).await;
    let validating = webhooks(&cluster, "validatingwebhookconfigurations").await;
    assert_eq!(names(&validating, &cluster), ["taken", "kept"]);
    let selector = &validating[0]["namespaceSelector"]["matchExpressions"][0];
    assert_eq!(selector["values"], json!([cluster.namespace()]));
    let mutating = webhooks(&cluster, "mutatingwebhookconfigurations").await;
    assert_eq!(names(&mutating, &cluster), ["changed"]);
    operator.stop().await;
    let validating = webhooks(&cluster, "validatingwebhookconfigurations").await;
    assert_eq!(names(&validating, &cluster), ["kept"]);
    assert!(
        webhooks(&cluster, "mutatingwebhookconfigurations")
            .await
            .is_empty()
    );
    // Nobody answers any more, which is to be ignored.
    tickets.create(&ticket("a", 1)).await;
}

#[kopfrs::test]
async fn webhooks_of_others_stay_in_the_same_configuration(cluster: Cluster) {
    let name = format!("{}.kopfrs.dev", cluster.namespace());
    let foreign = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{
            "name": "foreign.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://127.0.0.1:1/"}, "failurePolicy": "Ignore",
            "namespaceSelector": {"matchLabels": {"none": "such"}}, "rules": [{
                "apiGroups": ["x.io"], "apiVersions": ["v1"], "resources": ["x"], "operations": ["CREATE"],
            }],
        }],
    });
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    let request = http::Request::post(path).header("content-type", "application/json");
    let request = request.body(foreign.to_string().into_bytes()).unwrap();
    let _: Value = cluster.client().request(request).await.unwrap();
    let handlers = Registry::new().add(on::validate::<Ticket>().id("own").run(async || {}));
    let (_, operator) = start(&cluster, handlers).await;
    let mut present = names(
        &webhooks(&cluster, "validatingwebhookconfigurations").await,
        &cluster,
    );
    present.sort();
    assert_eq!(present, ["foreign.example.com", "own"]);
    operator.stop().await;
    let left = names(
        &webhooks(&cluster, "validatingwebhookconfigurations").await,
        &cluster,
    );
    assert_eq!(left, ["foreign.example.com"]);
}

#[kopfrs::test]
async fn handlers_without_an_endpoint_are_a_mistake(cluster: Cluster) {
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(async || {}));
    cluster.install::<Ticket>().await;
    let operator = cluster.operator().handlers(handlers).launch().await;
    let error = operator.ended().await.unwrap_err().to_string();
    assert!(
        error.contains("settings.admission.server = Some(WebhookServer::new())"),
        "{error}"
    );
}

#[kopfrs::test]
async fn two_operators_are_both_asked(cluster: Cluster) {
    let named = |name: &str| {
        let id = name.to_owned();
        let label = move |patch: Patch| {
            patch.label(&id, "yes");
            std::future::ready(())
        };
        Registry::new().add(on::mutate::<Ticket>().id(name).run(label))
    };
    cluster.install::<Ticket>().await;
    let start = |registry: Registry, name: &str| {
        let managed = format!("{name}.{}.kopfrs.dev", cluster.namespace());
        let setup = cluster.operator().handlers(registry);
        let setup = setup.settings(move |s| s.admission.managed = Some(managed));
        setup.webhooks().start()
    };
    let one = start(named("one"), "first").await;
    let two = start(named("two"), "second").await;
    let made = api(&cluster)
        .create(&PostParams::default(), &ticket("a", 1))
        .await
        .unwrap();
    let labels: Vec<_> = made.labels().keys().collect();
    assert_eq!(labels, ["one", "two"]);
    one.stop().await;
    two.stop().await;
}

#[kopfrs::test]
async fn a_replica_that_ends_leaves_the_others_to_be_asked(cluster: Cluster) {
    cluster.install::<Ticket>().await;
    let replica = async || {
        let refuse = async || Err::<(), _>(AdmissionError::new("refused").code(422));
        let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(refuse));
        let server = WebhookServer::new().secret(cluster.namespace(), "webhooks");
        let setup = cluster.operator().handlers(handlers);
        let setup = setup.settings(|settings| settings.admission.server = Some(server));
        setup.webhooks().start().await
    };
    let leaving = replica().await;
    // Whoever has come last is asked.
    let staying = replica().await;
    leaving.stop().await;
    let (api, bad) = (api(&cluster), ticket("bad", 1));
    // As each has an address of its own here, the API server may be told of the one that is left a moment later.
    let refused = async || refusal(api.create(&PostParams::default(), &bad).await).0 == 422;
    cluster
        .until("the one that is left to be asked", refused)
        .await;
    staying.stop().await;
}

#[kopfrs::test(backend = "in-process")]
async fn a_configuration_that_somebody_removes_comes_back(cluster: Cluster) {
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(async || {}));
    let (_, operator) = start(&cluster, handlers).await;
    let plural = "validatingwebhookconfigurations";
    let name = format!("{}.kopfrs.dev", cluster.namespace());
    let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}/{name}");
    let request = http::Request::delete(path).body(Vec::new()).unwrap();
    let _: Value = cluster.client().request(request).await.unwrap();
    assert!(webhooks(&cluster, plural).await.is_empty());
    let is_back = async || !webhooks(&cluster, plural).await.is_empty();
    cluster
        .until("the configuration to come back", is_back)
        .await;
    operator.stop().await;
    assert!(webhooks(&cluster, plural).await.is_empty());
}

/// Starts an operator whose requests of a verb to webhook configurations go wrong once, from the second on if it is to be,
/// and stops it: nothing of it may be left.
async fn withdrawn(cluster: Cluster, rule: impl FnOnce(On) -> Rule) {
    cluster.install::<Ticket>().await;
    let gate = cluster.gate().await;
    let on = On::verb("patch").resource("validatingwebhookconfigurations");
    let injected = gate.faults().inject(rule(on));
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(async || {}));
    let setup = cluster.operator().handlers(handlers).webhooks();
    let operator = setup.through(&gate).launch().await;
    let plural = "validatingwebhookconfigurations";
    let is_written = async || !webhooks(&cluster, plural).await.is_empty();
    cluster
        .until("the configuration to be written", is_written)
        .await;
    operator.stop().await;
    assert_eq!(injected.hits(), 1);
    assert!(webhooks(&cluster, plural).await.is_empty());
}

#[kopfrs::test]
async fn webhooks_are_taken_back_though_the_first_attempt_fails(cluster: Cluster) {
    withdrawn(cluster, |on| Rule::new(on, Fault::status(500)).nth(2)).await;
}

#[kopfrs::test]
async fn webhooks_are_taken_back_though_nobody_has_told_that_they_were_written(cluster: Cluster) {
    withdrawn(cluster, |on| {
        Rule::new(on, Fault::hang().after_effect()).nth(1)
    })
    .await;
}

#[kopfrs::test]
async fn two_functions_of_one_id_are_a_mistake(cluster: Cluster) {
    let handlers = Registry::new()
        .add(on::validate::<Ticket>().id("check").run(async || {}))
        .add(on::mutate::<Ticket>().id("check").run(async || {}));
    cluster.install::<Ticket>().await;
    let operator = cluster
        .operator()
        .handlers(handlers)
        .webhooks()
        .launch()
        .await;
    let error = operator.ended().await.unwrap_err().to_string();
    assert!(
        error.contains("different functions with one id, `check`"),
        "{error}"
    );
}

#[kopfrs::test(backend = "in-process")]
async fn a_name_that_means_nothing_or_too_much_is_told(cluster: Cluster) {
    for group in ["a.example.com", "b.example.com"] {
        let definition = format!(
            "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: parcels.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Parcel, plural: parcels, singular: parcel}}
  versions:
    - {{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}
"
        );
        cluster.apply(&definition).await;
    }
    let named = |name: &str| Selector::name(name).unwrap();
    let handlers = Registry::new()
        .add(
            on::validate_of(named("parcels"))
                .id("twice")
                .run(async || {}),
        )
        .add(
            on::validate_of(named("letters"))
                .id("never")
                .run(async || {}),
        );
    let operator = cluster
        .operator()
        .handlers(handlers)
        .webhooks()
        .launch()
        .await;
    operator
        .until_said("parcels.v1.a.example.com, parcels.v1.b.example.com")
        .await;
    operator
        .until_said("letters is not served by the API")
        .await;
    operator.stop().await;
}

#[kopfrs::test(backend = "in-process")]
async fn a_kind_of_which_the_api_does_not_tell_for_a_moment_is_asked_about_on(cluster: Cluster) {
    cluster.install::<Ticket>().await;
    let gate = cluster.gate().await;
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(async || {}));
    let setup = cluster.operator().handlers(handlers).webhooks();
    let operator = setup.through(&gate).start().await;
    let none = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [],
    });
    let discovery = On::any().when(|request| request.path() == "/apis");
    let empty = Fault::status(200).body("application/json", none.to_string());
    let injected = gate.faults().inject(Rule::new(discovery, empty).times(1));
    // The definition of something else makes the operator look.
    let definition = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: others.admission.kopfrs.dev}
spec:
  group: admission.kopfrs.dev
  scope: Namespaced
  names: {kind: Other, plural: others, singular: other}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
";
    cluster.apply(definition).await;
    cluster.until("a look", async || injected.hits() == 1).await;
    operator.until_settled().await;
    let written = On::verb("patch").resource("validatingwebhookconfigurations");
    let emptied = written.body(json!({"webhooks": []}));
    gate.journal().expect(emptied).never();
    let plural = "validatingwebhookconfigurations";
    assert_eq!(
        names(&webhooks(&cluster, plural).await, &cluster),
        ["check"]
    );
    operator.stop().await;
}
