//! The traits of a chat server: its entry in the table, and the protocol of one configured platform.

use std::time::Duration;

use callgate_catalogue::Object;
use callgate_catalogue::catalogue::{Change, Command, Protocol};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::callback::Callback;
use crate::commands::Commands;
use crate::connection::{Configuration, Examination, Plan};
use crate::decision::Decision;
use crate::explain::Explanation;
use crate::head::Head;
use crate::keys::Keys;
use crate::refusal::Refusal;

/// A chat server: one line of the table.
pub trait ChatServer: Sync + std::fmt::Debug {
    /// Its commands and their names.
    fn protocol(&self) -> &'static Protocol;

    /// The member of a request's body that names the command.
    fn command_member(&self) -> &'static str;

    /// The command shown to beginners.
    fn first_command(&self) -> &'static str;

    /// Its commands, by name.
    fn commands(&self) -> &'static Commands;

    /// How long it waits for an answer.
    fn patience(&self) -> Patience;

    /// The settings keys that only its `[[platform]]` tables have.
    fn keys(&self) -> &'static [&'static str];

    /// Reads those keys and creates the dialect of one platform.
    fn configure(&self, keys: &mut dyn Keys) -> Box<dyn Dialect>;

    /// How its callbacks can be told from a stranger's, as advice for an operator: one or two sentences.
    fn how_to_authenticate(&self) -> &'static str;

    /// The requests expected by a platform at this path, for operators whose callbacks do not arrive.
    fn url_shape(&self, path: &str) -> String;

    /// Why it would not accept this change, apart from what the catalogue says about all values; `None` if it would.
    /// `json` is of the change's type.
    fn why_not(&self, command: &Command, change: &Change, json: &str) -> Option<&'static str> {
        let _ = (command, change, json);
        None
    }

    /// The name of the file in which this chat server is told about webhooks, if it has one that an operator can read.
    fn configuration_file(&self) -> Option<&'static str> {
        None
    }

    /// Says which callbacks arrive with this configuration, which never do, and why.
    fn examine(&self, configuration: &Configuration<'_>, plan: &Plan) -> Examination {
        let _ = (configuration, plan);
        Examination::default()
    }

    /// The members of an answer with this HTTP status that refuses what belongs to no platform.
    fn refusal(&self, status: StatusCode, text: &str) -> Map<String, Value>;

    /// How the real server reads an answer with this HTTP status to a request.
    fn explain(&self, command: &Command, request: &str, status: u16, answer: &[u8]) -> Explanation;
}

/// How long a chat server waits for an answer, round trip included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long it waits by default.
    pub waits: Duration,
    /// The default of `answer_within_ms`.
    pub default: Duration,
    /// The longest `answer_within_ms` that makes sense.
    pub longest: Duration,
}

/// The protocol of one configured platform.
pub trait Dialect: Send + Sync + std::fmt::Debug {
    /// Checks the head of a request: path, method, content type and the caller's authentication.
    ///
    /// # Errors
    /// What the caller did wrong.
    fn check(&self, head: &Head) -> Result<(), Refusal>;

    /// Checks whether requests that the chat server sends to this URL authenticate their caller, as far as the URL
    /// says.
    ///
    /// # Errors
    /// What is missing or wrong in it.
    fn check_url(&self, url: &str) -> Result<(), Refusal> {
        let _ = url;
        Ok(())
    }

    /// Identifies a request from its head and the members of its body.
    ///
    /// # Errors
    /// If it names no command, or several.
    fn identify(&self, head: &Head, body: &Object<'_>) -> Result<Identity, Refusal>;

    /// Identifies a request from its head, before its body is read; `None` if the head does not name a known command.
    fn identify_head(&self, head: &Head) -> Option<Identity> {
        let _ = head;
        None
    }

    /// Whether an answer with this decision repeats something of the request's body.
    fn answer_needs_body(&self, command: &Command, decision: &Decision) -> bool {
        let _ = (command, decision);
        true
    }

    /// Whether it refuses callers that do not know a secret.
    fn authenticates(&self) -> bool {
        false
    }

    /// Names of the query parameters that authenticate the caller; they are hidden from plugins.
    fn secret_parameters(&self) -> &'static [&'static str] {
        &[]
    }

    /// What to configure at the chat server so that exactly the planned callbacks arrive: a file, or instructions.
    fn connect(&self, plan: &Plan) -> String {
        let names: Vec<&str> = plan.commands.iter().map(|planned| planned.command.name).collect();
        format!("{}\n{}\n", plan.url, names.join("\n"))
    }

    /// Writes a decision in exactly the form that this server understands.
    fn render(&self, callback: &Callback, decision: &Decision) -> Response;

    /// Writes a refusal, in a form that this server does not mistake for an allowance.
    fn refuse(&self, refusal: &Refusal) -> Response;
}

/// The identity of a request.
#[derive(Debug)]
pub struct Identity {
    /// The command's name as the request has it.
    pub name: String,
    /// The command; `None` if no current command has this name.
    pub command: Option<&'static Command>,
    /// The chat server's tracing ID; empty if it sent none.
    pub operation_id: String,
    /// Address of the user's client, if the chat server sends it; empty otherwise.
    pub client_address: String,
}

/// An answer, ready to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status. Decisions have 200.
    pub status: StatusCode,
    /// A JSON object that the chat server can decode.
    pub body: Vec<u8>,
}
