//! Limits for guests: for one plugin, and for all of them together.

mod loading;

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use loading::{Limit, Loading, LoadingLimits};

/// Work done by a guest: about one unit for each wasm instruction, the same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Fuel(pub u64);

/// Limits for all guests together.
#[derive(Debug, Clone)]
pub struct EngineLimits {
    /// Maximum number of concurrent calls on worker threads, for all plugins together. The pool of memories has slots
    /// for them, plus one brief call per core, and one call that nothing waits for.
    pub calls_at_once_max: NonZeroUsize,
    /// Maximum number of instances kept for their next call, for all plugins together; 0: none.
    pub kept_instances_max: usize,
    /// The largest `memory_bytes_max` of any plugin.
    pub memory_bytes_largest: usize,
    /// Maximum number of elements in a guest's table.
    pub table_elements_max: usize,
    /// How memory is restored to the snapshot after a call.
    pub memory_reset: MemoryReset,
    /// Fuel for a millisecond; `None`: measured at start.
    pub fuel_per_ms: Option<NonZeroU64>,
}

impl Default for EngineLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            calls_at_once_max: NonZeroUsize::new((4 * cores).max(8)).unwrap_or(NonZeroUsize::MIN),
            kept_instances_max: 256,
            memory_bytes_largest: PluginLimits::default().memory_bytes_max,
            table_elements_max: PluginLimits::default().table_elements_max,
            memory_reset: MemoryReset::Auto,
            fuel_per_ms: None,
        }
    }
}

impl EngineLimits {
    /// Halves what is kept, then what runs at the same time; false if there is nothing left to halve.
    pub(crate) fn halve(&mut self) -> bool {
        if self.kept_instances_max > 0 {
            self.kept_instances_max /= 2;
            return true;
        }
        match NonZeroUsize::new(self.calls_at_once_max.get() / 2) {
            Some(half) => {
                self.calls_at_once_max = half;
                true
            }
            None => false,
        }
    }
}

/// Limits for one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginLimits {
    /// Fuel for one call.
    pub fuel_per_call: Fuel,
    /// Fuel for `configure`.
    pub fuel_to_configure: Fuel,
    /// Wall time for one call.
    pub call_within: Duration,
    /// Memory, in bytes.
    pub memory_bytes_max: usize,
    /// Elements of its table.
    pub table_elements_max: usize,
    /// Longest reply, in bytes.
    pub reply_bytes_max: usize,
    /// Largest module, in bytes.
    pub module_bytes_max: usize,
    /// Maximum number of records in a reply; 0: none.
    pub records_max: usize,
    /// Longest record, in bytes.
    pub record_bytes_max: usize,
    /// Maximum number of records per second, over all calls; 0: no limit.
    pub records_per_second_max: u32,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            fuel_per_call: Fuel(20_000_000),
            fuel_to_configure: Fuel(20_000_000_000),
            call_within: Duration::from_millis(250),
            memory_bytes_max: 64 << 20,
            table_elements_max: 20_000,
            reply_bytes_max: 1 << 20,
            module_bytes_max: 16 << 20,
            records_max: 256,
            record_bytes_max: 64 << 10,
            records_per_second_max: 20_000,
        }
    }
}

/// How memory is restored to the snapshot after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryReset {
    /// The fastest one that is safe on this system.
    Auto,
    /// Instances are kept between calls, and the pages that a call has changed are restored: Linux.
    Keep,
    /// Each call gets a new instance; changed pages are found by a scan and restored: Linux 6.7 and no swap.
    Scan,
    /// Each call gets a new instance; all pages are returned to the system.
    Unmap,
}

impl MemoryReset {
    /// The name used in settings and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keep => "keep",
            Self::Scan => "scan",
            Self::Unmap => "unmap",
        }
    }
}

/// Where compiled plugins are kept between starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// The folder; `None`: neither the settings nor the environment name one.
    pub folder: Option<PathBuf>,
    /// Maximum total size of all entries, in bytes; beyond it, the least recently used are evicted. 0: no cache.
    pub bytes_max: u64,
}
