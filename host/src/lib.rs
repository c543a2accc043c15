//! Callgate answers the webhooks of chat servers with sandboxed WebAssembly plugins.
//!
//! The modules are in the order in which a callback passes through them; see `ARCHITECTURE.md`.

#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

pub mod edge;

mod intake;

mod callback;
mod knowing;

mod generation;
mod route;

pub mod chain;

mod afterwards;
mod bodies;
mod deadline;
pub mod decisions;
mod entries;
mod gate;
mod keeping;
mod overload;
mod parts;
mod records;
mod rehearsal;
mod telemetry;
mod workers;

pub mod admin;
pub mod cli;
mod descriptors;
mod difference;
mod files;
mod fixed;
mod held;
mod history;
mod host;
mod priority;
mod reload;
mod reloads;
pub mod replay;
pub mod settings;
mod shadow;
mod tending;
mod trial;
mod upkeep;

pub use callgate_sandbox::Loading;
pub use difference::Difference;
pub use fixed::Fixed;
pub use generation::{Crates, Generation, Mounted, PluginError, PluginProblem, Progress, SignatureError};
pub use history::Entry;
pub use host::{Clock, Host, StartError};
pub use reload::{Ask, Mode, Polled, Report};
pub use reloads::Status;
pub use settings::Settings;
