//! What one call may use, what it used, and how it ended.

use std::time::Duration;

use super::fault::Fault;
use super::limits::Fuel;

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Work.
    pub fuel: Fuel,
    /// Whether `fuel` is less than the plugin's own limit because the time left allows no more.
    pub fuel_cut_by_time: bool,
    /// Wall time.
    pub within: Duration,
    /// Whether the call is made on a thread that other callbacks wait for; see
    /// [`Plugin::call_briefly`](crate::Plugin::call_briefly).
    pub(crate) is_brief: bool,
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Work done.
    pub fuel: Fuel,
    /// Size of the memory at the end.
    pub memory_bytes: usize,
    /// By how much the call made the memory grow.
    pub memory_grown_bytes: usize,
    /// Length of the reply; 0 if there was none.
    pub reply_bytes: usize,
    /// Whether an instance was made for it; else it ran in one that was kept.
    pub is_new_instance: bool,
    /// Whether its instance is kept for another call. Where the engine keeps none ([`crate::MemoryReset`]), never.
    pub is_kept: bool,
    /// Whether the call cost more than fuel shows, however the engine resets memory: it failed, made the memory grow, or
    /// (where instances are kept) the calls of this instance touched more pages than are put back. Its instance is
    /// thrown away, and the next call pays for a new one.
    pub is_spoiled: bool,
}

/// How a brief call ended.
#[derive(Debug)]
pub enum Brief<T> {
    /// With a reply, which has been read.
    Replied(T),
    /// In a fault.
    Failed(Fault),
    /// It would have used more than a brief call may. A call has no effects, so it can be made again with a full budget.
    TooLong,
}
