//! What must hold for long and under load. Each subject has a short version, which runs with all tests, and the full one:
//!
//! ```sh
//! cargo test --workspace --release --test endurance -- --ignored SUBJECT --nocapture
//! ```

mod shadow;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
