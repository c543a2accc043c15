//! What the benchmarks share: medians, tables, a word about the machine, and the plugins with something to decide.
#![allow(dead_code, unused_imports, reason = "each benchmark uses its own part")]

/// The allocator of the program: what is measured here, natively or not, is measured with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod cases;
mod figures;
mod host;
pub mod message;
mod modules;
pub mod profile;
mod server;

pub use figures::*;
pub use host::*;
pub use modules::*;
pub use server::Server;
