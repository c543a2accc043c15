//! The table of chat servers: one line for each.

use callgate_catalogue::catalogue::Command;

use crate::dialect::ChatServer;
use crate::explain::Explanation;
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

/// A refusal that every chat server in the table reads as one, for a path that belongs to none of them. Some would read
/// a plain error as an allowance, so a typo in a URL would disable every rule.
#[must_use]
pub fn refusal_for_all(table: &Table, text: &str) -> Vec<u8> {
    let mut members = serde_json::Map::new();
    members.insert("error".to_owned(), text.into());
    for server in table {
        members.extend(server.not_found(text));
    }
    serde_json::Value::Object(members).to_string().into_bytes()
}

/// How the real server reads an answer with this HTTP status to a request.
///
/// Nothing is known about a protocol that is not in [`CHAT_SERVERS`].
#[must_use]
pub fn explain(command: &Command, request: &str, status: u16, answer: &[u8]) -> Explanation {
    match by_name(CHAT_SERVERS, command.protocol) {
        Some(server) => server.explain(command, request, status, answer),
        None => Explanation::unknown(),
    }
}
