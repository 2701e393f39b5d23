//! The ends of a Job's Pods: those that have been counted and those that are yet to be.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{INDEX, is_tracked};
use crate::{
    controllers::workloads::count,
    object::{is_deleting, meta, text},
};

/// Holds Pods until their end is counted.
pub(super) const TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// What became of the Pods so far.
#[derive(Debug)]
pub(super) struct Ends {
    /// Counted for good: succeeded, failed.
    counted: [u64; 2],
    /// Noted, not counted yet: succeeded, failed.
    noted: [BTreeSet<String>; 2],
    /// The indexes that are done, if they matter.
    indexes: Option<BTreeSet<u64>>,
}

impl Ends {
    /// Moves what may be counted, and notes what has ended since.
    pub(super) fn count(job: &Value, pods: &[Value]) -> Self {
        let number = |field| u64::try_from(count(job, ["status", field])).unwrap_or(0);
        let mut ends = Self {
            counted: [number("succeeded"), number("failed")],
            noted: [BTreeSet::new(), BTreeSet::new()],
            indexes: (job["spec"]["completionMode"] == "Indexed").then(|| done(job)),
        };
        let is_held = |uid: &str| {
            let mut held = pods.iter().filter(|pod| is_tracked(pod));
            held.any(|pod| meta(pod, "uid") == uid)
        };
        let uncounted = &job["status"]["uncountedTerminatedPods"];
        for (at, field) in ["succeeded", "failed"].into_iter().enumerate() {
            let uids = uncounted[field].as_array().into_iter().flatten();
            for uid in uids.filter_map(Value::as_str) {
                if is_held(uid) {
                    ends.noted[at].insert(uid.to_owned());
                } else {
                    ends.counted[at] += 1;
                }
            }
        }
        for pod in pods.iter().filter(|pod| is_tracked(pod)) {
            ends.note(pod);
        }
        if let Some(done) = &ends.indexes {
            ends.counted[0] = done.len() as u64;
            ends.noted[0].clear();
        }
        ends
    }

    fn note(&mut self, pod: &Value) {
        let uid = meta(pod, "uid").to_owned();
        let at = match text(pod, &["status", "phase"]) {
            Some("Succeeded") => 0,
            Some("Failed") => 1,
            // On its way out without having succeeded.
            _ if is_deleting(pod) => 1,
            _ => return,
        };
        if let (0, Some(done)) = (at, &mut self.indexes) {
            done.extend(index(pod));
            return;
        }
        self.noted[at].insert(uid);
    }

    pub(super) fn succeeded(&self) -> u64 {
        self.counted[0] + self.noted[0].len() as u64
    }

    pub(super) fn failed(&self) -> u64 {
        self.counted[1] + self.noted[1].len() as u64
    }

    /// Whether every end is counted for good.
    pub(super) fn are_settled(&self, pods: &[Value]) -> bool {
        self.noted.iter().all(BTreeSet::is_empty) && self.noted(pods).next().is_none()
    }

    /// The Pods whose end the status knows of, once it is written.
    pub(super) fn noted<'a>(&'a self, pods: &'a [Value]) -> impl Iterator<Item = &'a Value> {
        pods.iter().filter(|pod| {
            let uid = meta(pod, "uid");
            let is_done =
                self.indexes.is_some() && text(pod, &["status", "phase"]) == Some("Succeeded");
            is_tracked(pod) && (is_done || self.noted.iter().any(|uids| uids.contains(uid)))
        })
    }

    /// The indexes without a Pod, if indexes matter.
    pub(super) fn free_indexes(&self, job: &Value, active: &[Value]) -> Option<Vec<u64>> {
        let done = self.indexes.as_ref()?;
        let taken: BTreeSet<u64> = active.iter().filter_map(index).collect();
        let all = 0..job["spec"]["completions"].as_u64().unwrap_or(0);
        let free = all.filter(|index| !done.contains(index) && !taken.contains(index));
        Some(free.collect())
    }

    /// What of this the status shows.
    pub(super) fn show(&self, status: &mut Value) {
        for (at, field) in ["succeeded", "failed"].into_iter().enumerate() {
            if self.counted[at] > 0 {
                status[field] = json!(self.counted[at]);
            }
            if !self.noted[at].is_empty() {
                status["uncountedTerminatedPods"][field] = json!(self.noted[at]);
            }
        }
        if let Some(done) = self.indexes.as_ref().filter(|done| !done.is_empty()) {
            status["completedIndexes"] = json!(ranges(done));
        }
    }
}

fn index(pod: &Value) -> Option<u64> {
    text(pod, &["metadata", "annotations", INDEX])?.parse().ok()
}

fn done(job: &Value) -> BTreeSet<u64> {
    let ranges = text(job, &["status", "completedIndexes"]).unwrap_or_default();
    let of = |range: &str| -> Option<std::ops::RangeInclusive<u64>> {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    ranges.split(',').filter_map(of).flatten().collect()
}

/// `0,1,4-6`: three and more in a row make a range.
fn ranges(indexes: &BTreeSet<u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &index in indexes {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => runs.push((index, index)),
        }
    }
    let texts = runs.iter().map(|&(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    });
    texts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_written_as_ranges_and_read_back() {
        let indexes: BTreeSet<u64> = [0, 1, 4, 5, 6, 9].into();
        assert_eq!(ranges(&indexes), "0,1,4-6,9");
        let job = json!({"status": {"completedIndexes": "0,1,4-6,9"}});
        assert_eq!(done(&job), indexes);
    }

    #[test]
    fn an_end_is_counted_once() {
        let pod = |finalizers: Value| json!({"metadata": {"uid": "u", "finalizers": finalizers}, "status": {"phase": "Succeeded"}});
        let mut job = json!({"spec": {}, "status": {}});
        let held = [pod(json!([TRACKING]))];
        let ends = Ends::count(&job, &held);
        assert_eq!((ends.succeeded(), ends.counted[0]), (1, 0));
        job["status"] = json!({});
        ends.show(&mut job["status"]);
        assert_eq!(Ends::count(&job, &held).succeeded(), 1);
        let free = [pod(json!([]))];
        let ends = Ends::count(&job, &free);
        assert_eq!((ends.succeeded(), ends.counted[0]), (1, 1));
        assert!(ends.are_settled(&free));
    }
}
