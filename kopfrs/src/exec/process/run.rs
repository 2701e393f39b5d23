//! One run of a program: its input goes in, its output is read, and it ends in time.

use std::io;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug};

use super::group::Group;
use super::tail::Tail;
use crate::exec::code::Exit;
use crate::exec::output::Text;
use crate::object::Mask;

/// How long to wait for the end of output when the program has ended. Only those who have left its group can still
/// hold it.
const DRAIN: Duration = Duration::from_millis(500);

/// A longer line is not shown in the log: it may have been cut within a secret.
const LINE_LIMIT: usize = 4096;

/// What is the same for all runs of a program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) deadline: Duration,
    pub(super) grace: Duration,
    pub(super) output: usize,
}

/// A program to be run once.
#[derive(Debug)]
pub(super) struct Task {
    /// As people know it.
    pub(super) program: String,
    pub(super) command: Command,
    pub(super) input: Vec<u8>,
    pub(super) limits: Limits,
    pub(super) mask: Arc<Mask>,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) exit: Exit,
    /// It did not end by itself, but at its deadline.
    pub(super) is_late: bool,
    pub(super) stdout: Text,
    pub(super) stderr: Text,
}

/// Runs a program. When this is dropped it is ended as at its deadline, by the task that it is run by.
pub(super) async fn run(mut task: Task) -> io::Result<Done> {
    let command = &mut task.command;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let group = Group::start(command)?;
    let dropped = CancellationToken::new();
    let guard = dropped.clone().drop_guard();
    let supervising = supervise(group, task, dropped).in_current_span();
    let done = tokio::spawn(supervising).await;
    drop(guard);
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Why the program is not waited for any longer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Exited,
    Late,
    Dropped,
}

async fn supervise(mut group: Group, task: Task, dropped: CancellationToken) -> io::Result<Done> {
    let stdin = pipe::Sender::from_owned_fd(taken(group.child_mut().stdin.take())?)?;
    let stdout = pipe::Receiver::from_owned_fd(taken(group.child_mut().stdout.take())?)?;
    let stderr = pipe::Receiver::from_owned_fd(taken(group.child_mut().stderr.take())?)?;
    let (out, err) = (shared(task.limits.output), shared(task.limits.output));
    let talk = async {
        let log = Some((&*task.program, &*task.mask));
        tokio::join!(
            feed(stdin, &task.input),
            listen(stdout, &out, None),
            listen(stderr, &err, log)
        );
    };
    let mut talk = std::pin::pin!(talk);
    let mut has_talked = false;
    let mut exited = group.exited();
    let end = {
        let mut deadline = std::pin::pin!(sleep(task.limits.deadline));
        loop {
            tokio::select! {
                biased;
                _ = &mut exited => break End::Exited,
                () = dropped.cancelled() => break End::Dropped,
                () = &mut deadline => break End::Late,
                () = &mut talk, if !has_talked => has_talked = true,
            }
        }
    };
    let ended = async {
        match end {
            End::Exited => group.reap(),
            End::Late | End::Dropped => group.end(&mut exited, task.limits.grace).await,
        }
    };
    let exit = with(ended, talk.as_mut(), &mut has_talked).await?;
    if !has_talked {
        let _ = timeout(DRAIN, talk).await;
    }
    if end == End::Dropped {
        debug!(
            "{} was ended, since nobody waits for it any more: it {exit}",
            task.program
        );
    }
    Ok(Done {
        exit,
        is_late: end == End::Late,
        stdout: text(&out),
        stderr: text(&err),
    })
}

/// Waits for one thing while another goes on: a program that is to end may have something to say about it.
async fn with<T>(
    one: impl Future<Output = T>,
    mut other: impl Future<Output = ()> + Unpin,
    is_other_done: &mut bool,
) -> T {
    let mut one = std::pin::pin!(one);
    loop {
        tokio::select! {
            biased;
            done = &mut one => return done,
            () = &mut other, if !*is_other_done => *is_other_done = true,
        }
    }
}

fn taken<T: Into<std::os::fd::OwnedFd>>(pipe: Option<T>) -> io::Result<std::os::fd::OwnedFd> {
    pipe.map(Into::into)
        .ok_or_else(|| io::ErrorKind::BrokenPipe.into())
}

fn shared(limit: usize) -> Mutex<Tail> {
    Mutex::new(Tail::new(limit))
}

fn text(tail: &Mutex<Tail>) -> Text {
    tail.lock().unwrap_or_else(PoisonError::into_inner).text()
}

/// Writes the input. A program that does not read it, or not all of it, has its reasons.
async fn feed(mut stdin: pipe::Sender, input: &[u8]) {
    let _ = stdin.write_all(input).await;
}

/// Reads until the end, and keeps the last of it.
async fn listen(mut from: pipe::Receiver, tail: &Mutex<Tail>, log: Option<(&str, &Mask)>) {
    let mut chunk = vec![0; 16 * 1024];
    let mut lines = Lines::default();
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let chunk = &chunk[..length];
        tail.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(chunk);
        if let Some((program, mask)) = log {
            lines.push(chunk, |line| debug!("{program}: {}", mask.apply(line)));
        }
    }
    if let Some((program, mask)) = log {
        lines.push(b"\n", |line| debug!("{program}: {}", mask.apply(line)));
    }
}

/// Cuts chunks into lines.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    fn push(&mut self, chunk: &[u8], mut show: impl FnMut(&str)) {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let room = (LINE_LIMIT + 1).saturating_sub(self.begun.len());
            self.begun
                .extend_from_slice(&piece[..piece.len().min(room)]);
            if !piece.ends_with(b"\n") {
                continue;
            }
            let line = std::mem::take(&mut self.begun);
            let line = String::from_utf8_lossy(&line);
            match line.trim_end() {
                "" => {}
                long if long.len() > LINE_LIMIT => show("(a line that is too long to be shown)"),
                line => show(line),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_whole_or_not_at_all() {
        let mut lines = Lines::default();
        let mut shown = Vec::new();
        let long = "x".repeat(LINE_LIMIT + 5);
        for chunk in ["a\nb", "c\n\n", &long, "\nd", "\n"] {
            lines.push(chunk.as_bytes(), |line| shown.push(line.to_owned()));
        }
        assert_eq!(
            shown,
            ["a", "bc", "(a line that is too long to be shown)", "d"]
        );
    }
}
