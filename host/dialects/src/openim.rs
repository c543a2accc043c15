//! OpenIM server, v3.4.2 and later.

mod credentials;
mod dialect;
mod explain;
mod names;
mod webhooks;

use std::time::Duration;

use callgate_catalogue::catalogue::{Change, Command, Protocol};
use callgate_catalogue::openim;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::commands::Commands;
use crate::connection::{Configuration, Examination, Plan};
use crate::dialect::{ChatServer, Dialect, Patience};
use crate::explain::Explanation;
use crate::keys::Keys;
use names::COMMANDS;

/// The entry in the table.
#[derive(Debug)]
pub(crate) struct OpenIm;

impl ChatServer for OpenIm {
    fn protocol(&self) -> &'static Protocol {
        &openim::PROTOCOL
    }

    fn command_member(&self) -> &'static str {
        "callbackCommand"
    }

    fn first_command(&self) -> &'static str {
        "callbackBeforeAddFriendCommand"
    }

    fn commands(&self) -> &'static Commands {
        &COMMANDS
    }

    fn patience(&self) -> Patience {
        // It waits 5 s by default, round trip included; `webhooks.yml` can change that.
        Patience {
            waits: Duration::from_secs(5),
            default: Duration::from_millis(4500),
            longest: Duration::from_secs(15),
        }
    }

    fn keys(&self) -> &'static [&'static str] {
        &["documented_form", "credentials"]
    }

    fn configure(&self, keys: &mut dyn Keys) -> Box<dyn Dialect> {
        Box::new(dialect::Platform::new(keys))
    }

    fn how_to_authenticate(&self) -> &'static str {
        "Add a secret segment to `path` (it can come from { env = \"NAME\" } or { file = \"path\" }), and to the URL in \
         webhooks.yml; or set `credentials`; or listen on an address that only the chat server reaches"
    }

    fn url_shape(&self, path: &str) -> String {
        format!("POST {path}/{{command}} or {path}?command={{command}}")
    }

    fn why_not(&self, command: &Command, change: &Change, json: &str) -> Option<&'static str> {
        let text = || serde_json::from_str::<String>(json).unwrap_or_default();
        match (command.name, change.name) {
            ("callbackBeforeSetGroupInfoCommand" | "callbackBeforeSetGroupInfoExCommand", "groupID") => {
                text().is_empty().then_some("the chat server would find no group of this ID, and the update would fail")
            }
            // The newer update accepts any name but a blank one.
            ("callbackBeforeSetGroupInfoExCommand", "groupName") => text()
                .trim()
                .is_empty()
                .then_some("the name is blank: the chat server would drop the whole update and report success"),
            _ => None,
        }
    }

    fn configuration_file(&self) -> Option<&'static str> {
        Some(webhooks::FILE)
    }

    fn examine(&self, configuration: &Configuration<'_>, plan: &Plan) -> Examination {
        webhooks::examine(configuration, plan)
    }

    fn refusal(&self, status: StatusCode, text: &str) -> Map<String, Value> {
        let code = dialect::refusal_code(status);
        let members = [
            ("actionCode", json!(0)),
            ("errCode", json!(code)),
            ("errMsg", json!(text)),
            ("errDlt", json!("")),
            ("nextCode", json!(1)),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn explain(&self, command: &Command, request: &str, status: u16, answer: &[u8]) -> Explanation {
        // The server reads the body whatever the status, but Go's client reads none where HTTP allows none.
        let has_body = !matches!(status, 100..=199 | 204 | 304);
        explain::explain(command, request, if has_body { answer } else { b"" })
    }
}
