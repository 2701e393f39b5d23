//! What strangers can make the server hold in memory. One test after the other, in a process of their own: what others
//! hold would be measured as well.

#[path = "../hostile/subject.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod subject;

mod bodies;
mod watches;

use tokio::sync::{Mutex, MutexGuard};

const MEGABYTE: u64 = 1024 * 1024;

/// Measures the memory of the process from here on; nobody else does meanwhile.
struct Meter {
    before: Option<u64>,
    _turn: MutexGuard<'static, ()>,
}

impl Meter {
    async fn start() -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        // From here on, the peak is that of this test; where it cannot be set back, that of the process.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self {
            before: in_status("VmRSS:"),
            _turn: turn,
        }
    }

    /// Bytes that came on top so far; `None` where that cannot be known.
    fn grown(&self) -> Option<u64> {
        Some(in_status("VmRSS:")?.saturating_sub(self.before?))
    }

    /// Bytes that came on top at the most.
    fn peak(&self) -> Option<u64> {
        Some(in_status("VmHWM:")?.saturating_sub(self.before?))
    }
}

fn in_status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
