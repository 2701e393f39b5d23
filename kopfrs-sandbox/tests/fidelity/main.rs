//! The API server answers as a real kube-apiserver does.
//!
//! Each file below `scenarios` and `further` holds requests and watches, and the answers that kube-apiserver 1.36 gave to them; each
//! is a test of its own. `README.md` beside this file describes their form.
//!
//! They are replayed over TLS against a sandbox that enforces roles. With `USE_EXISTING_CLUSTER=true` and `KUBECONFIG`
//! they are replayed against that cluster instead: what the files say must be true there, too.

mod access;
mod canonical;
mod client;
mod diff;
mod fixtures;
mod ordered;
mod path;
mod placeholder;
mod player;
mod poll;
mod request;
mod scenario;
mod self_test;
mod server;
mod variables;
mod watch;
mod webhooks;

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Trial};

use self::{scenario::Scenario, server::Subject};

/// Why something cannot go on.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(failure) => {
            eprintln!("the scenarios cannot be replayed: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>, Failure> {
    let subject = Arc::new(Subject::start()?);
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fidelity");
    let mut trials = self_test::trials(&subject);
    let mut files = scenario::files(&home.join("scenarios"))?;
    files.extend(scenario::files(&home.join("further"))?);
    for file in files {
        let scenario = Scenario::read(&file)?;
        let (name, subject) = (scenario.name.clone(), subject.clone());
        trials.push(Trial::test(name, move || replay(&subject, &scenario)));
    }
    Ok(trials)
}

fn replay(subject: &Subject, scenario: &Scenario) -> Result<(), libtest_mimic::Failed> {
    let report = subject.block_on(player::play(&subject.access, scenario));
    if report.is_empty() {
        return Ok(());
    }
    let what = &scenario.description;
    Err(format!("{what}\n    {}", report.join("\n    ")).into())
}
