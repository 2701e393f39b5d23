//! What the system tells of the process, under the names that dashboards know.

use super::exposition::Text;

/// Writes down what the system tells; nothing where it does not tell in this way.
#[cfg(target_os = "linux")]
pub(super) fn write(text: &mut Text) {
    let Some(stat) = read_stat() else {
        return;
    };
    let ticks = rustix::param::clock_ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "seconds in a measurement")]
    let seconds = |count: u64| count as f64 / ticks as f64;
    let page = u64::try_from(rustix::param::page_size()).unwrap_or_default();
    text.counter(
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
    );
    text.value("process_cpu_seconds_total", &[], seconds(stat.cpu));
    text.gauge(
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
    );
    text.value("process_resident_memory_bytes", &[], stat.resident * page);
    text.gauge(
        "process_virtual_memory_bytes",
        "Virtual memory size in bytes.",
    );
    text.value("process_virtual_memory_bytes", &[], stat.virtual_bytes);
    if let Some(booted) = booted() {
        #[expect(clippy::cast_precision_loss, reason = "seconds in a measurement")]
        let started = booted as f64 + seconds(stat.started);
        let name = "process_start_time_seconds";
        text.gauge(
            name,
            "Start time of the process since unix epoch in seconds.",
        );
        text.value(name, &[], started);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "Number of open file descriptors.");
        text.value("process_open_fds", &[], files.count());
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        text.gauge(
            "process_max_fds",
            "Maximum number of open file descriptors.",
        );
        text.value("process_max_fds", &[], most);
    }
}

/// Other systems do not tell by files.
#[cfg(not(target_os = "linux"))]
pub(super) fn write(_: &mut Text) {}

/// Numbers of `/proc/self/stat`.
#[cfg(target_os = "linux")]
struct Stat {
    /// In ticks.
    cpu: u64,
    /// In ticks since the machine has booted.
    started: u64,
    virtual_bytes: u64,
    /// In pages.
    resident: u64,
}

#[cfg(target_os = "linux")]
fn read_stat() -> Option<Stat> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        cpu: number(11)? + number(12)?,
        started: number(19)?,
        virtual_bytes: number(20)?,
        resident: number(21)?,
    })
}

/// When the machine has booted, in seconds since the epoch.
#[cfg(target_os = "linux")]
fn booted() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}
