//! How programs end that do not end by themselves, and what they have started.

use std::path::Path;
use std::time::Duration;

use kopfrs::exec::Process;
use kopfrs::lifecycle::{Applied, Operation};
use kopfrs::prelude::*;
use tempfile::TempDir;

use crate::subject::{Running, call, start};

/// What is waited for in vain for so long has failed.
const LIMIT: Duration = Duration::from_secs(30);

const MOMENT: Duration = Duration::from_millis(10);

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(MOMENT).await;
        }
    };
    let waited = tokio::time::timeout(LIMIT, waiting).await;
    assert!(waited.is_ok(), "the test waits for {what} in vain");
}

/// A folder in which programs write down who they are, and what they do.
struct Notes(TempDir);

impl Notes {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_default()
    }

    fn read(&self, name: &str) -> String {
        Self::at(&self.0.path().join(name))
    }

    /// The process that has written its number down.
    async fn process(&self, name: &str) -> u32 {
        let has_come = || self.read(name).ends_with('\n');
        until(&format!("a process to write down {name}"), has_come).await;
        self.read(name).trim().parse().unwrap()
    }

    fn process_of(&self, script: &str) -> Process {
        Process::new("sh")
            .args(["-c", script, "manager"])
            .current_dir(self.0.path())
    }
}

/// Whether a process is there, and not only its entry in a list that nobody has looked into yet.
fn is_alive(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

fn begin(process: Process) -> Running {
    start(process, call(Operation::Create, &json!({})))
}

const STUBBORN: &str = "trap '' TERM; echo $$ > self; while :; do sleep 0.05; done";
/// Who gets input is looked after already.
const PARENT: &str = "cat > input; echo $$ > self; sleep 1000 & echo $! > child; wait";

#[tokio::test]
async fn at_its_deadline_a_program_is_asked_to_end_and_says_so() {
    let notes = Notes::new();
    let script =
        "trap 'echo interrupted >&2; exit 201' TERM; echo $$ > self; while :; do sleep 0.05; done";
    let process = notes
        .process_of(script)
        .deadline(Duration::from_millis(500));
    let message = begin(process).failure().await;
    // The shell tells of its own child, too.
    assert!(
        message.starts_with("sh was ended: create took longer than 500ms; its last words: "),
        "{message}"
    );
    assert!(message.ends_with("interrupted"), "{message}");
    assert!(!is_alive(notes.process("self").await));
}

#[tokio::test]
async fn a_program_that_will_not_end_is_killed() {
    let notes = Notes::new();
    let process = notes.process_of(STUBBORN);
    let process = process
        .deadline(Duration::from_millis(300))
        .grace(Duration::from_millis(200));
    let message = begin(process).failure().await;
    assert_eq!(message, "sh was ended: create took longer than 300ms");
    assert!(!is_alive(notes.process("self").await));
}

#[tokio::test]
async fn what_a_program_has_started_ends_with_it() {
    let notes = Notes::new();
    let process = notes
        .process_of(PARENT)
        .deadline(Duration::from_millis(300));
    begin(process).failure().await;
    let child = notes.process("child").await;
    until("the grandchild to end", || !is_alive(child)).await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_does_not_stay() {
    let notes = Notes::new();
    let report = begin(notes.process_of("sleep 1000 & echo $! > child; echo made; exit 201"))
        .report()
        .await;
    assert_eq!(
        (report.outcome, report.payload),
        (Applied::Succeeded.into(), Some(json!("made")))
    );
    let child = notes.process("child").await;
    until("the grandchild to end", || !is_alive(child)).await;
}

#[tokio::test]
async fn a_program_that_nobody_waits_for_is_given_time_to_end() {
    let notes = Notes::new();
    let script = "trap 'sleep 0.2; echo yes > tidy; exit 0' TERM; echo $$ > self; while :; do sleep 0.05; done";
    let running = begin(notes.process_of(script));
    let process = notes.process("self").await;
    running.drop_it().await;
    until("it to tidy up", || notes.read("tidy") == "yes\n").await;
    until("it to end", || !is_alive(process)).await;
}

#[tokio::test]
async fn the_children_of_a_program_are_given_time_too() {
    let notes = Notes::new();
    // The shell itself ends at once.
    let child = "trap 'sleep 0.3; echo yes > tidy; exit 0' TERM; echo $$ > child; while :; do sleep 0.05; done";
    let running =
        begin(notes.process_of(&format!("sh -c \"{}\" & wait", child.replace('$', "\\$"))));
    let child = notes.process("child").await;
    running.drop_it().await;
    until("the child to tidy up", || notes.read("tidy") == "yes\n").await;
    until("the child to end", || !is_alive(child)).await;
}

#[tokio::test]
async fn a_stubborn_program_that_nobody_waits_for_is_killed() {
    let notes = Notes::new();
    let running = begin(notes.process_of(STUBBORN).grace(Duration::from_millis(200)));
    let process = notes.process("self").await;
    running.drop_it().await;
    until("it to be killed", || !is_alive(process)).await;
}

#[test]
fn the_end_of_the_runtime_is_the_end_of_its_programs() {
    let notes = Notes::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let process = runtime.block_on(async {
        let running = begin(notes.process_of(STUBBORN));
        let process = notes.process("self").await;
        drop(running);
        process
    });
    drop(runtime);
    assert!(!is_alive(process));
}

/// This test runs itself as the operator that is killed.
#[tokio::test]
async fn a_killed_operator_takes_its_programs_with_it() {
    if let Ok(folder) = std::env::var("KOPFRS_TEST_FOLDER") {
        let process = Process::new("sh")
            .args(["-c", PARENT, "manager"])
            .current_dir(folder);
        let outcome = begin(process).failure().await;
        unreachable!("it is to be killed before: {outcome}");
    }
    let notes = Notes::new();
    let name = "ends::a_killed_operator_takes_its_programs_with_it";
    let mut operator = std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env("KOPFRS_TEST_FOLDER", notes.0.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (process, child) = (notes.process("self").await, notes.process("child").await);
    assert!(is_alive(process) && is_alive(child));
    operator.kill().unwrap();
    operator.wait().unwrap();
    until("the program to end", || !is_alive(process)).await;
    until("the grandchild to end", || !is_alive(child)).await;
}
