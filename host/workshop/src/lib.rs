//! For authors of plugins: the commands `new`, `build`, `inspect`, `run`, `test` and `profile`.
//!
//! They know the sandbox and the dialects. The service itself is built on top of this crate, so whoever runs a command
//! hands in a [`Service`](stage::Service): what is tried out here takes the way that it takes in production.

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

pub mod build;
pub mod cargo;
pub mod inspect;
pub(crate) mod module;
pub mod new;
pub mod profile;
pub mod run;
pub(crate) mod settings;
pub mod stage;
pub mod test;
pub(crate) mod watch;
