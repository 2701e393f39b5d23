//! What a program prints, as its options and the environment say.

use serde_json::{Value, json};

use crate::program::Program;

const HELLO: &str = "And here we are!";
const OBJECT: &str = "default/kopf-example-1";

/// The line in which the minimal example greets its object, with these options and variables.
async fn greeting(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests");
    let arguments = [&["--sandbox", "--apply", manifests][..], arguments].concat();
    let minimal = env!("CARGO_BIN_EXE_01-minimal");
    let program = Program::start_saying(minimal, &arguments, environment);
    program.until(HELLO, 1).await;
    let line = program.line(HELLO).expect("it was said");
    program.stop().await.assert_calm();
    line
}

#[tokio::test]
async fn the_log_says_in_json_which_object_it_is_about() {
    for (arguments, environment, key) in [
        (&["--log-format", "json"][..], &[][..], "object"),
        (
            &["--log-format", "json", "--log-refkey", "k8s"],
            &[("KOPFRS_LOG_REFKEY", "other")],
            "k8s",
        ),
        (
            &[],
            &[
                ("KOPFRS_LOG_FORMAT", "json"),
                ("KOPFRS_LOG_REFKEY", "other"),
            ],
            "other",
        ),
    ] {
        let line: Value = serde_json::from_str(&greeting(arguments, environment).await).unwrap();
        let object = &line[key];
        assert!(
            object["uid"].as_str().is_some_and(|uid| uid.len() == 36),
            "{line}"
        );
        let expected = json!({
            "apiVersion": "kopf.dev/v1", "kind": "KopfExample", "namespace": "default",
            "name": "kopf-example-1", "uid": object["uid"],
        });
        assert_eq!(*object, expected, "{line}");
        assert_eq!(
            (&line["handler"], &line["level"]),
            (&json!("create_fn"), &json!("info"))
        );
        let message = line["message"].as_str().unwrap();
        assert!(message.starts_with(HELLO), "{line}");
        let others = ["object", "k8s", "other"]
            .into_iter()
            .filter(|other| *other != key);
        assert!(
            others.into_iter().all(|other| line[other].is_null()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn messages_begin_with_their_object_as_the_format_or_the_options_say() {
    let prefix = format!("[{OBJECT}] ");
    for (arguments, environment, is_there) in [
        (&["--log-format=plain"][..], &[][..], true),
        (
            &["--log-format=full", "--no-log-prefix"],
            &[("KOPFRS_LOG_PREFIX", "true")],
            false,
        ),
        (
            &["--log-format=plain"],
            &[("KOPFRS_LOG_PREFIX", "0")],
            false,
        ),
        (&["--log-format=json"], &[("KOPFRS_LOG_PREFIX", "1")], true),
        (
            &["--log-format=json", "--log-prefix"],
            &[("KOPFRS_LOG_PREFIX", "no")],
            true,
        ),
    ] {
        let line = greeting(arguments, environment).await;
        let said = match serde_json::from_str::<Value>(&line) {
            Ok(json) => json["message"].as_str().unwrap().to_owned(),
            Err(_) => line.clone(),
        };
        assert_eq!(said.contains(&prefix), is_there, "{line}");
        assert!(said.contains(HELLO), "{line}");
    }
}
