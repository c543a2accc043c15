//! The requests that chat servers send to their webhooks, and the answers that they understand.
//!
//! A request passes two steps here: [`Admitted::check`] authenticates its head, [`Admitted::open`] then parses its
//! body. The result is a [`Callback`]. [`admit`] turns a plugin's reply into a [`Decision`] that the command's answer
//! can carry, and the [`Dialect`] renders it. [`explain`] is the other side: it says how the real server reads an
//! answer, and shares no code with the writers it checks.
//!
//! Each chat server is one folder and one line in [`table`]. Everything else is the same for all of them.

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod admission;
mod admitted;
mod body;
mod callback;
mod commands;
pub mod connection;
mod decision;
mod dialect;
mod difference;
pub mod explain;
mod head;
pub mod json;
mod kept;
mod keys;
mod kinds;
mod openim;
mod order;
mod refusal;
mod same;
pub mod table;
mod tencent_chat;

pub use admission::{Adjustment, Inadmissible, admit, apply, settled};
pub use admitted::Admitted;
pub use body::Body;
pub use callback::Callback;
pub use commands::Commands;
pub use decision::{Decision, Denial, OnFault, Trouble};
pub use dialect::{ChatServer, Dialect, Identity, Patience, Response};
pub use difference::Difference;
pub use head::Head;
pub use kept::KeptHead;
pub use keys::{Keys, Secret};
pub use order::ORDER_KEY_BYTES_MAX;
pub use refusal::Refusal;
pub use table::Table;
