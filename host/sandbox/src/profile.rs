//! Where a call's fuel goes, function by function.
//!
//! A profile is a second run of an earlier call, in the same module with two hooks in every function: one at its
//! beginning, one at its end (`instrument.rs`). A hook reads how much fuel is left, refunds what the hook itself cost,
//! and attributes the fuel burnt since the last hook to the function that burnt it (`tree.rs`). So a single run gives
//! the exact fuel of every function and every call path, and the number of calls; the result is the same on every
//! machine, because no clock is involved.
//!
//! *Why not sample?* The same call could be run a thousand times, with a little more fuel each time, reading the stack
//! where it ends. That needs no modified module, but wasmtime checks the fuel only at function entries and loop heads.
//! Fuel burnt in straight-line code, or in a function that has just returned, would be attributed to whatever begins
//! next; and a thousand samples have a resolution of a thousandth, and cost a thousand calls.
//!
//! *Is it still the same call?* Fuel counts wasm instructions, not machine instructions. Hooks add instructions, whose
//! fuel is known and refunded, and remove none, so each of the module's own instructions costs the same as without
//! hooks. Every profile checks this: with the call's fuel and a little more, the second run must end as the first one
//! did, and burn no less.
//!
//! *Which function does a unit belong to?* A call costs one unit in the caller (the instruction) and one in the callee
//! (wasmtime's charge for entering a function). Code inlined by rustc or LLVM belongs to the function that it was
//! inlined into.

mod instrument;
mod names;
mod tree;

use callgate_catalogue::wire::export;
use wasmtime::{Caller, Instance, Linker, Module, Store};

use super::abi::{Abi, Crossing, Function as Export, TextFunc};
use super::engine::Engine;
use super::guest::Bounds;
use super::limits::Fuel;
use super::load::{self, LoadError};
use super::snapshot;
use crate::limits::PluginLimits;
use names::Names;
use tree::Tree;

pub use tree::{STACK_FRAMES_MAX, STACKS_MAX};

/// A configured plugin with hooks in its functions, and what they have recorded.
pub struct Profiler {
    module: Module,
    linker: Linker<Traced>,
    limits: PluginLimits,
    names: Names,
    tree: Tree,
}

/// Where the fuel of one or more calls went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// All of it.
    pub fuel: Fuel,
    /// The functions that were called, the one with the most own fuel first.
    pub functions: Vec<Function>,
    /// The call paths, in the order in which they first occurred.
    pub stacks: Vec<Stack>,
    /// Whether the module names its functions.
    pub is_named: bool,
}

/// The fuel of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its index in the module.
    pub index: u32,
    /// Its name, without rustc's additions; `func[17]` if it has none.
    pub name: String,
    /// How often it was called.
    pub calls: u64,
    /// What its own instructions burnt.
    pub own: Fuel,
    /// The same including everything it called. For a recursive function, fuel counts only once.
    pub total: Fuel,
}

/// The fuel of one call path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The names of the functions, outermost first.
    pub frames: Vec<String>,
    /// What the last of them burnt itself.
    pub own: Fuel,
}

/// The second run was not like the first.
#[derive(Debug, thiserror::Error)]
#[error(
    "the call burnt {} units of fuel and its profile has {}: please report this, with the plugin and the callback", call.0, profile.0
)]
pub struct Unlike {
    call: Fuel,
    profile: Fuel,
}

/// Extra fuel for the second run: hooks spend it before refunding it, so that the fuel left never goes below zero,
/// which wasmtime would report as zero.
const SPARE_FUEL: u64 = 16;

impl Profiler {
    /// Configures a module that [`Plugin::load`](super::Plugin::load) accepts, and inserts the hooks into the result.
    ///
    /// # Errors
    /// As [`Plugin::load`](super::Plugin::load).
    pub fn new(engine: &Engine, module: &[u8], settings: &str, limits: &PluginLimits) -> Result<Self, LoadError> {
        let checked = load::check(module, limits, None)?;
        // Function indices are the same before and after: neither the snapshot nor the hooks insert functions before
        // others.
        let configured = snapshot::take(engine, &checked, settings, limits)?.module;
        let prepare = |error: wasmtime::Error| LoadError::Prepare { why: snapshot::words(&error) };
        let hooked = instrument::hook(&configured).map_err(|error| LoadError::Prepare { why: error.to_string() })?;
        let for_profiles = Engine::for_profiles().map_err(prepare)?;
        let module = Module::new(&for_profiles, hooked).map_err(prepare)?;
        let mut linker = Linker::new(&for_profiles);
        linker.func_wrap(instrument::HOOKS, instrument::ENTER, enter).map_err(prepare)?;
        linker.func_wrap(instrument::HOOKS, instrument::LEAVE, leave).map_err(prepare)?;
        Ok(Self { module, linker, limits: limits.clone(), names: Names::of(checked.bytes), tree: Tree::default() })
    }

    /// Repeats calls that burnt `fuel` in total, each in its own instance, and adds the results to the profile. Calls
    /// that ended in a fault (`is_fault`) are followed until they have burnt the same amount.
    ///
    /// # Errors
    /// If the second run is not like the first.
    pub fn follow(&mut self, calls: &[(Export, &str)], fuel: Fuel, is_fault: bool) -> Result<(), Unlike> {
        let (mut burnt, mut is_done) = (0, true);
        for (export, input) in calls {
            // No fuel left: the call did not start, for lack of time or because an earlier call failed.
            let left = fuel.0.saturating_sub(burnt);
            if left == 0 {
                break;
            }
            let (its, is_replied) = self.follow_one(*export, input, left);
            burnt = burnt.saturating_add(its);
            is_done = is_done && is_replied;
        }
        // Never less, but perhaps slightly more. A trap inside a function hides the fuel burnt since the last hook,
        // which is a call; and fuel burnt beyond the limit, after the last check, is not known.
        let is_like = burnt >= fuel.0 && (is_fault || is_done);
        if is_like { Ok(()) } else { Err(Unlike { call: fuel, profile: Fuel(burnt) }) }
    }

    /// Repeats a call that burnt at most `fuel`. Returns what it burns, and whether it replies.
    fn follow_one(&mut self, export: Export, input: &str, fuel: u64) -> (u64, bool) {
        let bounds = Bounds::new(&self.limits);
        let given = fuel.saturating_add(SPARE_FUEL);
        let mut tree = std::mem::take(&mut self.tree);
        // Beyond that, the call had ended, or had not noticed yet.
        tree.begin(fuel);
        let mut store = Store::new(self.module.engine(), Traced { bounds, given, tree });
        store.limiter(|traced| &mut traced.bounds);
        // This engine's epoch never advances: fuel bounds the work, and no answer is waiting.
        store.set_epoch_deadline(1);
        let result = match store.set_fuel(given) {
            Ok(()) => self.call(&mut store, export, input),
            Err(error) => Err(Crossing::Trapped(error)),
        };
        let burnt = given.saturating_sub(store.get_fuel().unwrap_or(0));
        self.tree = store.into_data().tree;
        self.tree.end(burnt);
        (burnt, result.is_ok())
    }

    fn call(&self, store: &mut Store<Traced>, export: Export, input: &str) -> Result<(), Crossing> {
        let instance = self.linker.instantiate(&mut *store, &self.module)?;
        let (abi, function) = abi(store, &instance, export)?;
        abi.call(store, &function, &[input], self.limits.reply_bytes_max, |_| ())
    }

    /// The results so far.
    pub fn finish(self) -> Profile {
        let Self { names, tree, .. } = self;
        let (fuel, functions, stacks) = (Fuel(tree.fuel()), tree.functions(), tree.stacks());
        let stacks = stacks.into_iter().map(|(frames, own)| {
            let frames = frames.into_iter().map(|frame| frame.map_or_else(|| DEEPER.to_owned(), |at| names.get(at)));
            Stack { frames: frames.collect(), own: Fuel(own) }
        });
        let stacks = stacks.collect();
        let function = |(index, count): (u32, tree::Count)| Function {
            index,
            name: names.get(index),
            calls: count.calls,
            own: Fuel(count.own),
            total: Fuel(count.total),
        };
        let mut functions: Vec<Function> = functions.map(function).collect();
        functions.sort_by_key(|function| (std::cmp::Reverse((function.own, function.total)), function.index));
        Profile { fuel, functions, stacks, is_named: names.is_named() }
    }
}

/// Represents the frames left out of a [`Stack`].
const DEEPER: &str = "...";

impl std::fmt::Debug for Profiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profiler").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// State shared by the hooks of one run.
struct Traced {
    bounds: Bounds,
    /// Fuel at the start.
    given: u64,
    tree: Tree,
}

fn enter(mut caller: Caller<'_, Traced>, function: u32) -> wasmtime::Result<()> {
    let burnt = give_back(&mut caller, instrument::ENTER_FUEL)?;
    caller.data_mut().tree.enter(function, burnt);
    Ok(())
}

fn leave(mut caller: Caller<'_, Traced>) -> wasmtime::Result<()> {
    let burnt = give_back(&mut caller, instrument::LEAVE_FUEL)?;
    caller.data_mut().tree.leave(burnt);
    Ok(())
}

/// Refunds the guest the fuel that reaching this hook cost, and returns the fuel burnt without it.
fn give_back(caller: &mut Caller<'_, Traced>, hook: u64) -> wasmtime::Result<u64> {
    let left = match caller.get_fuel()? {
        // At the limit, the next fuel check ends the call.
        0 => 0,
        left => left.saturating_add(hook),
    };
    if left > 0 {
        caller.set_fuel(left)?;
    }
    Ok(caller.data().given.saturating_sub(left))
}

fn abi(store: &mut Store<Traced>, instance: &Instance, wanted: Export) -> wasmtime::Result<(Abi, TextFunc)> {
    let memory = instance
        .get_memory(&mut *store, export::MEMORY)
        .ok_or_else(|| wasmtime::Error::msg("the export `memory` is missing"))?;
    let allocate = instance.get_typed_func(&mut *store, export::ALLOCATE)?;
    let name = match wanted {
        Export::Handle => export::HANDLE_CALLBACK,
        Export::Needs => export::NEEDS,
    };
    let function = instance.get_typed_func(&mut *store, name)?;
    Ok((Abi { memory, allocate }, function))
}
