//! The structure of a chat server's commands, and of their answers.
//!
//! The entries are in [`openim`](crate::openim) and [`tencent_chat`](crate::tencent_chat), each written once: the typed
//! event, its allowed changes and the [`Command`] that the host checks replies against are generated from the same
//! lines.

#[doc(inline)]
pub use crate::command::{Answers, Change, Codes, Command, Kind, Member, Rule};
#[doc(inline)]
pub use crate::people::{Named, People};
#[doc(inline)]
pub use crate::protocol::Protocol;
#[doc(inline)]
pub use crate::tables::PROTOCOLS;
