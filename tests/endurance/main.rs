//! What must hold for long, under load and under violence. Each subject has a short version, which runs with all tests,
//! and the full one:
//!
//! ```sh
//! tests/endurance.sh            # all subjects, in a release build
//! tests/endurance.sh SUBJECT
//! ```
//!
//! Each prints its figures. Where the host is a process of its own, clients run here, on one thread each, and share the
//! machine with it: what both have used of it is printed, too.

mod bad_clients;
mod bare;
mod chaos;
mod client;
mod disk;
mod facts;
mod kill;
mod overload;
mod power;
mod random;
mod receiver;
mod reload;
mod replay;
mod server;
mod shadow;
mod shutdown;
mod vfs;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
