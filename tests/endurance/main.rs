//! What must hold for long and under load. Each subject has a short version, which runs with all tests, and the full one:
//!
//! ```sh
//! cargo test --workspace --release --test endurance -- --ignored SUBJECT --nocapture
//! ```
//!
//! The host is a process of its own; clients run here, on one thread each, and share the machine with it. Each prints
//! what both have used of it.

mod chaos;
mod client;
mod overload;
mod server;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
