//! Write a Callgate plugin: decide what a chat server's users may do, in sandboxed WebAssembly.
#![warn(missing_docs)]

pub mod callback;
pub mod catalogue;
pub mod events;
#[doc(hidden)]
pub mod export;
pub mod neutral;
pub mod object;
pub mod openim;
pub mod plugin;
pub mod tencent_chat;
pub mod testing;
pub mod text;
pub mod verdict;
pub mod wire;

pub use callback::Callback;
pub use object::{FieldError, Object, Text};
pub use plugin::{Error, NoSettings, Plugin};
pub use verdict::{Changes, Json, Reply, Verdict};
