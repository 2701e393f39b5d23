//! Programs on this machine.

mod group;
mod keeper;
mod run;
mod tail;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use self::run::{Done, Limits, Task, run};
use super::output::Ended;
use super::template::{Template, TemplateError};
use super::{Call, Runner};
use crate::handler::{ErrorKind, HandlerError, Result};
use crate::lifecycle::Report;
use crate::object::{FieldPath, Secrets};

/// Runs a program on this machine for each operation.
///
/// The program gets `--type <operation>` after its own arguments, and what it is to do as
/// [one JSON document](Call::document) on its standard input. Its exit code is the [outcome](super::code::decode). What
/// it prints to its standard output becomes the payload if it succeeds; what it prints to its standard error (or else to
/// its standard output) becomes the message if it fails, and goes to the log line by line at the level `debug`. The last
/// bytes of both are kept, and secrets of the spec are taken out of them.
///
/// Nothing of the object is in arguments or in the environment, where everybody on the machine could read it.
///
/// # Its end
/// The program is the first process of a group of its own. At its deadline, and when nobody waits for it any more since
/// the operator stops, the group is asked to end by SIGTERM, and killed after a grace period. What the program leaves
/// behind in its group when it ends by itself is killed. If the operator itself is killed, its programs end, too: a shell
/// (`sh`, if there is one) waits for that. Only what has made itself a session of its own (`setsid`) survives.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use kopfrs::exec::{Call, Process, Runner as _};
/// use kopfrs::lifecycle::{Operation, Verified};
/// use kopfrs::object::Body;
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let manager = Process::new("sh").args(["-c", "echo '{\"id\": 17}'; exit 211"]).deadline(Duration::from_secs(60));
/// let site = json!({"kind": "Site", "metadata": {"name": "web"}, "spec": {}});
/// let report = manager.run(&Call::new(Operation::Verify, Body::new(site))).await.unwrap();
/// assert_eq!(report.outcome, Verified::Ready.into());
/// assert_eq!(report.payload, Some(json!({"id": 17})));
/// # }
/// ```
#[derive(Clone)]
pub struct Process {
    program: PathBuf,
    args: Vec<OsString>,
    template: Option<Template>,
    env: Vec<(OsString, OsString)>,
    is_env_clear: bool,
    folder: Option<PathBuf>,
    limits: Limits,
    secrets: Secrets,
}

impl Process {
    /// A program: a path, or a name that is looked for in `PATH`.
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            template: None,
            env: Vec::new(),
            is_env_clear: false,
            folder: None,
            limits: Limits {
                deadline: Duration::from_secs(600),
                grace: Duration::from_secs(10),
                output: 4096,
            },
            secrets: Secrets::default(),
        }
    }

    /// Adds arguments; those that kopfrs gives come after them.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// Gives arguments that are made of the object in place of `--type <operation>`, for programs that were written for
    /// CRAFT: `"--type {type} --spec {spec}"`. There are `{type}` (the operation), `{spec}` and `{status}` (as JSON). The
    /// template is split at spaces before the values are put in.
    ///
    /// Everybody on the machine can read the arguments of a program: do not do this where specs hold secrets.
    ///
    /// # Errors
    /// If there is a placeholder of another name.
    pub fn arguments_template(
        mut self,
        template: &str,
    ) -> std::result::Result<Self, TemplateError> {
        self.template = Some(Template::parse(template)?);
        Ok(self)
    }

    /// Sets a variable of the environment. The rest of it is that of the operator.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let pair = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.env.push(pair);
        self
    }

    /// Gives the program no variables of the operator, but only those that are set.
    pub fn env_clear(mut self) -> Self {
        self.is_env_clear = true;
        self
    }

    /// Sets the folder that the program runs in; it is that of the operator otherwise. A relative path of the program is
    /// one from the operator's folder in any case.
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Sets how long an operation may take; 10 minutes otherwise.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.limits.deadline = deadline;
        self
    }

    /// Sets how long the program may go on after SIGTERM before it is killed; 10 seconds otherwise.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.limits.grace = grace;
        self
    }

    /// Sets how many of the last bytes of what is printed are kept; 4096 otherwise. What comes before is read and let go.
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.limits.output = bytes;
        self
    }

    /// Takes a field of the spec for secret, besides [those that tell it by their names](Secrets).
    pub fn secret_field(mut self, field: FieldPath) -> Self {
        self.secrets = self.secrets.and_field(field);
        self
    }

    fn command(&self, call: &Call) -> Result<Command> {
        // Or it would depend on the platform which folder it is relative to.
        let is_path = self.program.components().count() > 1;
        let program = if is_path {
            std::path::absolute(&self.program)?
        } else {
            self.program.clone()
        };
        let mut command = Command::new(program);
        if self.is_env_clear {
            command.env_clear();
        }
        let variables = self.env.iter().map(|(name, value)| (name, value));
        command.envs(variables).args(&self.args);
        match &self.template {
            Some(template) => command.args(template.fill(call)),
            None => command.args(["--type", call.operation().name()]),
        };
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        Ok(command)
    }

    fn failed_to_start(&self, error: std::io::Error) -> HandlerError {
        let message = match (&self.folder, error.kind()) {
            (Some(folder), std::io::ErrorKind::NotFound) if !folder.is_dir() => {
                format!(
                    "{self} cannot be started: there is no folder {}",
                    folder.display()
                )
            }
            _ => format!("{self} cannot be started: {error}: is it there, and may it be executed?"),
        };
        HandlerError::new(ErrorKind::Arbitrary, message).with_source(Box::new(error))
    }
}

impl Runner for Process {
    async fn run(&self, call: &Call) -> Result<Report> {
        let program = self.to_string();
        let mask = Arc::new(self.secrets.mask(call.object().spec()));
        let task = Task {
            program: program.clone(),
            command: self.command(call)?,
            input: call.document().to_string().into_bytes(),
            limits: self.limits,
            mask: mask.clone(),
        };
        let done = run(task)
            .await
            .map_err(|error| self.failed_to_start(error))?;
        let Done {
            exit,
            is_late,
            stdout,
            stderr,
        } = done;
        let ended = Ended {
            program: &program,
            operation: call.operation(),
            exit,
            reason: None,
            results: &stdout,
            complaints: &stderr,
        };
        if !is_late {
            return ended.conclude(&mask);
        }
        // What it says after its deadline is too late, but whoever reads the message wants to know.
        let deadline = self.limits.deadline;
        let words = ended.last_words(&mask);
        let words = if words.is_empty() {
            words
        } else {
            format!("; its last words: {words}")
        };
        let message = format!(
            "{program} was ended: {} took longer than {deadline:?}{words}",
            call.operation()
        );
        Err(HandlerError::new(ErrorKind::Arbitrary, message))
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())
    }
}

/// Values of the environment may be secret.
impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Process")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &env)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
