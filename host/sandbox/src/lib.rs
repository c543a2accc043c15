//! Runs plugins: WebAssembly modules from untrusted authors, within limits on work, time and memory.
//!
//! The only crate that depends on wasmtime. [`Plugin::load`] checks a module, configures it and keeps a snapshot of its
//! memory; [`Plugin::call`] runs one call from that snapshot and returns its reply, or the [`Fault`] that ended it.
//! This crate does not interpret the bytes of callbacks and replies.

// The one exception, in `cache.rs`, explains why it is sound.
#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod abi;
mod aside;
mod budget;
mod cache;
mod call;
mod cancel;
pub mod cpu;
mod engine;
mod epoch;
mod fault;
mod functions;
mod guest;
mod limits;
mod load;
mod loading;
pub mod mailbox;
#[cfg_attr(not(target_os = "linux"), path = "pages/elsewhere.rs")]
mod pages;
mod plugin;
mod pool;
mod prepare;
#[cfg(feature = "profile")]
pub mod profile;
mod reach;
mod reset;
mod snapshot;
mod structure;
mod system;
mod thread;

pub use abi::Function;
pub use budget::{Brief, Budget, Usage};
pub use cache::{Cache, CacheError};
pub use cancel::Cancel;
pub use engine::{Engine, EngineError};
pub use fault::{Fault, FuelCut, FuelKey};
pub use limits::{CacheSettings, EngineLimits, Fuel, Limit, Loading, LoadingLimits, MemoryReset, PluginLimits};
pub use load::{LoadError, sha256};
pub use plugin::{Origin, Plugin};
pub use prepare::prepare_for_parent;
pub use structure::{Part, TooMany};
