//! What is shared with the repository's own benchmarks; without their plugins, which are packages (see `decision`).
#![allow(dead_code, unused_imports, reason = "this benchmark uses a part")]

#[path = "../common/figures.rs"]
mod figures;
#[path = "../common/host.rs"]
mod host;
#[path = "../common/message.rs"]
pub mod message;
#[path = "../common/profile.rs"]
pub mod profile;

pub use figures::*;
pub use host::*;
