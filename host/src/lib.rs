//! Callgate answers the callbacks of chat servers with sandboxed WebAssembly plugins.
//!
//! The modules stand in the order of the corridor that a callback walks through; `ARCHITECTURE.md` tells the story.

// One function in `plugin/cache.rs` says why it may, beside what it does.
#![deny(unsafe_code)]

pub mod server;

mod callback;
pub mod dialect;
pub mod json;

mod route;

pub mod chain;

pub mod plugin;

pub mod verdict;

pub mod explain;

mod breaker;
mod deadline;
mod journal;
mod places;
mod telemetry;

pub mod cargo;
pub mod cli;
mod host;
pub mod settings;

pub use deadline::Deadline;
pub use host::{Clock, Host, Mounted, PluginError, PluginProblem, Progress, StartError};
pub use settings::Settings;
