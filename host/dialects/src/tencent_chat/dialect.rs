//! Tencent Cloud Chat.
//!
//! One URL for everything: application, command and signature are in the query. The meaning of a code depends on the
//! command; see the catalogue.

use std::collections::HashMap;

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::object::Raw;
use callgate_catalogue::wire::UserResult;
use callgate_catalogue::{Object, Text};
use http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::console::{self, Application};
use super::names::COMMANDS;
use crate::callback::Callback;
use crate::connection::Plan;
use crate::decision::{Decision, Denial};
use crate::dialect::{Dialect, Identity, Response};
use crate::head::Head;
use crate::keys::{Keys, Secret};
use crate::refusal::{Refusal, SIGNATURE_SECONDS_MAX};

/// One platform that Tencent Cloud Chat calls.
#[derive(Debug)]
pub(super) struct Platform {
    apps: Vec<App>,
}

/// One application of Tencent Cloud Chat.
#[derive(Debug)]
struct App {
    /// Its `SdkAppid`.
    id: String,
    /// Tokens that sign its callbacks: the current one and, during rotation, the other. Empty: not signed.
    tokens: Vec<Secret>,
}

impl Platform {
    pub(super) fn new(keys: &mut dyn Keys) -> Self {
        if !keys.has("app") {
            keys.mistake("app", "is missing: add [[platform.app]] with the `id` of your application (its SdkAppid)");
        }
        let mut apps: Vec<App> = Vec::new();
        keys.tables("app", &mut |table| {
            let id = table.number("id", 1, u64::from(u32::MAX)).map(|id| id.to_string());
            let tokens = table.secrets("tokens");
            match id {
                Some(id) if apps.iter().any(|app| app.id == id) => {
                    table.mistake("id", "another [[platform.app]] has this id: put both tokens into one `tokens` list");
                }
                Some(id) => apps.push(App { id, tokens }),
                None if table.has("id") => {}
                None => table.mistake("id", "is needed: the number that Tencent's console shows as SDKAppID"),
            }
        });
        Self { apps }
    }

    fn authenticate(&self, head: &Head) -> Result<(), Refusal> {
        // Tencent's documentation spells it in two ways.
        let app_id = head.query_once("SdkAppid")?.unwrap_or_default();
        let (sign, time) = (head.query_once("Sign")?, head.query_once("RequestTime")?);
        let app = self.apps.iter().find(|app| app.id == app_id).ok_or(Refusal::WrongApp)?;
        if app.tokens.is_empty() {
            return Ok(());
        }
        let (Some(sign), Some(time)) = (sign, time) else {
            return Err(Refusal::NotSigned);
        };
        if !is_signed(&app.tokens, sign, time) {
            return Err(Refusal::WrongSignature);
        }
        let signed_at: u64 = time.parse().map_err(|_| Refusal::WrongSignature)?;
        if signed_at.abs_diff(head.arrived_unix_ms / 1000) > SIGNATURE_SECONDS_MAX {
            return Err(Refusal::Stale);
        }
        Ok(())
    }
}

impl Dialect for Platform {
    fn check(&self, head: &Head) -> Result<(), Refusal> {
        if !head.subpath.is_empty() {
            return Err(Refusal::NoSuchPath);
        }
        head.check_json_post()?;
        self.authenticate(head)
    }

    fn identify(&self, head: &Head, body: &Object<'_>) -> Result<Identity, Refusal> {
        let in_body = body.read_or_empty::<Text<'_>>("CallbackCommand").unwrap_or_default();
        let name = name(head.query("CallbackCommand").unwrap_or_default().to_owned(), &in_body)?;
        Ok(Identity {
            command: COMMANDS.find(&name),
            name,
            // The only ID that both sides know, where there is one.
            operation_id: body.read_or_empty::<Text<'_>>("MsgKey").unwrap_or_default().into_owned(),
            client_address: head.query("ClientIP").unwrap_or_default().to_owned(),
        })
    }

    fn identify_head(&self, head: &Head) -> Option<Identity> {
        let name = head.query("CallbackCommand")?;
        Some(Identity {
            command: Some(COMMANDS.find(name)?),
            name: name.to_owned(),
            operation_id: String::new(),
            client_address: head.query("ClientIP").unwrap_or_default().to_owned(),
        })
    }

    fn answer_needs_body(&self, command: &Command, _: &Decision) -> bool {
        // One result for each user, by name.
        command.answers.per_user.is_some()
    }

    fn authenticates(&self) -> bool {
        self.apps.iter().all(|app| !app.tokens.is_empty())
    }

    fn secret_parameters(&self) -> &'static [&'static str] {
        &["Sign", "RequestTime"]
    }

    fn connect(&self, plan: &Plan) -> String {
        let applications = self.apps.iter().map(|app| Application { id: &app.id, has_token: !app.tokens.is_empty() });
        console::write(plan, &applications.collect::<Vec<_>>())
    }

    fn render(&self, callback: &Callback, decision: &Decision) -> Response {
        let mut answer = Answer::new();
        let command = callback.command();
        match decision {
            Decision::Allow => {
                // This command's answer must have the list, even if no user is refused.
                if let Some((command, list)) = per_user(command) {
                    answer.results(command, list, callback.body(), |_| None);
                }
            }
            Decision::Deny(denial) => match per_user(command) {
                // A non-zero ErrorCode would allow here, so each user is refused instead.
                Some((command, list)) => answer.results(command, list, callback.body(), |user| {
                    Some(UserResult { user: user.to_owned(), code: denial.code, message: denial.message.clone() })
                }),
                None => answer.deny(denial),
            },
            Decision::Modify(changes) => {
                for (name, value) in changes.iter() {
                    answer.raw(name, value.as_str());
                }
            }
            Decision::Drop => answer.code(2, ""),
            Decision::RefuseSome(users) => {
                for name in command.map_or(&[][..], |command| command.answers.refused) {
                    answer.set(name, json!(users));
                }
            }
            Decision::PerUser(results) => {
                let by_user: HashMap<&str, &UserResult> =
                    results.iter().rev().map(|result| (result.user.as_str(), result)).collect();
                if let Some((command, list)) = per_user(command) {
                    answer.results(command, list, callback.body(), |user| by_user.get(user).copied().cloned());
                }
            }
            Decision::Reply(text) => answer.set("RspData", json!(text)),
        }
        if command.is_some_and(|command| command.answers.reply) {
            // Mandatory, even if the text is ignored.
            answer.members.entry("RspData").or_insert_with(|| json!(""));
        }
        answer.finish(StatusCode::OK)
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        let mut answer = Answer::new();
        answer.set("ActionStatus", json!("FAIL"));
        answer.code(1, &refusal.to_string());
        answer.finish(refusal.status())
    }
}

/// The query's command; the body's, if it has one, must be the same. In a batch it is inside the entries.
fn name(in_query: String, in_body: &str) -> Result<String, Refusal> {
    let command = |name: &str| COMMANDS.find(name).map(|command| command.name);
    match (in_query.is_empty(), in_body.is_empty()) {
        (true, true) => Err(Refusal::NoCommand),
        (true, false) => Ok(in_body.to_owned()),
        (false, true) => Ok(in_query),
        (false, false) if in_query == in_body => Ok(in_query),
        (false, false) => match (command(&in_query), command(in_body)) {
            (Some(one), Some(other)) if one == other => Ok(in_query),
            _ => Err(Refusal::CommandsDiffer),
        },
    }
}

/// Whether `sign` is the SHA-256 of one of the tokens followed by `time`. Compares in constant time, and checks every
/// token.
fn is_signed(tokens: &[Secret], sign: &str, time: &str) -> bool {
    let sign = sign.to_ascii_lowercase();
    let mut any = Choice::from(0);
    for token in tokens {
        let digest = Sha256::new().chain_update(token.reveal()).chain_update(time).finalize();
        let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        any |= expected.as_bytes().ct_eq(sign.as_bytes());
    }
    any.into()
}

/// For a command whose answer needs one result for each user in a list: the list, and the member with the user's ID.
fn per_user(command: Option<&'static Command>) -> Option<(&'static Command, (&'static str, &'static str))> {
    let command = command?;
    command.answers.per_user.map(|list| (command, list))
}

/// An answer under construction. `OK` also for denials: `FAIL` means that the app itself failed.
struct Answer {
    members: Map<String, Value>,
    changes: String,
}

impl Answer {
    fn new() -> Self {
        let mut members = Map::new();
        members.insert("ActionStatus".to_owned(), json!("OK"));
        members.insert("ErrorCode".to_owned(), json!(0));
        members.insert("ErrorInfo".to_owned(), json!(""));
        Self { members, changes: String::new() }
    }

    fn set(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    fn code(&mut self, code: i32, info: &str) {
        self.set("ErrorCode", json!(code));
        self.set("ErrorInfo", json!(info));
    }

    fn deny(&mut self, denial: &Denial) {
        self.code(denial.code, &denial.message);
    }

    /// Adds a member whose value is JSON already.
    fn raw(&mut self, name: &str, json: &str) {
        self.changes.push_str(",\"");
        self.changes.push_str(name);
        self.changes.push_str("\":");
        self.changes.push_str(json);
    }

    /// One result for each user in the request's list; `None` allows.
    fn results(
        &mut self,
        command: &Command,
        (list, user): (&'static str, &'static str),
        body: &str,
        result: impl Fn(&str) -> Option<UserResult>,
    ) {
        let users = Object::parse(command.name, body)
            .and_then(|body| body.read_or_empty::<Vec<Raw<'_>>>(list))
            .unwrap_or_default();
        // One odd element must not hide the others.
        let items: Vec<Value> = users
            .iter()
            .filter_map(|item| Object::parse(list, item.get()).ok())
            .filter_map(|item| item.read::<Text<'_>>(user).ok())
            .map(|user| {
                let result =
                    result(&user).unwrap_or(UserResult { user: String::new(), code: 0, message: String::new() });
                // 0 allows; a refusal's code must be in the range for apps, or it would not be read as a refusal.
                let code = match (result.code, command.answers.deny) {
                    (0, _) | (_, None) => 0,
                    (code, Some(codes)) => codes.admit(Some(code)),
                };
                json!({ "To_Account": user, "ResultCode": code, "ResultInfo": result.message })
            })
            .collect();
        self.set("ResultItem", Value::Array(items));
    }

    fn finish(self, status: StatusCode) -> Response {
        let mut json = Value::Object(self.members).to_string();
        if !self.changes.is_empty() {
            json.pop();
            json.push_str(&self.changes);
            json.push('}');
        }
        Response { status, body: json.into_bytes() }
    }
}
