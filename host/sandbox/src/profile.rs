//! Where the fuel of a call goes, function by function.
//!
//! A profile is a second run of a call that was made already, in the same module with two hooks in every function: one
//! where it begins, one where it ends (`instrument.rs`). A hook reads how much fuel is left, gives back what the hook
//! itself has cost, and books what was burnt since the last one for the function that burnt it (`tree.rs`). So one run
//! tells the own fuel of every function and of every way to call it, to the unit, and how often each was called; the
//! same on every machine, because no clock is asked.
//!
//! *Why not samples?* The same call could be run a thousand times, with a little more fuel each time, and the stack be
//! read where it ends. That needs no other module, but wasmtime looks at the fuel only where functions begin and at the
//! heads of loops. Fuel that was burnt in straight lines, or in a function that has just returned, would be booked for
//! whatever begins next; a thousand samples resolve a thousandth part, and cost a thousand calls.
//!
//! *Is it still the same call?* Fuel counts wasm instructions, not machine instructions. Hooks add instructions, whose
//! fuel is known and given back, and none is taken away, so every one of the module's own costs what it costs without
//! hooks. Every profile checks that: with the fuel of the call and a handful more, the second run must end as the first
//! one did, and burn no less.
//!
//! *What is a unit's function?* A call costs one unit in the caller (the instruction) and one in the callee (wasmtime's
//! price for beginning a function). What rustc or LLVM inlined belongs to the function that it was inlined into.

mod instrument;
mod names;
mod tree;

use callgate_catalogue::wire::export;
use wasmtime::{Caller, Instance, Linker, Module, Store, TypedFunc};

use super::abi::{Abi, Crossing};
use super::engine::Engine;
use super::guest::Bounds;
use super::limits::Fuel;
use super::load::{self, LoadError};
use super::snapshot;
use crate::limits::PluginLimits;
use names::Names;
use tree::Tree;

pub use tree::{STACK_FRAMES_MAX, STACKS_MAX};

/// A configured plugin with hooks in its functions, and what they have seen.
pub struct Profiler {
    module: Module,
    linker: Linker<Traced>,
    limits: PluginLimits,
    names: Names,
    tree: Tree,
}

/// Where the fuel of one or several calls went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// All of it.
    pub fuel: Fuel,
    /// The functions that were called, the one with the most own fuel first.
    pub functions: Vec<Function>,
    /// The ways in which they were called, in the order in which they first were.
    pub stacks: Vec<Stack>,
    /// Whether the module says what its functions are called.
    pub is_named: bool,
}

/// What one function burnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its number in the module.
    pub index: u32,
    /// Its name, without rustc's additions; `func[17]` if it has none.
    pub name: String,
    /// How often it was called.
    pub calls: u64,
    /// What its own instructions burnt.
    pub own: Fuel,
    /// The same with all that it called. What a function burns that calls itself counts once.
    pub total: Fuel,
}

/// What a function burnt when it was called in this way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The names of the functions, the outermost first.
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

/// More fuel than the call had: hooks pay with it until they give it back, so that what is left is never less than
/// nothing, which wasmtime would show as nothing.
const SPARE_FUEL: u64 = 16;

impl Profiler {
    /// Configures a module that [`Plugin::load`](super::Plugin::load) takes, and puts the hooks into the result.
    ///
    /// # Errors
    /// As [`Plugin::load`](super::Plugin::load).
    pub fn new(engine: &Engine, module: &[u8], settings: &str, limits: &PluginLimits) -> Result<Self, LoadError> {
        let checked = load::check(module, limits, None)?;
        // The numbers of functions are the same before and after: neither snapshot nor hooks add any before others.
        let configured = snapshot::take(engine, &checked, settings, limits)?;
        let prepare = |error: wasmtime::Error| LoadError::Prepare { why: snapshot::words(&error) };
        let hooked = instrument::hook(&configured).map_err(|error| LoadError::Prepare { why: error.to_string() })?;
        let for_profiles = Engine::for_profiles().map_err(prepare)?;
        let module = Module::new(&for_profiles, hooked).map_err(prepare)?;
        let mut linker = Linker::new(&for_profiles);
        linker.func_wrap(instrument::HOOKS, instrument::ENTER, enter).map_err(prepare)?;
        linker.func_wrap(instrument::HOOKS, instrument::LEAVE, leave).map_err(prepare)?;
        Ok(Self { module, linker, limits: limits.clone(), names: Names::of(checked.bytes), tree: Tree::default() })
    }

    /// Runs a call again that burnt `fuel`, and adds what it sees to the profile. A call that ended in a fault
    /// (`is_fault`) is followed until it had burnt as much.
    ///
    /// # Errors
    /// If the second run is not like the first.
    pub fn follow(&mut self, input: &[&str], fuel: Fuel, is_fault: bool) -> Result<(), Unlike> {
        if fuel == Fuel(0) {
            // It did not begin: there was no time for it.
            return Ok(());
        }
        let bounds = Bounds::new(&self.limits);
        let given = fuel.0.saturating_add(SPARE_FUEL);
        let mut tree = std::mem::take(&mut self.tree);
        // Beyond that, the call had ended, or did not know of it.
        tree.begin(fuel.0);
        let mut store = Store::new(self.module.engine(), Traced { bounds, given, tree });
        store.limiter(|traced| &mut traced.bounds);
        // Nobody moves this engine's epoch: fuel bounds the work, and nobody's answer waits.
        store.set_epoch_deadline(1);
        let result = match store.set_fuel(given) {
            Ok(()) => self.call(&mut store, input),
            Err(error) => Err(Crossing::Trapped(error)),
        };
        let burnt = given.saturating_sub(store.get_fuel().unwrap_or(0));
        self.tree = store.into_data().tree;
        self.tree.end(burnt);
        // Never less. It may be a little more: a trap inside of a function hides what was burnt since the last call,
        // and hooks are calls; and what was burnt beyond the limit, after the last look at the fuel, is not known.
        let is_like = burnt >= fuel.0 && (is_fault || result.is_ok());
        if is_like { Ok(()) } else { Err(Unlike { call: fuel, profile: Fuel(burnt) }) }
    }

    fn call(&self, store: &mut Store<Traced>, input: &[&str]) -> Result<(), Crossing> {
        let instance = self.linker.instantiate(&mut *store, &self.module)?;
        abi(store, &instance)?.call(store, input, self.limits.reply_bytes_max, |_| ())
    }

    /// What was seen.
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

/// Stands for the frames that are left out of a [`Stack`].
const DEEPER: &str = "...";

impl std::fmt::Debug for Profiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profiler").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// What the hooks of one run share.
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

/// Gives the guest the fuel back that reaching this hook has cost, and says what was burnt without it.
fn give_back(caller: &mut Caller<'_, Traced>, hook: u64) -> wasmtime::Result<u64> {
    let left = match caller.get_fuel()? {
        // As much or less: the next look at the fuel ends the call.
        0 => 0,
        left => left.saturating_add(hook),
    };
    if left > 0 {
        caller.set_fuel(left)?;
    }
    Ok(caller.data().given.saturating_sub(left))
}

fn abi(store: &mut Store<Traced>, instance: &Instance) -> wasmtime::Result<Abi> {
    let memory = instance
        .get_memory(&mut *store, export::MEMORY)
        .ok_or_else(|| wasmtime::Error::msg("the export `memory` is missing"))?;
    let allocate = instance.get_typed_func(&mut *store, export::ALLOCATE)?;
    let handle: TypedFunc<(u32, u32), i64> = instance.get_typed_func(&mut *store, export::HANDLE_CALLBACK)?;
    Ok(Abi { memory, allocate, handle })
}
