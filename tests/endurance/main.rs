//! What must hold for long, under load and under violence. Each subject has a short version, which runs with all tests, and
//! the full one:
//!
//! ```sh
//! cargo test --workspace --release --test endurance -- --ignored SUBJECT --nocapture
//! ```
//!
//! Each prints its figures.

mod bad_clients;
mod disk;
mod kill;
mod power;
mod random;
mod receiver;
mod reload;
mod replay;
mod shadow;
mod shutdown;
mod vfs;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
