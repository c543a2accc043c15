//! One call: in memory and globals that no other call has seen, with its own fuel and epoch.

use wasmtime::Trap;

use super::abi::Crossing;
use super::budget::{Brief, Budget, Usage};
use super::fault::{Circumstances, Fault, sort};
use super::guest::{Code, Guest, NeedsRoom};
use super::limits::{Fuel, PluginLimits};
use super::pool::{Instance, Pool};

/// Longest reply that a brief call may give, in bytes: it is read on a thread that other callbacks wait for, at about
/// 300 MB a second. A message of 64 KiB, changed, is less.
const BRIEF_REPLY_BYTES_MAX: usize = 128 * 1024;

/// Runs one call with a full budget. See [`run`].
pub(crate) fn call<T>(
    code: &Code,
    pool: &Pool,
    limits: &PluginLimits,
    input: &[&str],
    budget: Budget,
    read: impl FnOnce(&[u8]) -> T,
) -> (Result<T, Fault>, Usage) {
    let (ended, usage) = run(code, pool, limits, input, budget, read);
    let result = match ended {
        Brief::Replied(reply) => Ok(reply),
        Brief::Failed(fault) => Err(fault),
        // Only brief calls end so.
        Brief::TooLong => Err(Fault::OutOfTime { within: budget.within }),
    };
    (result, usage)
}

/// Runs one call in a memory that is as `configure` left it, and gives its reply, in place, to `read`.
///
/// The instance is one that waits for this thread, put back to the snapshot after its last call; or a new one. Which
/// of both it is cannot be told from inside. One that failed is never used again.
pub(crate) fn run<T>(
    code: &Code,
    pool: &Pool,
    limits: &PluginLimits,
    input: &[&str],
    budget: Budget,
    read: impl FnOnce(&[u8]) -> T,
) -> (Brief<T>, Usage) {
    let circumstances = |memory_denied, last_words| Circumstances {
        fuel: budget.fuel,
        fuel_cut_by_time: budget.fuel_cut_by_time,
        within: budget.within,
        memory_bytes_max: limits.memory_bytes_max,
        memory_denied,
        last_words,
    };
    let waiting = pool.take().map_or_else(|| Guest::enter(code, limits, budget).map(Instance::new), Ok);
    let mut instance = match waiting {
        Ok(instance) => instance,
        Err(error) if budget.is_brief && is_too_long(&error, budget) => return (Brief::TooLong, Usage::default()),
        Err(error) => return (Brief::Failed(sort(&error, circumstances(false, None))), Usage::default()),
    };
    let is_new_instance = instance.is_new();
    let guest = &mut instance.guest;
    let reply_bytes_max = match budget.is_brief {
        true => limits.reply_bytes_max.min(BRIEF_REPLY_BYTES_MAX),
        false => limits.reply_bytes_max,
    };
    let mut reply_bytes = 0;
    let result = guest.call(input, budget, reply_bytes_max, |reply| {
        reply_bytes = reply.len();
        read(reply)
    });
    let usage = Usage {
        fuel: Fuel(budget.fuel.0.saturating_sub(guest.fuel_left().0)),
        memory_bytes: guest.memory().len(),
        reply_bytes,
        is_new_instance,
    };
    let ended = match result {
        Ok(result) => {
            pool.keep(code, limits, instance);
            Brief::Replied(result)
        }
        Err(Crossing::Broken(Fault::ReplyTooLarge { bytes, bytes_max }))
            if budget.is_brief && bytes_max < limits.reply_bytes_max && bytes <= limits.reply_bytes_max as u64 =>
        {
            Brief::TooLong
        }
        Err(Crossing::Broken(Fault::ReplyTooLarge { bytes, .. })) => {
            Brief::Failed(Fault::ReplyTooLarge { bytes, bytes_max: limits.reply_bytes_max })
        }
        Err(Crossing::Broken(fault)) => Brief::Failed(fault),
        Err(Crossing::Trapped(error)) if budget.is_brief && is_too_long(&error, budget) => Brief::TooLong,
        Err(Crossing::Trapped(error)) => {
            Brief::Failed(sort(&error, circumstances(guest.memory_denied(), guest.last_words())))
        }
    };
    (ended, usage)
}

/// Whether a brief call ended because it was brief, and not for a reason of its own.
fn is_too_long(error: &wasmtime::Error, budget: Budget) -> bool {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => budget.fuel_cut_by_time,
        Some(Trap::Interrupt) => true,
        Some(_) => false,
        None => error.is::<NeedsRoom>(),
    }
}
