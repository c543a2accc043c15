//! Callgate answers the webhooks of chat servers with sandboxed WebAssembly plugins.
//!
//! The modules are in the order in which a callback passes through them; see `ARCHITECTURE.md`.

#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

pub mod edge;

mod intake;

mod callback;

mod route;

pub mod chain;

mod bodies;
mod deadline;
mod records;
mod telemetry;
mod workers;

pub mod admin;
pub mod cli;
mod host;
pub mod settings;
mod trial;

pub use callgate_sandbox::Loading;
pub use host::{Clock, Host, Mounted, PluginError, PluginProblem, Progress, StartError};
pub use settings::Settings;
