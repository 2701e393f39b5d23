//! A program and all that it starts: a group of processes of its own, which ends as a whole.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::keeper::{self, Held};
use crate::exec::code::Exit;

/// How often to look whether anybody is left in a group whose first process has ended. Nobody tells us: they are not our
/// children.
const LOOK: Duration = Duration::from_millis(20);

/// A group of processes. Whoever is left in it when this is dropped is killed.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    id: Pid,
    is_over: bool,
    _held: Held,
}

impl Group {
    /// Starts a program as the first process of a group.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        keeper::prepare();
        let child = command.process_group(0).spawn()?;
        let id = Pid::from_child(&child);
        Ok(Self {
            child,
            id,
            is_over: false,
            _held: Held::new(id),
        })
    }

    pub(super) fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for the end of the program itself. It is not taken off the list of processes by that, so that its number,
    /// which is that of the group, means nobody else.
    ///
    /// A thread waits for it: that holds for every runtime, and in tests with paused time the clock stands meanwhile.
    pub(super) fn exited(&self) -> JoinHandle<()> {
        let id = self.id;
        tokio::task::spawn_blocking(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(error) = waitid(WaitId::Pid(id), options) {
                if error != rustix::io::Errno::INTR {
                    break;
                }
            }
        })
    }

    /// Asks everybody to end, waits as long as somebody is left, but not longer than the grace period.
    pub(super) async fn end(
        &mut self,
        exited: &mut JoinHandle<()>,
        grace: Duration,
    ) -> io::Result<Exit> {
        self.signal(Signal::TERM);
        let until = Instant::now() + grace;
        if tokio::time::timeout_at(until, &mut *exited).await.is_err() {
            self.signal(Signal::KILL);
            // Killed processes end; the thread tells when.
            let _ = exited.await;
            return self.reap();
        }
        let status = self.child.wait()?;
        while test_kill_process_group(self.id).is_ok() && Instant::now() < until {
            sleep(LOOK).await;
        }
        self.signal(Signal::KILL);
        self.is_over = true;
        Ok(exit(status))
    }

    /// Takes the program that has ended off the list of processes; what it has left behind is killed before.
    pub(super) fn reap(&mut self) -> io::Result<Exit> {
        self.signal(Signal::KILL);
        self.is_over = true;
        self.child.wait().map(exit)
    }

    fn signal(&self, signal: Signal) {
        // There may be nobody any more.
        let _ = kill_process_group(self.id, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_over {
            // The runtime goes down: there is nobody to wait for a gentle end.
            let _ = self.reap();
        }
    }
}

fn exit(status: std::process::ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    }
}
