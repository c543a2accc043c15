//! A sample request for each command, made from its members in the catalogue.

use callgate_catalogue::catalogue::{Command, Kind, Member};
use callgate_dialects::table;
use serde_json::{Map, Value, json};

/// The request as a chat server would send it.
pub(super) fn request(command: &Command) -> Value {
    let server = table::by_name(table::CHAT_SERVERS, command.protocol);
    let name = server.map_or("", |server| server.command_member());
    let mut request = Map::from_iter([(name.to_owned(), command.name.into())]);
    let members = object(command.request);
    match command.batch {
        Some(list) => drop(request.insert(list.to_owned(), json!([members]))),
        None => request.extend(members),
    }
    request.into()
}

fn object(members: &[Member]) -> Map<String, Value> {
    members.iter().map(|member| (member.name.to_owned(), value(member.name, member.kind))).collect()
}

fn value(name: &str, kind: Kind) -> Value {
    match kind {
        Kind::Text => text(name).into(),
        Kind::JsonText => r#"{"content":"Hello"}"#.into(),
        Kind::Int64 | Kind::Uint64 if name.to_lowercase().ends_with("time") => 1_700_000_000_000_u64.into(),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => 1.into(),
        Kind::Bool => false.into(),
        Kind::Any => json!({}),
        Kind::Optional(kind) => value(name, *kind),
        Kind::List(kind) => json!([value(name, *kind)]),
        Kind::Map(kind) => json!({ "user-1": value(name, *kind) }),
        Kind::Object(members) | Kind::Open(members) => object(members).into(),
    }
}

/// A text that suits the member's name.
fn text(name: &str) -> &'static str {
    let lower = name.to_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end));
    match () {
        () if ends(&["url"]) => "https://example.com/picture.png",
        () if ends(&["account", "userid", "sendid", "recvid", "ownerid", "applyid"]) => "user-1",
        () if lower.contains("group") && ends(&["id"]) => "group-1",
        () if ends(&["id", "key"]) => "id-1",
        () if name == "content" => r#"{"content":"Hello"}"#,
        () if name == "MsgType" => "TIMTextElem",
        () if ends(&["ex", "data", "type"]) => "",
        () => "Hello",
    }
}
