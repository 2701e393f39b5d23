//! Programs on this machine: what they are told, and what is understood of them.

use std::time::{Duration, Instant};

use kopfrs::exec::{BoxRunner, Process, Runner as _};
use kopfrs::lifecycle::{Applied, Deleted, Operation, Report, Verdict, Verified};
use kopfrs::prelude::*;

use crate::subject::{call, has_python};

fn sh(script: &str) -> Process {
    // The operation comes after it.
    Process::new("sh").args(["-c", script, "manager"])
}

/// Other languages than that of the shell, as far as they are there.
fn others(code: u8) -> Vec<Process> {
    let python = Process::new("python3").args(["-c", &format!("import sys; sys.exit({code})")]);
    if has_python() {
        vec![python]
    } else {
        Vec::new()
    }
}

async fn run(process: &Process, operation: Operation) -> Result<Report> {
    process.run(&call(operation, &json!({"size": 1}))).await
}

async fn failure(process: &Process, operation: Operation) -> String {
    let error = run(process, operation).await.unwrap_err();
    error.message().to_owned()
}

#[tokio::test]
async fn the_exit_code_is_the_outcome_whatever_the_language() {
    let rows: [(Operation, u8, Verdict); 6] = [
        (Operation::Create, 201, Applied::Succeeded.into()),
        (Operation::Update, 202, Applied::AwaitingVerification.into()),
        (Operation::Verify, 214, Verified::Missing.into()),
        (Operation::Verify, 217, Verified::Deleting.into()),
        (Operation::Delete, 222, Deleted::InProgress.into()),
        (Operation::Delete, 224, Deleted::Missing.into()),
    ];
    for (operation, code, verdict) in rows {
        let shell = sh(&format!("exit {code}"));
        for process in others(code).into_iter().chain([shell]) {
            let report = run(&process, operation).await.unwrap();
            assert_eq!(report, Report::new(verdict), "{operation} {code}");
        }
    }
}

#[tokio::test]
async fn a_program_is_told_its_operation_and_everything_of_the_object() {
    let echo = r#"printf '{"args":["%s","%s"],"input":' "$1" "$2"; cat; printf '}'; exit 211"#;
    let call = call(Operation::Verify, &json!({"size": 1}))
        .last_applied(json!({"size": 0}))
        .attempt(2);
    let report = sh(echo).run(&call).await.unwrap();
    let payload = report.payload.unwrap();
    assert_eq!(payload["args"], json!(["--type", "verify"]));
    assert_eq!(payload["input"], call.document());
    assert_eq!(payload["input"]["lastApplied"], json!({"size": 0}));
    assert_eq!(payload["input"]["payload"], json!({"id": 7}));
}

#[tokio::test]
async fn ends_that_mean_nothing_are_failures_that_name_them() {
    let rows = [
        (
            "exit 0",
            Operation::Verify,
            "sh has exited with 0, which says nothing of what came of verify",
        ),
        (
            "exit 7",
            Operation::Create,
            "exited with 7, which says nothing of what came of create: it may exit with 201",
        ),
        (
            "exit 221",
            Operation::Create,
            "exited with 221 (of delete: done)",
        ),
        ("kill -9 $$", Operation::Update, "sh was killed by signal 9"),
        (
            "echo why >&2; exit 7",
            Operation::Delete,
            "224 (missing); its last words: why",
        ),
    ];
    for (script, operation, expected) in rows {
        let message = failure(&sh(script), operation).await;
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn a_program_that_says_why_it_has_failed_is_quoted() {
    let script = "echo 'noise'; echo 'the disk is full' >&2; exit 203";
    assert_eq!(
        failure(&sh(script), Operation::Create).await,
        "the disk is full"
    );
    let script = "echo 'only here'; exit 213";
    assert_eq!(failure(&sh(script), Operation::Verify).await, "only here");
    let silent = failure(&sh("exit 223"), Operation::Delete).await;
    assert_eq!(
        silent,
        "sh says with exit code 223 that delete has failed, and does not say why"
    );
}

#[tokio::test]
async fn a_flood_of_output_is_read_and_let_go() {
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = statm
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse::<u64>().ok());
        pages.unwrap_or_default() * 4096
    };
    let before = resident();
    let flood = r"
        flood() { head -c 104857600 /dev/zero | tr '\0' x; }
        flood >&2 & flood; wait; printf 'the end'; exit 201";
    let report = run(&sh(flood).output_limit(100), Operation::Create)
        .await
        .unwrap();
    let payload = report.payload.unwrap();
    let payload = payload.as_str().unwrap();
    assert!(payload.ends_with("xxxthe end"), "{payload}");
    assert!(payload.chars().count() <= 101, "{payload}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "it holds {grown} bytes more than before");
}

#[tokio::test]
async fn a_program_need_not_read_its_input() {
    let spec = json!({"text": "x".repeat(1 << 20)});
    for script in ["exec 0<&-; echo done; exit 201", "exit 201"] {
        let report = sh(script)
            .run(&call(Operation::Create, &spec))
            .await
            .unwrap();
        assert_eq!(report.outcome, Applied::Succeeded.into());
    }
}

#[tokio::test]
async fn the_environment_and_the_folder_are_as_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        [ "${HOME+x}" ] && home=true || home=false
        printf '["%s","%s",%s]' "$(pwd -P)" "$COLOUR" "$home"; exit 201"#;
    let path = std::env::var("PATH").unwrap();
    let process = sh(script)
        .env_clear()
        .env("PATH", path)
        .env("COLOUR", "blue")
        .current_dir(folder.path());
    let report = run(&process, Operation::Create).await.unwrap();
    let folder = folder.path().canonicalize().unwrap();
    assert_eq!(report.payload, Some(json!([folder, "blue", false])));
    assert!(!format!("{process:?}").contains("blue"));
}

#[tokio::test]
async fn arguments_are_made_of_the_object_only_where_that_is_asked_for() {
    let script = r#"printf '%s|' "$@"; exit 201"#;
    let process = sh(script).args(["--fast"]);
    let templated = process
        .clone()
        .arguments_template("--type {type} --spec {spec}")
        .unwrap();
    let call = call(Operation::Create, &json!({"text": "two words"}));
    let plain = process.run(&call).await.unwrap();
    assert_eq!(plain.payload, Some(json!("--fast|--type|create|")));
    let report = templated.run(&call).await.unwrap();
    let expected = r#"--fast|--type|create|--spec|{"text":"two words"}|"#;
    assert_eq!(report.payload, Some(json!(expected)));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let message = failure(&Process::new("./no-such-manager"), Operation::Create).await;
    assert!(
        message.starts_with("./no-such-manager cannot be started: "),
        "{message}"
    );
    let message = failure(
        &sh("exit 201").current_dir("/no/such/folder"),
        Operation::Create,
    )
    .await;
    assert!(
        message.contains("there is no folder /no/such/folder"),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn where_time_is_paused_it_stands_while_a_program_runs() {
    let (started, real) = (tokio::time::Instant::now(), Instant::now());
    let process = BoxRunner::new(sh("sleep 0.3; exit 211").deadline(Duration::from_secs(3600)));
    let call = call(Operation::Verify, &json!({}));
    let report = process.run(&call).await.unwrap();
    assert_eq!(report.outcome, Verified::Ready.into());
    assert!(real.elapsed() >= Duration::from_millis(300));
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}
