//! Tencent Cloud Chat.
//!
//! One URL for everything: application, command and signature stand in the query. What a code means depends on the
//! command; the catalogue has it.

use http::StatusCode;
use std::collections::HashMap;

use plugin_sdk::Object;
use plugin_sdk::catalogue::Command;
use plugin_sdk::object::Raw;
use plugin_sdk::tencent_chat::PROTOCOL;
use plugin_sdk::wire::UserResult;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{
    BATCH_MAX, Callback, Dialect, Refusal, Request, Response, SIGNATURE_SECONDS_MAX, check_body, check_head,
    find_command,
};
use crate::settings::{App, Platform, Secret};
use crate::verdict::{Denial, Verdict};

/// Tencent's dialect.
#[derive(Debug)]
pub(super) struct TencentChat {
    apps: Vec<App>,
}

impl TencentChat {
    pub(super) fn new(platform: &Platform) -> Self {
        Self { apps: platform.apps.clone() }
    }

    fn authenticate(&self, request: &Request) -> Result<(), Refusal> {
        // Tencent's own pages spell it in two ways.
        let app_id = query(request, "SdkAppid").unwrap_or_default();
        let app = self.apps.iter().find(|app| app.id == app_id).ok_or(Refusal::WrongApp)?;
        if app.tokens.is_empty() {
            return Ok(());
        }
        let (Some(sign), Some(time)) = (query(request, "Sign"), query(request, "RequestTime")) else {
            return Err(Refusal::NotSigned);
        };
        if !is_signed(&app.tokens, sign, time) {
            return Err(Refusal::WrongSignature);
        }
        let signed_at: u64 = time.parse().map_err(|_| Refusal::WrongSignature)?;
        if signed_at.abs_diff(request.arrived_unix_ms / 1000) > SIGNATURE_SECONDS_MAX {
            return Err(Refusal::Stale);
        }
        Ok(())
    }
}

impl Dialect for TencentChat {
    fn open(&self, request: Request) -> Result<Callback, Refusal> {
        if !request.subpath.is_empty() {
            return Err(Refusal::NoSuchPath);
        }
        check_head(&request)?;
        self.authenticate(&request)?;
        let in_query = query(&request, "CallbackCommand").unwrap_or_default().to_owned();
        let client_address = query(&request, "ClientIP").unwrap_or_default().to_owned();
        let body = request.body?;
        let name = {
            let members = check_body(&body)?;
            let in_body = members.read_or_empty::<plugin_sdk::Text<'_>>("CallbackCommand").unwrap_or_default();
            let name = name(in_query, &in_body)?;
            let batch = find_command(&PROTOCOL, &name).flatten().and_then(|command| command.batch);
            if batch
                .is_some_and(|list| members.read_or_empty::<Vec<Raw<'_>>>(list).is_ok_and(|all| all.len() > BATCH_MAX))
            {
                return Err(Refusal::BatchTooLong);
            }
            name
        };
        let command = find_command(&PROTOCOL, &name).flatten();
        let is_secret = |name: &str| ["Sign", "RequestTime"].iter().any(|secret| name.eq_ignore_ascii_case(secret));
        let query = request.query.into_iter().filter(|(name, _)| !is_secret(name)).collect();
        Ok(Callback {
            name: command.map_or(name.into(), |command| command.name.into()),
            command,
            operation_id: String::new(),
            client_address,
            query,
            body,
            arrived_unix_ms: request.arrived_unix_ms,
        })
    }

    fn render(&self, callback: &Callback, verdict: &Verdict) -> Response {
        let mut answer = Answer::new();
        let command = callback.command();
        match verdict {
            Verdict::Allow => {
                // This command's answer must have the list, also when nobody is refused.
                if let Some((command, list)) = per_user(command) {
                    answer.results(command, list, callback.body(), |_| None);
                }
            }
            Verdict::Deny(denial) => match per_user(command) {
                // A non-zero ErrorCode would allow here: each user is refused instead.
                Some((command, list)) => answer.results(command, list, callback.body(), |user| {
                    Some(UserResult { user: user.to_owned(), code: denial.code, message: denial.message.clone() })
                }),
                None => answer.deny(denial),
            },
            Verdict::Modify(changes) => {
                for (name, value) in changes.iter() {
                    answer.raw(name, value.as_str());
                }
            }
            Verdict::Drop => answer.code(2, ""),
            Verdict::RefuseSome(users) => {
                for name in command.map_or(&[][..], |command| command.answers.refused) {
                    answer.set(name, json!(users));
                }
            }
            Verdict::PerUser(results) => {
                let by_user: HashMap<&str, &UserResult> =
                    results.iter().rev().map(|result| (result.user.as_str(), result)).collect();
                if let Some((command, list)) = per_user(command) {
                    answer.results(command, list, callback.body(), |user| by_user.get(user).copied().cloned());
                }
            }
            Verdict::Reply(text) => answer.set("RspData", json!(text)),
        }
        if command.is_some_and(|command| command.answers.reply) {
            // Mandatory, also when the text is ignored.
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

/// A query parameter, whatever the case of its name.
fn query<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.query.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The query's command; the body's, where it has one, must be the same. In a batch it stands inside the entries.
fn name(in_query: String, in_body: &str) -> Result<String, Refusal> {
    let command = |name: &str| find_command(&PROTOCOL, name).flatten().map(|command| command.name);
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

/// Whether `sign` is the SHA-256 of one of the tokens followed by `time`. Takes the same time whether and where it
/// differs, and looks at every token.
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

/// Where a command's answer needs one result for each user of a list: the list, and the member with the user's ID.
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

    /// One result for each user of the request's list; `None` allows.
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
            .filter_map(|item| item.read::<plugin_sdk::Text<'_>>(user).ok())
            .map(|user| {
                let result =
                    result(&user).unwrap_or(UserResult { user: String::new(), code: 0, message: String::new() });
                // 0 allows; a refusal must lie in the range of apps, or it would not be one.
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
