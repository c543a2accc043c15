//! The commands for plugin authors: `new`, `build`, `inspect`, `run`, `test` and `profile`.
//!
//! They depend on the sandbox and the dialects. The service is built on top of this crate, so the program passes a
//! [`Service`](stage::Service) to each command. Callbacks then take the same path as in production.

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

pub mod build;
pub mod cargo;
pub(crate) mod facts;
pub mod inspect;
pub(crate) mod module;
pub mod new;
pub(crate) mod outline;
pub(crate) mod output;
pub mod profile;
pub mod run;
pub(crate) mod settings;
pub mod stage;
pub mod test;
pub(crate) mod watch;
