//! The catalogue of what chat servers send to Callgate: every command with its members, the changes that an answer may
//! make and the verdicts that it can carry; and the types passed between host and plugin.
//!
//! Each command is written once, in the folder of its chat server. Its typed event for plugins and the
//! [`Command`](command::Command) that the host checks replies against come from the same lines, so they cannot diverge.
//! Authors of plugins use `callgate-plugin-sdk`, which re-exports all of this.
//!
//! # The map
//!
//! From the bottom to the top; a module uses only those above it in this table.
//!
//! | to | see |
//! | --- | --- |
//! | write text from elsewhere on one line of a log | [`mod@line`] |
//! | know what crosses to a plugin | [`wire`] |
//! | look up what a command can do | [`command`] |
//! | read the members of a callback | [`object`] |
//! | say what is to happen | [`verdict`] |
//! | have a command as a type | [`events`] |
//! | say what the members of commands are called in the neutral view | [`neutral`] |
//! | know who acts in a callback, and on whom | [`people`] |
//! | know what makes a chat server's protocol | [`protocol`] |
//! | find the commands of a chat server | [`openim`], [`tencent_chat`] |
//! | find all chat servers | [`tables`] |
//! | have commands, protocols and their table under one name | [`catalogue`] |
#![warn(missing_docs, unreachable_pub)]

pub mod catalogue;
pub mod command;
pub mod error;
pub mod events;
mod find;
pub mod line;
mod macros;
pub mod neutral;
pub mod object;
pub mod openim;
pub mod people;
#[doc(hidden)]
pub mod plain;
pub mod protocol;
mod scan;
mod shown;
pub mod tables;
pub mod tencent_chat;
mod unescape;
pub mod verdict;
#[doc(hidden)]
pub mod wildcard;
pub mod wire;
#[doc(hidden)]
pub mod write;

pub use error::Error;
pub use object::{FieldError, Object, Text};
pub use verdict::{Changes, Json, Verdict};
