//! What must hold over hours, under violence: each subject has a short version, which always runs, and a full one:
//!
//! ```sh
//! cargo test --workspace --test endurance -- --ignored kill --nocapture
//! ```
//!
//! Each prints its figures.

mod disk;
mod kill;
mod power;
mod random;
mod vfs;
