//! What the child process may use.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::limits::LoadingLimits;

/// Where memory is short this process is the first to be ended, and a limit that ends it leaves no image of its memory,
/// which holds the settings of plugins. (A maximum of 0 for such images does not count where they are piped.)
pub(super) fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // If it cannot be said, the system chooses by itself.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
    set(Resource::Core, 0);
}

/// Bounds what this process uses from now on: that much more than it has used so far.
pub(super) fn limit(limits: &LoadingLimits) {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let used = u64::try_from(cpu.tv_sec).unwrap_or(0) + u64::from(cpu.tv_nsec > 0);
    // The system counts whole seconds.
    let seconds = limits.cpu_max.as_secs() + u64::from(limits.cpu_max.subsec_nanos() > 0);
    set(Resource::Cpu, used.saturating_add(seconds));
    // Limits writable memory, not reserved address space: each guest memory reserves 4 GiB. Where the system does not
    // report the amount used so far, the limit applies to all modules together.
    set(Resource::Data, written_bytes().saturating_add(limits.memory_bytes_max));
}

fn set(resource: Resource, wanted: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    // If a limit cannot be set, the parent's timeout still ends this process.
    let _ = setrlimit(resource, Rlimit { current: Some(current), maximum });
}

/// The size of this process's writable memory.
fn written_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(5).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages.saturating_mul(rustix::param::page_size() as u64)
}
