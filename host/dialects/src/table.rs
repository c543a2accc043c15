//! The table of chat servers: one line for each.

use http::StatusCode;

use crate::dialect::ChatServer;
use crate::{openim, tencent_chat};

/// The chat servers that a host can serve.
pub type Table = [&'static dyn ChatServer];

/// All chat servers of this crate.
pub const CHAT_SERVERS: &Table = &[&openim::OpenIm, &tencent_chat::TencentChat];

/// The chat server of this name, as settings write it.
#[must_use]
pub fn by_name(table: &Table, name: &str) -> Option<&'static dyn ChatServer> {
    table.iter().copied().find(|server| server.protocol().name == name)
}

/// A refusal that every chat server in the table reads as one, for what belongs to no platform. Some would read a plain
/// error as an allowance, so a typo in a URL would disable every rule.
#[must_use]
pub fn refusal_for_all(table: &Table, status: StatusCode, text: &str) -> Vec<u8> {
    let mut members = serde_json::Map::new();
    members.insert("error".to_owned(), text.into());
    for server in table {
        members.extend(server.refusal(status, text));
    }
    serde_json::Value::Object(members).to_string().into_bytes()
}
