//! Figures of this process, under the names that all programs have for them. Linux only; elsewhere there are none.

use std::fmt::Write as _;

/// Appends them, in OpenMetrics' text format.
pub(super) fn append(text: &mut String) {
    let gauge = |name: &str, help: &str, value: Option<String>| match value {
        Some(value) => format!("# HELP {name} {help}.\n# TYPE {name} gauge\n{name} {value}\n"),
        None => String::new(),
    };
    if let Some(seconds) = cpu_seconds() {
        let name = "process_cpu_seconds";
        let head = format!("# HELP {name} CPU time of this process.\n# TYPE {name} counter\n# UNIT {name} seconds\n");
        // Writing into a text does not fail.
        let _ = writeln!(text, "{head}{name}_total {seconds}");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |key| field(&status, key).map(|kib| (kib * 1024).to_string());
    text.push_str(&gauge("process_resident_memory_bytes", "Memory in use", bytes("VmRSS:")));
    text.push_str(&gauge(
        "process_virtual_memory_bytes",
        "Address space reserved, most of it never used",
        bytes("VmSize:"),
    ));
    let threads = field(&status, "Threads:").map(|threads| threads.to_string());
    text.push_str(&gauge("process_threads", "Threads", threads));
    let open = std::fs::read_dir("/proc/self/fd").ok().map(|open| open.count().saturating_sub(1).to_string());
    text.push_str(&gauge("process_open_fds", "Open file descriptors", open));
    text.push_str(&gauge("process_max_fds", "Maximum number of open file descriptors", max_fds()));
    text.push_str(&gauge("process_start_time_seconds", "When this process started, in Unix time", start_seconds()));
}

/// The number after a key of `/proc/self/status`.
fn field(status: &str, key: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

#[cfg(target_os = "linux")]
fn cpu_seconds() -> Option<f64> {
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9)
}

#[cfg(not(target_os = "linux"))]
fn cpu_seconds() -> Option<f64> {
    None
}

#[cfg(target_os = "linux")]
fn max_fds() -> Option<String> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.map(|current| current.to_string())
}

#[cfg(not(target_os = "linux"))]
fn max_fds() -> Option<String> {
    None
}

/// When the system started, and how many ticks later this process did.
fn start_seconds() -> Option<String> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    // After the name, which is in brackets and may have spaces in it, this is the twentieth field.
    let own = std::fs::read_to_string("/proc/self/stat").ok()?;
    let ticks: f64 = own.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    Some(format!("{}", boot + ticks / TICKS_PER_SECOND))
}

/// Linux counts times in `/proc` in hundredths of a second on every common machine.
const TICKS_PER_SECOND: f64 = 100.0;
