//! The log of the operators, as far as it has been written.

use serde_json::Value;

use super::operator::Lines;

/// All lines so far.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) written: Lines,
    /// Those that have been read.
    pub(crate) lines: Vec<Value>,
}

impl Journal {
    /// Reads what is new; gives how many lines that were.
    pub(crate) fn read(&mut self) -> usize {
        let new = self.written.after(self.lines.len());
        let count = new.len();
        self.lines.extend(new);
        count
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

    /// How many attempts of an operator are running, those of daemons aside.
    pub(crate) fn running(&self, number: u32) -> usize {
        let count = |phase: &str| {
            let lines = self
                .lines
                .iter()
                .filter(|l| l["ph"] == phase && l["pid"] == number && l["on"] != "daemon");
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
