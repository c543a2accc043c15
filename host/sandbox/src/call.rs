//! One call: in memory and globals that no other call has seen, with its own fuel and epoch.

use super::abi::Crossing;
use super::budget::{Budget, Usage};
use super::fault::{Circumstances, Fault, sort};
use super::guest::{Code, Guest};
use super::limits::Fuel;
use super::limits::PluginLimits;
use super::pool::{Instance, Pool};

/// Runs one call of `plugin` in a memory that is as `configure` left it, and gives its reply, in place, to `read`.
///
/// The instance is one that waits for this thread, put back to the snapshot after its last call; or a new one. Which
/// of both it is cannot be told from inside. One that failed is never used again.
pub(crate) fn call<T>(
    code: &Code,
    pool: &Pool,
    limits: &PluginLimits,
    input: &[&str],
    budget: Budget,
    read: impl FnOnce(&[u8]) -> T,
) -> (Result<T, Fault>, Usage) {
    let circumstances = |memory_denied, last_words| Circumstances {
        fuel: budget.fuel,
        fuel_cut_by_time: budget.fuel_cut_by_time,
        within: budget.within,
        memory_bytes_max: limits.memory_bytes_max,
        memory_denied,
        last_words,
    };
    // Until all is done that the call causes: the reset, too, and dropping an instance that is not kept.
    let running = code.run();
    let waiting = pool.take().map_or_else(|| Guest::enter(code, limits, budget, &running).map(Instance::new), Ok);
    let mut instance = match waiting {
        Ok(instance) => instance,
        Err(error) => return (Err(sort(&error, circumstances(false, None))), Usage::default()),
    };
    let is_new_instance = instance.is_new();
    let guest = &mut instance.guest;
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
            pool.keep(code, limits, instance);
            (Ok(result), usage)
        }
        Err(Crossing::Broken(fault)) => (Err(fault), usage),
        Err(Crossing::Trapped(error)) => {
            let fault = sort(&error, circumstances(guest.memory_denied(), guest.last_words()));
            (Err(fault), usage)
        }
    }
}
