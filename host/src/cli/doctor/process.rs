//! What this process may use, and as whom it runs.

use callgate_dialects::connection::{Finding, Level};

use super::machine::Machine;
use crate::settings::Settings;

/// File descriptors that are not connections: listeners, log, records, page maps, the pipes of loading.
const FILES_BESIDE_CONNECTIONS: u64 = 64;

/// With a lower limit on address space, not even a small pool can be reserved: 4 GiB for each of a few dozen instances.
const ADDRESSES_BYTES_MIN: u64 = 2 << 40;

/// Fewer threads than this may not be enough: I/O, workers, loading, log.
const THREADS_MIN: u64 = 128;

/// Examines the limits of this process. Those of a service may differ: systemd and containers set their own.
pub(super) fn examine(machine: &Machine, settings: Option<&Settings>, is_started: bool, findings: &mut Vec<Finding>) {
    if is_root() {
        let what = "this command runs as root; the service needs no privileges";
        let todo = "serve as a user of its own, as host/deploy/callgate.service does";
        findings.push(Finding::new(Level::Note, "root", "user", what, todo));
    }
    let Some(limits) = machine.read("proc/self/limits") else { return };
    let limit = |name: &str| soft(&limits, name);
    let connections = settings.map_or(4096, |settings| settings.server.connections_max as u64);
    match limit("Max open files") {
        Some(files) if files < connections + FILES_BESIDE_CONNECTIONS => {
            let what = format!(
                "{files} may be open, {connections} connections (connections_max) need {}: further ones are not accepted",
                connections + FILES_BESIDE_CONNECTIONS
            );
            let todo = "raise the limit (LimitNOFILE=, ulimit -n), or lower connections_max under [server]";
            findings.push(Finding::new(Level::Warning, "open-files", "open files", what, todo));
        }
        _ => findings.push(Finding::ok("open-files", "open files", "enough for connections_max")),
    }
    if let Some(bytes) = limit("Max address space").filter(|bytes| *bytes < ADDRESSES_BYTES_MIN) {
        let what = format!("it is limited to {} GiB (ulimit -v), and each instance reserves 4 GiB", bytes >> 30);
        let todo = "remove the limit (LimitAS=infinity, ulimit -v unlimited): it is about addresses, not about memory";
        let level = if is_started { Level::Warning } else { Level::Error };
        findings.push(Finding::new(level, "address-limit", "address space", what, todo));
    }
    if let Some(threads) = limit("Max processes").filter(|threads| *threads < THREADS_MIN) {
        let what = format!("{threads} processes and threads are allowed: too few for a busy host");
        let todo = "raise the limit (LimitNPROC=, TasksMax=, ulimit -u)";
        findings.push(Finding::new(Level::Warning, "threads", "threads", what, todo));
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Other systems have no such user.
#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// The soft limit on a line of /proc/self/limits; `None`: unlimited, or not there.
fn soft(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
