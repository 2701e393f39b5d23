//! One question that several handlers answer: who is told when more than one of them fails.

use std::sync::Mutex;

use kopfrs::handler::AdmissionError;
use kopfrs::settings::WebhookServer;

use super::endpoints::ask;
use super::*;

/// All ways to fail, in the order in which the handlers are declared.
const WAYS: [&str; 6] = [
    "arbitrary",
    "panic",
    "temporary",
    "permanent",
    "purpose",
    "other-purpose",
];

/// Handlers each of which fails in its way if the label of that name is there, and is called anyway.
fn handlers(called: &Arc<Mutex<Vec<&'static str>>>) -> Registry {
    WAYS.into_iter().fold(Registry::new(), |registry, way| {
        let called = called.clone();
        let fail = move |body: Body, warnings: Warnings| {
            called.lock().unwrap().push(way);
            warnings.push(way);
            std::future::ready(match body.label(way) {
                Some(_) => failed(way),
                None => Ok(()),
            })
        };
        registry.add(on::validate::<Ticket>().id(way).run(fail))
    })
}

fn failed(way: &str) -> Result<()> {
    Err(match way {
        "purpose" => AdmissionError::new("on purpose").code(403).into(),
        "other-purpose" => AdmissionError::new("on another purpose").code(409).into(),
        "permanent" => PermanentError::new("for good").into(),
        "temporary" => TemporaryError::after_secs("for now", 5).into(),
        "panic" => panic!("in a panic"),
        _ => std::io::Error::other("by accident").into(),
    })
}

#[kopfrs::test(wire)]
async fn the_weightiest_error_of_all_is_the_answer_of_one_webhook(cluster: Cluster) {
    cluster.install::<Ticket>().await;
    let called = Arc::new(Mutex::new(Vec::new()));
    let setup = cluster.operator().handlers(handlers(&called));
    let server = WebhookServer::new().insecure(true);
    let setup = setup.settings(|settings| settings.admission.server = Some(server));
    let operator = setup.start().await;
    operator.until_said("serving webhooks at http://").await;
    let log = operator.log();
    let line = log
        .lines()
        .find(|line| line.contains("serving webhooks at"));
    let line = line.expect("it was said");
    let (_, url) = line.split_once(" at ").expect("it has a URL");
    for (failing, expected) in [
        (&[][..], None),
        (&["arbitrary"], Some((500, "by accident"))),
        (&["arbitrary", "panic"], Some((500, "by accident"))),
        (&["panic"], Some((500, "in a panic"))),
        (&["arbitrary", "temporary"], Some((500, "for now"))),
        (
            &["arbitrary", "panic", "temporary", "permanent"],
            Some((500, "for good")),
        ),
        (&["temporary", "purpose"], Some((403, "on purpose"))),
        (
            &["permanent", "other-purpose"],
            Some((409, "on another purpose")),
        ),
        (&WAYS, Some((403, "on purpose"))),
    ] {
        let labels: serde_json::Map<_, _> = failing
            .iter()
            .map(|way| ((*way).to_owned(), json!("yes")))
            .collect();
        let question = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "operation": "CREATE", "namespace": cluster.namespace(),
            "resource": {"group": "admission.kopfrs.dev", "version": "v1", "resource": "tickets"},
            "userInfo": {"username": "x"},
            "object": {"metadata": {"name": "a", "labels": labels}},
        }});
        let (code, text) = ask(&format!("{url}/"), &question.to_string()).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        let response = &answer["response"];
        // The question itself was answered; what the answer is, is told inside.
        assert_eq!((code, &response["uid"]), (200, &json!("u")), "{failing:?}");
        assert_eq!(
            response["allowed"],
            json!(expected.is_none()),
            "{failing:?}"
        );
        let status = &response["status"];
        match expected {
            None => assert!(status.is_null(), "{response}"),
            Some((code, message)) => {
                assert_eq!(status["code"], code, "{failing:?}: {response}");
                let told = status["message"].as_str().unwrap();
                assert!(told.contains(message), "{failing:?}: {response}");
            }
        }
        // Whoever fails keeps nobody from being asked, and nobody from warning.
        assert_eq!(std::mem::take(&mut *called.lock().unwrap()), WAYS);
        assert_eq!(response["warnings"], json!(WAYS), "{failing:?}");
    }
    operator.stop().await;
}
