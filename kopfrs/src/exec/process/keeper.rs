//! Ends programs whose operator is gone, however that has ended: a shell hangs on a pipe, which closes when we are no
//! more, killed or not. There is one for all programs of the process; it does nothing while the operator lives.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::Pid;
use tracing::debug;

/// Reads which groups of processes there are. At the end of its input it asks them to end, and makes them a little later.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
held=' '
while read -r word group; do
    case $word in
        hold) held="$held$group " ;;
        free) held="${held%% "$group" *} ${held#* "$group" }" ;;
    esac
done
for group in $held; do kill -s TERM -- "-$group"; done 2>/dev/null
for second in 1 2 3 4 5 6 7 8 9 10; do
    alive=
    for group in $held; do kill -s 0 -- "-$group" && alive=1; done 2>/dev/null
    [ "$alive" ] || exit 0
    sleep 1
done
for group in $held; do kill -s KILL -- "-$group"; done 2>/dev/null
"#;

static KEEPER: Mutex<Option<Child>> = Mutex::new(None);

/// A group that is ended with us, until this is dropped.
#[derive(Debug)]
pub(super) struct Held(Pid);

impl Held {
    /// Without a shell (in a container that has none, say) nobody looks after the group. The end of such a container is
    /// the end of all that is in it.
    pub(super) fn new(group: Pid) -> Self {
        if let Err(error) = tell("hold", group) {
            debug!(
                "programs would survive if this process were killed: there is no sh to end them: {error}"
            );
        }
        Self(group)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // If it could not be told to hold the group, it need not be told to let go of it.
        let _ = tell("free", self.0);
    }
}

/// Sees to it that there is a keeper, so that a program need not wait for it to be known to it.
pub(super) fn prepare() {
    // That there is none is told when there is something to hold.
    let _ = with(|_| Ok(()));
}

fn tell(word: &str, group: Pid) -> io::Result<()> {
    let line = format!("{word} {}\n", group.as_raw_nonzero());
    with(|pipe| pipe.write_all(line.as_bytes()))
}

/// Does something with the pipe of the keeper, which is started if need be.
fn with(action: impl FnOnce(&mut ChildStdin) -> io::Result<()>) -> io::Result<()> {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    // One that was killed by somebody is replaced; what it held is not known any more.
    let has_ended = keeper
        .as_mut()
        .is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
    if keeper.is_none() || has_ended {
        *keeper = Some(start()?);
    }
    let pipe = keeper.as_mut().and_then(|child| child.stdin.as_mut());
    action(pipe.ok_or(io::ErrorKind::BrokenPipe)?)
}

fn start() -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Signals of the terminal are for the operator.
        .process_group(0)
        .spawn()
}
