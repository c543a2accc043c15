//! The system: kernel, memory, swap, huge pages, address space, CPU, clock.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use callgate_dialects::connection::{Finding, Level};

use crate::host::Host;
use crate::settings::{MemoryReset, Settings};

/// The system as its files show it.
pub(super) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The system whose /proc, /sys, /run and /var are below `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The text of a file, without the white space around it.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }
}

/// Examines the system.
pub(super) fn examine(
    machine: &Machine,
    settings: Option<&Settings>,
    host: Option<&Host>,
    findings: &mut Vec<Finding>,
) {
    if !cfg!(target_os = "linux") {
        let what = format!("this is {}: only Linux is examined", std::env::consts::OS);
        findings.push(Finding::new(Level::Note, "system", "system", what, "serve on Linux"));
        return;
    }
    let kernel = kernel(machine, findings);
    let has_swap = swap(machine, settings, findings);
    if let Some(host) = host {
        memory_reset(host.engine.memory_reset(), kernel, has_swap, findings);
    }
    huge_pages(machine, findings);
    address_space(machine, host.is_some(), findings);
    memory(machine, settings, findings);
    clock(machine, settings, findings);
}

/// The kernel's version: major and minor.
fn kernel(machine: &Machine, findings: &mut Vec<Finding>) -> (u32, u32) {
    let release = machine.read("proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|char: char| !char.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    findings.push(match version {
        (0, 0) => Finding::new(Level::Warning, "kernel", "kernel", "its version cannot be read", "mount /proc"),
        version if version < (5, 4) => {
            let what = format!("Linux {release} is older than any that Callgate was tried on");
            Finding::new(Level::Warning, "kernel", "kernel", what, "use Linux 5.4 or newer, better 6.7 or newer")
        }
        _ => Finding::ok("kernel", "kernel", format!("Linux {release}")),
    });
    version
}

fn swap(machine: &Machine, settings: Option<&Settings>, findings: &mut Vec<Finding>) -> bool {
    // One header line, then one line per area.
    let has_swap = machine.read("proc/swaps").is_some_and(|swaps| swaps.lines().count() > 1);
    let scans = settings.is_some_and(|settings| settings.limits.engine.memory_reset == MemoryReset::Scan);
    if has_swap && scans {
        let what = "swap is on, and memory_reset is \"scan\", which misses pages that were swapped out: a call could see \
                    data of an earlier one";
        let todo = "set memory_reset = \"auto\" under [limits], or turn swap off (swapoff -a)";
        findings.push(Finding::new(Level::Error, "swap-scan", "swap", what, todo));
    } else if has_swap {
        let what = "swap is on: a callback that waits for memory from disk may be answered too late";
        let todo = "turn swap off (swapoff -a), or give the service MemorySwapMax=0";
        findings.push(Finding::new(Level::Warning, "swap", "swap", what, todo));
    } else {
        findings.push(Finding::ok("swap", "swap", "none"));
    }
    has_swap
}

/// How each call gets clean memory.
fn memory_reset(mode: MemoryReset, kernel: (u32, u32), has_swap: bool, findings: &mut Vec<Finding>) {
    let name = mode.name();
    findings.push(match mode {
        MemoryReset::Keep => Finding::ok("memory-reset", "memory mode", format!("\"{name}\", the fastest")),
        MemoryReset::Scan => {
            Finding::ok("memory-reset", "memory mode", format!("\"{name}\", a new instance for each call"))
        }
        MemoryReset::Unmap | MemoryReset::Auto => {
            let what = format!("\"{name}\", the slowest: all memory of a call goes back to the system");
            let todo = match (kernel < (6, 7), has_swap) {
                (true, _) => "use Linux 6.7 or newer, outside of sandboxes that only imitate Linux",
                (false, true) => "turn swap off, which keeps the faster modes from working here",
                (false, false) => "set memory_reset = \"auto\"; sandboxes that only imitate Linux have no faster mode",
            };
            Finding::new(Level::Warning, "memory-reset", "memory mode", what, todo)
        }
    });
}

fn huge_pages(machine: &Machine, findings: &mut Vec<Finding>) {
    let Some(modes) = machine.read("sys/kernel/mm/transparent_hugepage/enabled") else { return };
    findings.push(match modes.contains("[always]") {
        true => {
            let what = "transparent huge pages are \"always\": Callgate turns them off for itself, other programs here may \
                        stall for memory";
            let todo = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
            Finding::new(Level::Note, "huge-pages", "huge pages", what, todo)
        }
        false => Finding::ok("huge-pages", "huge pages", "not forced on every program"),
    });
}

/// 2^39 bytes: the address space of processes on some arm64 systems.
const ADDRESSES_39_BITS: u64 = 1 << 39;

/// Whether instances can reserve their addresses, 4 GiB each.
fn address_space(machine: &Machine, is_started: bool, findings: &mut Vec<Finding>) {
    let level = if is_started { Level::Warning } else { Level::Error };
    if machine.read("proc/sys/vm/overcommit_memory").as_deref() == Some("2") {
        let what = "vm.overcommit_memory is 2: the system may refuse to reserve the addresses of instances, 4 GiB each";
        let todo = "sysctl vm.overcommit_memory=0, or lower kept_instances_max and calls_at_once_max under [limits]";
        findings.push(Finding::new(level, "overcommit", "overcommit", what, todo));
    }
    let highest = machine.read("proc/self/maps").and_then(|maps| {
        let ends = maps.lines().filter(|line| !line.ends_with("[vsyscall]"));
        ends.filter_map(|line| u64::from_str_radix(line.split(['-', ' ']).nth(1)?, 16).ok()).max()
    });
    if highest.is_some_and(|highest| highest > 0 && highest <= ADDRESSES_39_BITS) {
        let what = "processes have 39-bit addresses here, 512 GiB: too few for 256 kept instances of 4 GiB";
        let todo = "set kept_instances_max = 32 and calls_at_once_max = 8 under [limits], or use a kernel with 48-bit \
                    addresses";
        findings.push(Finding::new(level, "address-bits", "address space", what, todo));
    }
}

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

/// With less than this, the first larger callback may get the process killed.
const MEMORY_BYTES_MIN: u64 = 512 * MIB;

fn memory(machine: &Machine, settings: Option<&Settings>, findings: &mut Vec<Finding>) {
    let available = machine.read("proc/meminfo").and_then(|info| {
        let line = info.lines().find(|line| line.starts_with("MemAvailable:"))?.to_owned();
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    });
    if let Some(available) = available.filter(|available| *available < MEMORY_BYTES_MIN) {
        let what = format!("only {} MiB are available on this machine", available / MIB);
        let todo = "free memory, or lower bodies_bytes_max, [limits] memory_bytes_max and kept_instances_max";
        findings.push(Finding::new(Level::Warning, "memory", "memory", what, todo));
    }
    let loading = settings.map_or(MEMORY_BYTES_MIN, |settings| settings.loading.memory_bytes_max);
    if let Some(limit) = cgroup(machine, "memory.max", |text| text.parse().ok()).filter(|limit| *limit < loading) {
        let what = format!(
            "this cgroup may use {} MiB, and loading one plugin up to {} MiB ([loading] memory_bytes_max): the kernel may \
             kill it",
            limit / MIB,
            loading / MIB
        );
        let todo = "raise the limit (MemoryMax=, --memory), or lower [loading] memory_bytes_max";
        findings.push(Finding::new(Level::Warning, "cgroup-memory", "memory", what, todo));
    }
    let share = |text: &str| {
        let (quota, period) = text.split_once(' ')?;
        Some(quota.parse::<u64>().ok()? * 100 / period.parse::<u64>().ok()?.max(1))
    };
    if let Some(percent) = cgroup(machine, "cpu.max", share).filter(|percent| *percent < 100) {
        let what =
            format!("this cgroup may use {percent} % of one core: a call that is cut off takes part of a deadline");
        let todo = "raise the limit (CPUQuota=, --cpus) to at least one core";
        findings.push(Finding::new(Level::Warning, "cgroup-cpu", "CPU", what, todo));
    }
}

/// The smallest limit of this process's cgroup and those around it (cgroup v2).
fn cgroup(machine: &Machine, file: &str, read: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let groups = machine.read("proc/self/cgroup")?;
    let mut path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mut smallest: Option<u64> = None;
    loop {
        let limit = machine.read(&format!("sys/fs/cgroup/{path}/{file}")).and_then(|text| read(&text));
        smallest = smallest.into_iter().chain(limit).min();
        match path.rsplit_once('/') {
            Some((parent, _)) => path = parent,
            None if path.is_empty() => return smallest,
            None => path = "",
        }
    }
}

/// When this was written, in seconds since 1970: 2026-01-01. No clock is right that shows an earlier time.
const WRITTEN_AT_S: u64 = 1_767_225_600;

/// How far off a clock may be, in seconds: signatures of callbacks are valid for a minute.
const CLOCK_OFF_S_MAX: u64 = 30;

/// A hardware clock that shows local time is off by a multiple of this.
const TIME_ZONE_STEP_S: u64 = 900;

/// Signs of a program that sets the clock.
const SYNCHRONISED: [&str; 6] = [
    "run/systemd/timesync/synchronized",
    "run/chrony",
    "var/run/chrony",
    "var/lib/chrony/drift",
    "var/lib/ntp/ntp.drift",
    "var/lib/ntpsec/ntp.drift",
];

fn clock(machine: &Machine, settings: Option<&Settings>, findings: &mut Vec<Finding>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let hardware: Option<u64> = machine.read("sys/class/rtc/rtc0/since_epoch").and_then(|text| text.parse().ok());
    let off = hardware.map_or(0, |hardware| hardware.abs_diff(now));
    let is_zone = (off + CLOCK_OFF_S_MAX) % TIME_ZONE_STEP_S <= 2 * CLOCK_OFF_S_MAX && off < 15 * 3600;
    let signed = settings.is_some_and(|settings| {
        settings.platforms.iter().any(|platform| !platform.dialect.secret_parameters().is_empty())
    });
    let todo = "let a program set it: chrony or systemd-timesyncd (timedatectl set-ntp true)";
    if now < WRITTEN_AT_S {
        let what = "it shows a time before 2026: signatures do not fit, and records have wrong times";
        findings.push(Finding::new(Level::Error, "clock", "clock", what, todo));
    } else if off > CLOCK_OFF_S_MAX && !is_zone {
        let what = format!("it differs from the hardware clock by {off} s; signatures are valid for 60 s");
        findings.push(Finding::new(Level::Warning, "clock-hardware", "clock", what, todo));
    } else if signed && !SYNCHRONISED.iter().any(|path| machine.has(path)) {
        let what = "no program was found that sets it; signatures of callbacks are valid for 60 s";
        findings.push(Finding::new(Level::Note, "clock-free", "clock", what, todo));
    } else {
        findings.push(Finding::ok("clock", "clock", "nothing suspicious"));
    }
}
