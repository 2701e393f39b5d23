//! Secrets of the spec stay where they are.

use std::io::Write;
use std::sync::{Arc, Mutex};

use kopfrs::exec::{Process, Runner as _};
use kopfrs::lifecycle::Operation;
use kopfrs::prelude::*;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::fmt::MakeWriter;

use crate::subject::{PASSWORD, call};

#[derive(Clone, Default)]
struct Pages(Arc<Mutex<Vec<u8>>>);

impl Write for Pages {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Pages {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Says all that it knows, wherever it can.
const CHATTER: &str = r#"
spec=$(grep -o '"spec":{[^{}]*}' | head -n 1)
text() { printf '%s' "$spec" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
printf '{%s,"dsn":"db://%s/"}' "$spec" "$(text dsn)"
echo "I log in with $(text password)" >&2
echo "$spec" >&2
exit "$CODE"
"#;

fn chatter(code: i32) -> Process {
    Process::new("sh")
        .args(["-c", CHATTER, "manager"])
        .env("CODE", code.to_string())
        .secret_field("spec.dsn".parse().unwrap())
}

#[tokio::test]
async fn secrets_are_masked_in_payloads_messages_and_the_log() {
    let pages = Pages::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(pages.clone())
        .finish();
    // With one subscriber only, tracing would go by what other threads have, which is none.
    let _others = [(); 2].map(|()| Dispatch::new(NoSubscriber::default()));
    let _guard = tracing::subscriber::set_default(subscriber);
    let quoted = "with \"quotes\"";
    let spec = json!({"password": PASSWORD, "dsn": "server17", "token": quoted, "size": 1});
    let call = call(Operation::Create, &spec);

    let payload = chatter(201).run(&call).await.unwrap().payload.unwrap();
    let hidden = json!({"password": "***", "dsn": "***", "token": "***", "size": 1});
    assert_eq!(payload, json!({"spec": hidden, "dsn": "db://***/"}));
    let message = chatter(203)
        .run(&call)
        .await
        .unwrap_err()
        .message()
        .to_owned();
    assert!(message.starts_with("I log in with ***\n"), "{message}");

    let log = String::from_utf8(pages.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("sh: I log in with ***"), "{log}");
    for secret in [PASSWORD, "server17", "quotes"] {
        assert!(!message.contains(secret), "{message}");
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn half_a_secret_is_masked_where_output_was_cut() {
    let script = format!("printf 'xxxxxxxxxxxxxxxx{PASSWORD} is wrong'; exit 203");
    let spec = json!({"password": PASSWORD});
    for limit in 10..30 {
        let process = Process::new("sh")
            .args(["-c", &script, "manager"])
            .output_limit(limit);
        let error = process
            .run(&call(Operation::Create, &spec))
            .await
            .unwrap_err();
        assert!(!error.message().contains("horse"), "{limit}: {error}");
        assert!(error.message().ends_with(" is wrong"), "{limit}: {error}");
    }
}

#[tokio::test]
async fn nothing_of_the_object_is_where_others_on_the_machine_can_read_it() {
    let script = r"cat /proc/$$/cmdline /proc/$$/environ | tr '\0' '\n'; exit 201";
    let process = Process::new("sh")
        .args(["-c", script, "manager"])
        .output_limit(1 << 20);
    let spec = json!({"key": "wide open", "host": "server17"});
    let report = process.run(&call(Operation::Create, &spec)).await.unwrap();
    let seen = report.payload.unwrap().as_str().unwrap().to_owned();
    assert!(
        seen.contains("--type\ncreate\n") && seen.contains("PATH="),
        "{seen}"
    );
    for value in ["wide open", "server17", "0a1b2c3d"] {
        assert!(!seen.contains(value), "{seen}");
    }
}
