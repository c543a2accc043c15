//! What one call may use, what it used, and how it ended.

use std::time::Duration;

use super::fault::{Fault, FuelCut, FuelKey};
use super::limits::Fuel;

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Fuel.
    pub fuel: Fuel,
    /// The key of the settings that limits it.
    pub key: FuelKey,
    /// If `fuel` is less than the plugin's own limit because the time left allows no more: how that came about.
    pub cut: Option<FuelCut>,
    /// Wall time.
    pub within: Duration,
    /// Whether the call runs on a thread that other callbacks wait for; see
    /// [`Plugin::ask_briefly`](crate::Plugin::ask_briefly).
    pub(crate) is_brief: bool,
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Fuel burnt.
    pub fuel: Fuel,
    /// Size of the memory after the call.
    pub memory_bytes: usize,
    /// How much the call grew the memory.
    pub memory_grown_bytes: usize,
    /// Length of the reply; 0 if there was none.
    pub reply_bytes: usize,
    /// Whether a new instance was made for it; otherwise it reused one.
    pub is_new_instance: bool,
    /// Whether its instance is kept for another call. Always false where the engine keeps none
    /// ([`crate::MemoryReset`]).
    pub is_kept: bool,
    /// Whether the call cost more than its fuel shows, whichever way the engine resets memory: it failed, grew the
    /// memory, or (where instances are kept) the calls of this instance touched more pages than are restored. The
    /// instance is dropped, and the next call pays for a new one.
    pub is_spoiled: bool,
    /// CPU time that was spent on another thread for brief calls of this plugin, and that no call before this one was
    /// told.
    pub aside: Duration,
}

/// How a brief call ended.
#[derive(Debug)]
pub enum Brief<T> {
    /// With a reply, which was read.
    Replied(T),
    /// In a fault.
    Failed(Fault),
    /// It exceeded the bounds of a brief call. A call has no side effects, so it can be repeated with a full budget.
    TooLong,
}
