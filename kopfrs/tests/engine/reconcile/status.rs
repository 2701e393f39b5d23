use std::fmt;

use kopfrs::reconcile::StatusError;
use kube::CustomResourceExt as _;
use kube::api::{Api, Patch as ApiPatch, PatchParams, PostParams};

use super::*;
use crate::bench::Status;

#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "example.com",
    version = "v1",
    kind = "Shop",
    namespaced,
    status = "ShopStatus"
)]
struct ShopSpec {
    colour: String,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ShopStatus {
    observed_generation: Option<i64>,
    conditions: Option<Vec<Condition>>,
    error: Option<ShopProblem>,
    sold: Option<u32>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
struct ShopProblem {
    r#type: String,
    message: String,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Condition {
    r#type: String,
    status: String,
    reason: String,
    message: String,
    last_transition_time: String,
    observed_generation: Option<i64>,
}

#[derive(Debug, StatusError)]
enum ShopError {
    NoSuchColour(String),
    #[status_error(tag = "OutOfStock")]
    Empty,
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchColour(colour) => write!(f, "there is no {colour}"),
            Self::Empty => f.write_str("nothing is left"),
        }
    }
}

impl std::error::Error for ShopError {}

#[expect(clippy::unused_async, reason = "handlers are async functions")]
async fn sell(call: Arc<Invocation<ChangingCause>>) -> anyhow::Result<Action> {
    use anyhow::Context as _;
    match call.cause.body.spec()["colour"]
        .as_str()
        .unwrap_or_default()
    {
        "grue" => Err(ShopError::NoSuchColour("grue".into())).context("selling"),
        "black" => Err(ShopError::Empty.into()),
        "odd" => anyhow::bail!("odd"),
        _ => {
            call.cause.patch.status(json!({"sold": 1}));
            Ok(Action::Done)
        }
    }
}

async fn shops(bench: &Bench) -> Api<Shop> {
    let definition = serde_json::to_string(&Shop::crd()).unwrap();
    bench.sandbox.apply_yaml(&definition).await.unwrap();
    Api::namespaced(bench.client.clone(), "default")
}

async fn told(api: &Api<Shop>) -> Value {
    let shop = api.get("s").await.unwrap();
    serde_json::to_value(shop.status).unwrap()
}

async fn paint(bench: &Bench, api: &Api<Shop>, times: &Times, colour: &str) -> Value {
    let patch = ApiPatch::Merge(json!({"spec": {"colour": colour}}));
    let count = times.count("s");
    let parameters = PatchParams::default();
    api.patch("s", &parameters, &patch).await.unwrap();
    bench
        .until("a call", || async { times.count("s") > count })
        .await;
    sleep(Duration::from_millis(400)).await;
    told(api).await
}

#[tokio::test(start_paused = true)]
async fn the_status_tells_what_was_seen_and_how_it_went() {
    let bench = Bench::new(Status::Strict).await;
    let api = shops(&bench).await;
    let times = Times::new();
    let note = times.clone();
    let handler = on::reconcile::<Shop>().id("sell").resync(Duration::ZERO);
    let handler = handler.backoff(Duration::from_hours(1)).run(
        move |call: Arc<Invocation<ChangingCause>>| {
            note.note(&call);
            sell(call)
        },
    );
    let running = bench.start(only(handler)).await;
    let shop = Shop::new(
        "s",
        ShopSpec {
            colour: "red".into(),
        },
    );
    api.create(&PostParams::default(), &shop).await.unwrap();
    settled(&bench, &times, "s", 1).await;
    let first = told(&api).await;
    assert_eq!(
        (&first["observedGeneration"], &first["sold"]),
        (&json!(1), &json!(1))
    );
    let ready = |status: &Value| {
        let condition = &status["conditions"][0];
        assert_eq!(condition["type"], "Ready");
        let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        (
            text("status"),
            text("reason"),
            text("message"),
            text("lastTransitionTime"),
        )
    };
    let (status, reason, message, began) = ready(&first);
    assert_eq!((&*status, &*reason, &*message), ("True", "Reconciled", ""));
    a_while().await;

    let second = paint(&bench, &api, &times, "blue").await;
    assert_eq!(second["observedGeneration"], 2);
    assert_eq!(ready(&second).3, began, "the condition has not turned");

    let failed = paint(&bench, &api, &times, "grue").await;
    let (status, reason, message, turned) = ready(&failed);
    assert_eq!((&*status, &*reason), ("False", "NoSuchColour"));
    assert_eq!(message, "selling: there is no grue");
    assert_ne!(turned, began);
    let expected = json!({"type": "NoSuchColour", "message": "there is no grue"});
    assert_eq!(failed["error"], expected);

    let other = paint(&bench, &api, &times, "black").await;
    assert_eq!(other["error"]["type"], "OutOfStock");
    assert_eq!(ready(&other).3, turned);

    let untyped = paint(&bench, &api, &times, "odd").await;
    assert_eq!(untyped["error"], Value::Null);
    assert_eq!(ready(&untyped).1, "ReconcileFailed");

    paint(&bench, &api, &times, "grue").await;
    let mended = paint(&bench, &api, &times, "green").await;
    assert_eq!(mended["error"], Value::Null);
    assert_eq!(ready(&mended).0, "True");
    assert_eq!(mended["observedGeneration"], 7);
    let nulls = bench.sandbox.journal().for_object("shops", "default", "s");
    let nulls = nulls.writes().matching(|request| {
        let body = request.body().unwrap_or_default();
        request.subresource() == "status" && body["status"].get("error") == Some(&Value::Null)
    });
    assert_eq!(nulls.iter().count(), 2, "it is cleared explicitly");
    settled(&bench, &times, "s", 7).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_of_its_conditions_counts() {
    let bench = Bench::new(Status::Strict).await;
    let api = shops(&bench).await;
    let times = Times::new();
    let note = times.clone();
    let handler = on::reconcile::<Shop>().id("sell").resync(Duration::ZERO);
    let handler = handler.run(move |call: Arc<Invocation<ChangingCause>>| {
        note.note(&call);
        async move {
            let condition = |kind: &str| {
                json!({"type": kind, "status": "Unknown", "reason": "Mine", "message": "",
                    "lastTransitionTime": "2020-01-01T00:00:00Z"})
            };
            let kind = call.cause.body.spec()["colour"]
                .as_str()
                .unwrap()
                .to_owned();
            call.cause
                .patch
                .status(json!({"conditions": [condition(&kind)], "observedGeneration": 77}));
        }
    });
    let running = bench.start(only(handler)).await;
    let shop = Shop::new(
        "s",
        ShopSpec {
            colour: "Open".into(),
        },
    );
    api.create(&PostParams::default(), &shop).await.unwrap();
    settled(&bench, &times, "s", 1).await;
    let kinds = |status: &Value| {
        let conditions = status["conditions"].as_array().unwrap().iter();
        let told = conditions.map(|one| format!("{} {}", one["type"], one["reason"]));
        told.collect::<Vec<_>>().join(", ").replace('"', "")
    };
    let told_first = told(&api).await;
    assert_eq!(kinds(&told_first), "Open Mine, Ready Reconciled");
    assert_eq!(told_first["observedGeneration"], 77);
    let own = paint(&bench, &api, &times, "Ready").await;
    assert_eq!(kinds(&own), "Ready Mine");
    running.stop().await;
}
