//! Whatever a plugin replies to whatever request: it becomes a decision, an answer, and nothing that the chat server
//! misreads.

use std::sync::OnceLock;

use callgate::Settings;
use callgate::settings::Platform;
use callgate_dialects::{Callback, OnFault};
use plugin_sdk::catalogue::Command;
use serde_json::Value;

use crate::judge;

/// Words of replies.
pub const WORDS: &[&str] = &[
    "\"verdict\":",
    "\"allow\"",
    "\"deny\"",
    "\"modify\"",
    "\"drop\"",
    "\"refuse_some\"",
    "\"per_user\"",
    "\"reply\"",
    "\"fail\"",
    "\"code\":",
    "5001",
    "120001",
    "10100",
    "38000",
    "\"message\":",
    "\"detail\":",
    "\"changes\":{",
    "\"refused\":[",
    "\"results\":[{\"user\":",
    "\"records\":[",
    "\"topics\":[\"a.b\",\"\"",
    "\"log\":[{\"level\":\"warn\",\"text\":",
    "null",
    "\0",
    "{\"value\":",
    "\"errCode\":",
    "\"ERRCODE\":",
    "\"ErrorCode\":",
    "\"nextCode\":",
    "\"ActionStatus\":",
    "1e999",
    "\\ud800",
    "\"To_Account\":",
    "\"FriendItem\":[",
];

/// Two bytes choose the command, one what a fault means; then come the request, a byte 0, and the reply. A request that
/// is no JSON object, or that serde_json cannot hold, counts as an empty one: the dialects refuse the former, and the
/// latter is compared with nothing.
pub fn cast(bytes: &[u8]) {
    let Some(([low, high, on_fault], rest)) = bytes.split_first_chunk::<3>().map(|(head, rest)| (*head, rest)) else {
        return;
    };
    let all = commands();
    let Some((platform, command)) = all.get(usize::from(u16::from_le_bytes([low, high])) % all.len()) else { return };
    let on_fault = if on_fault & 1 == 0 { OnFault::Allow } else { OnFault::Deny };
    let mut parts = rest.splitn(2, |byte| *byte == 0);
    let request = parts.next().and_then(|request| std::str::from_utf8(request).ok()).unwrap_or_default();
    let is_request =
        Callback::local(command, request.to_owned()).is_ok() && serde_json::from_str::<Value>(request).is_ok();
    let reply = parts.next().unwrap_or_default();
    judge::hold(platform, command, if is_request { request } else { "{}" }, reply, on_fault);
}

/// All commands of all chat servers, each with a platform that has it.
fn commands() -> &'static [(&'static Platform, &'static Command)] {
    static COMMANDS: OnceLock<Vec<(&Platform, &Command)>> = OnceLock::new();
    COMMANDS.get_or_init(|| {
        let toml = "[[platform]]\nkind = \"openim\"\n[[platform]]\nkind = \"tencent-chat\"\n[[platform.app]]\nid = 1\n";
        let settings = Settings::parse(std::path::Path::new("host.toml"), toml).expect("the settings are right");
        let platforms: &'static [Platform] = settings.platforms.leak();
        let each = |platform: &'static Platform| {
            platform.server.protocol().commands.iter().map(move |command| (platform, *command))
        };
        platforms.iter().flat_map(each).collect()
    })
}

/// For each command its request, and a reply of each kind that asks for all the changes that there are.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, (platform, command)) in commands().iter().enumerate() {
        let folder = platform.server.protocol().name.replace('-', "_");
        let request = super::fixtures(&folder, &format!("{}.request.json", command.name)).pop().unwrap_or_default();
        let members = serde_json::from_slice::<Value>(&request).unwrap_or_default();
        let changes: serde_json::Map<String, Value> = command
            .changes
            .iter()
            .map(|change| (change.name.to_owned(), members[change.shown_as.unwrap_or(change.name)].clone()))
            .collect();
        let answers = &command.answers;
        let results: Vec<_> = answers.per_user.map_or(Vec::new(), |(list, user)| {
            let asked = members[list].as_array().cloned().unwrap_or_default();
            let refused = |item: &Value| serde_json::json!({ "user": item[user], "code": 38001, "message": "no" });
            asked.iter().take(1).map(refused).collect()
        });
        // Verdicts that few commands have are tried with those, and with a few others, which cannot carry them.
        let is_odd = |which: u8| number % 24 == usize::from(which);
        let replies = [
            (true, serde_json::json!({ "verdict": "modify", "changes": changes })),
            (true, serde_json::json!({ "verdict": "deny", "code": 5001, "message": "no", "detail": "d" })),
            (
                !answers.refused.is_empty() || is_odd(0),
                serde_json::json!({ "verdict": "refuse_some", "refused": ["a", "b"] }),
            ),
            (answers.per_user.is_some() || is_odd(1), serde_json::json!({ "verdict": "per_user", "results": results })),
            (
                answers.reply || is_odd(2),
                serde_json::json!({ "verdict": "reply", "reply": "hello", "records": [1, { "a": null }], "topics": ["", "t"] }),
            ),
            (
                answers.drop || is_odd(3),
                serde_json::json!({ "verdict": "drop", "log": [{ "level": "info", "text": "x" }] }),
            ),
        ];
        let long = command.change("MsgBody").map(|_| number_of_many_digits());
        let number = u16::try_from(number).expect("there are fewer commands").to_le_bytes();
        if command.change("lookMemberInfo").is_some() {
            let reply = br#"{"verdict":"modify","changes":{"lookMemberInfo":-0}}"#;
            seeds.push([&number[..], b"\x01{}\0", reply].concat());
        }
        if let Some(reply) = long {
            seeds.push([&number[..], b"\x01{}\0", reply.as_bytes()].concat());
        }
        for (_, reply) in replies.iter().filter(|(is_tried, _)| *is_tried) {
            seeds.push([&number[..], b"\x01", &request, b"\0", reply.to_string().as_bytes()].concat());
        }
    }
    seeds
}

/// A message with a number that no reader keeps as it is: once, rounding it twice looked like a change.
fn number_of_many_digits() -> String {
    let digits = format!("11111111111{}2144140237", "0".repeat(40));
    let body = format!(r#"[{{"MsgType":"TIMCustomElem","MsgContent":{{"Count":{digits}}}}}]"#);
    format!(r#"{{"verdict":"modify","changes":{{"MsgBody":{body}}}}}"#)
}
