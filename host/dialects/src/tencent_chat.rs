//! Tencent Cloud Chat.

mod console;
mod dialect;
mod explain;
mod names;

use std::time::Duration;

use callgate_catalogue::catalogue::{Command, Protocol};
use callgate_catalogue::tencent_chat;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::commands::Commands;
use crate::dialect::{ChatServer, Dialect, Patience};
use crate::explain::Explanation;
use crate::keys::Keys;
use names::COMMANDS;

/// The entry in the table.
#[derive(Debug)]
pub(crate) struct TencentChat;

impl ChatServer for TencentChat {
    fn protocol(&self) -> &'static Protocol {
        &tencent_chat::PROTOCOL
    }

    fn command_member(&self) -> &'static str {
        "CallbackCommand"
    }

    fn first_command(&self) -> &'static str {
        "C2C.CallbackBeforeSendMsg"
    }

    fn commands(&self) -> &'static Commands {
        &COMMANDS
    }

    fn patience(&self) -> Patience {
        // It waits 2 s, round trip included.
        Patience {
            waits: Duration::from_secs(2),
            default: Duration::from_millis(1500),
            longest: Duration::from_secs(2),
        }
    }

    fn keys(&self) -> &'static [&'static str] {
        &["app"]
    }

    fn configure(&self, keys: &mut dyn Keys) -> Box<dyn Dialect> {
        Box::new(dialect::Platform::new(keys))
    }

    fn how_to_authenticate(&self) -> &'static str {
        "Turn on the callback authentication in the console and put its token into `tokens` of each [[platform.app]]; \
         or add a secret segment to `path`"
    }

    fn url_shape(&self, path: &str) -> String {
        format!("POST {path}?SdkAppid={{id}}&CallbackCommand={{command}}")
    }

    fn refusal(&self, _: StatusCode, text: &str) -> Map<String, Value> {
        let members = [("ActionStatus", json!("FAIL")), ("ErrorCode", json!(1)), ("ErrorInfo", json!(text))];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn explain(&self, command: &Command, request: &str, status: u16, answer: &[u8]) -> Explanation {
        explain::explain(command, request, status, answer)
    }
}
