//! Where modules are loaded, and the limits on loading.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where modules are configured and compiled.
#[derive(Debug, Clone, Default)]
pub enum Loading {
    /// In this process, with no limit on the time and memory for compiling. For a library without a program.
    #[default]
    InThisProcess,
    /// In child processes.
    InChildren {
        /// The program to start; it must call [`prepare_for_parent`](crate::prepare_for_parent) and nothing else.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<OsString>,
        /// Its environment, for instance settings of its allocator: what that reserves must not count as written.
        environment: Vec<(OsString, OsString)>,
    },
}

/// What a child process may use for one module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadingLimits {
    /// CPU time, rounded up to whole seconds.
    pub cpu_max: Duration,
    /// Wall time.
    pub within: Duration,
    /// Memory, in bytes: what it writes to, not what it reserves.
    pub memory_bytes_max: u64,
}

impl Default for LoadingLimits {
    fn default() -> Self {
        Self {
            // On slow instructions, `fuel_to_configure` lasts for 20 s, and the largest module takes 25 s to compile.
            cpu_max: Duration::from_secs(60),
            // Allows for a busy machine on which a process gets half a core.
            within: Duration::from_secs(120),
            // A plugin of 400 KiB takes 60 MiB; one that fills its 64 MiB of memory takes about 500 MiB.
            memory_bytes_max: 1 << 30,
        }
    }
}

/// The limit that a child process exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// CPU time.
    CpuTime(Duration),
    /// Wall time.
    WallTime(Duration),
    /// Bytes of memory.
    Memory(u64),
}

impl Limit {
    /// The key that sets it, under `[loading]`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::CpuTime(_) => "cpu_ms_max",
            Self::WallTime(_) => "within_ms",
            Self::Memory(_) => "memory_bytes_max",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CpuTime(time) => write!(f, "{} ms of CPU time", time.as_millis()),
            Self::WallTime(time) => write!(f, "{} ms", time.as_millis()),
            Self::Memory(bytes) => write!(f, "{bytes} bytes of memory"),
        }
    }
}
