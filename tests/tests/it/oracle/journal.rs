//! The log of the operators, as far as it has been written.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// All lines so far.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    offset: u64,
    pub(crate) lines: Vec<Value>,
}

impl Journal {
    /// The log in a file that need not exist yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            offset: 0,
            lines: Vec::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is new; gives how many lines that were.
    pub(crate) fn read(&mut self) -> usize {
        let Ok(mut file) = File::open(&self.path) else {
            return 0;
        };
        let mut text = String::new();
        file.seek(SeekFrom::Start(self.offset))
            .expect("the log can be read");
        file.read_to_string(&mut text).expect("the log is text");
        // A line may be in the middle of being written.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.offset += whole as u64;
        let lines: Vec<Value> = text[..whole]
            .lines()
            .map(|line| serde_json::from_str(line).expect("lines of the log are JSON"))
            .collect();
        let count = lines.len();
        self.lines.extend(lines);
        count
    }

    /// Whether a process has said that it watches everything.
    pub(crate) fn ready(&self, pid: u32) -> Option<&Value> {
        self.lines
            .iter()
            .find(|line| line["ph"] == "ready" && line["pid"] == pid)
    }

    /// How many attempts of a handler have started or ended.
    pub(crate) fn count(&self, handler: &str, phase: &str, object: Option<&str>) -> usize {
        let lines = self.lines.iter().filter(|line| {
            line["ph"] == phase
                && line["h"] == handler
                && object.is_none_or(|object| target(line) == object)
        });
        lines.count()
    }

    /// How many attempts of a process are running.
    pub(crate) fn running(&self, pid: u32) -> usize {
        let count = |phase: &str| {
            let lines = self
                .lines
                .iter()
                .filter(|l| l["ph"] == phase && l["pid"] == pid);
            lines.count()
        };
        count("start").saturating_sub(count("end"))
    }
}

/// Which object a line is about: `<kind alias>/<name>`.
pub(crate) fn target(line: &Value) -> String {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text("k"), text("name"))
}
