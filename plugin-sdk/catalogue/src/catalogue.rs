//! What the commands of a chat server look like, and what their answers can say.
//!
//! The entries are in [`openim`](crate::openim) and [`tencent_chat`](crate::tencent_chat), each written once: the
//! typed event, its allowed changes and the [`Command`] that the host checks replies against come from the same lines.

#[doc(inline)]
pub use crate::command::{Answers, Change, Codes, Command, Kind, Member, Rule};
#[doc(inline)]
pub use crate::protocol::Protocol;
#[doc(inline)]
pub use crate::tables::PROTOCOLS;
