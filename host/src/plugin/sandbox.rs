//! One call: in memory and globals that no other call has seen, with its own fuel and epoch.

use std::time::Duration;

use super::Plugin;
use super::abi::Crossing;
use super::engine::Fuel;
use super::fault::{Circumstances, Fault, sort};
use super::guest::Guest;
use super::kept::Occupant;

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Work.
    pub fuel: Fuel,
    /// Whether `fuel` is less than the plugin's own cap because the time left allows no more.
    pub fuel_cut_by_time: bool,
    /// Wall time.
    pub within: Duration,
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Work done.
    pub fuel: Fuel,
    /// Size of the memory at the end.
    pub memory_bytes: usize,
    /// Length of the reply; 0 if there was none.
    pub reply_bytes: usize,
    /// Whether an instance was made for it; else it ran in one that was kept.
    pub is_new_instance: bool,
}

/// Runs one call of `plugin` in a memory that is as `configure` left it, and gives its reply, in place, to `read`.
///
/// The instance is one that waits for this thread, put back to the snapshot after its last call; or a new one. Which
/// of both it is cannot be told from inside. One that failed is never used again.
pub(super) fn call<T>(
    plugin: &Plugin,
    input: &[&str],
    budget: Budget,
    read: impl FnOnce(&[u8]) -> T,
) -> (Result<T, Fault>, Usage) {
    let (code, limits) = (&plugin.prepared.code, &plugin.limits);
    let circumstances = |memory_denied, last_words| Circumstances {
        fuel: budget.fuel,
        fuel_cut_by_time: budget.fuel_cut_by_time,
        within: budget.within,
        memory_bytes_max: limits.memory_bytes_max,
        memory_denied,
        last_words,
    };
    let waiting = plugin.prepared.kept.take().map_or_else(|| Guest::enter(code, limits, budget).map(Occupant::new), Ok);
    let mut occupant = match waiting {
        Ok(occupant) => occupant,
        Err(error) => return (Err(sort(&error, circumstances(false, None))), Usage::default()),
    };
    let is_new_instance = occupant.is_new();
    let guest = &mut occupant.guest;
    let mut reply_bytes = 0;
    let result = guest.call(input, budget, limits.reply_bytes_max, |reply| {
        reply_bytes = reply.len();
        read(reply)
    });
    let usage = Usage {
        fuel: Fuel(budget.fuel.0.saturating_sub(guest.fuel_left().0)),
        memory_bytes: guest.memory().len(),
        reply_bytes,
        is_new_instance,
    };
    match result {
        Ok(result) => {
            plugin.prepared.kept.keep(code, limits, occupant);
            (Ok(result), usage)
        }
        Err(Crossing::Broken(fault)) => (Err(fault), usage),
        Err(Crossing::Trapped(error)) => {
            let fault = sort(&error, circumstances(guest.memory_denied(), guest.last_words()));
            (Err(fault), usage)
        }
    }
}
