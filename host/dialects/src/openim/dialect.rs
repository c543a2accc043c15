//! OpenIM, v3.4.2 and later, according to the server's source; its documentation differs in many places.
//!
//! The server ignores the HTTP status and decodes the body strictly: a single member of the wrong type makes the
//! operation fail. It rejects exactly when `actionCode` is 0 and `nextCode` is 1. For two commands it overwrites the
//! operation with the answer's members, so an allowance must repeat the request.

use callgate_catalogue::catalogue::{Command, Kind, Rule};
use callgate_catalogue::object::Raw;
use callgate_catalogue::{Object, Text};
use http::{HeaderMap, StatusCode};

use super::credentials::Credentials;
use super::names::COMMANDS;
use super::webhooks;
use crate::callback::Callback;
use crate::connection::Plan;
use crate::decision::{Decision, Denial};
use crate::dialect::{Dialect, Identity, Response};
use crate::head::Head;
use crate::keys::Keys;
use crate::kinds::has_kind;
use crate::refusal::Refusal;

/// One platform that OpenIM calls.
#[derive(Debug)]
pub(super) struct Platform {
    documented_form: bool,
    credentials: Credentials,
}

impl Platform {
    pub(super) fn new(keys: &mut dyn Keys) -> Self {
        Self { documented_form: keys.flag("documented_form", false), credentials: Credentials::read(keys) }
    }
}

impl Dialect for Platform {
    fn check(&self, head: &Head) -> Result<(), Refusal> {
        if head.subpath.contains('/') {
            return Err(Refusal::NoSuchPath);
        }
        head.check_json_post()?;
        self.credentials.check(&head.headers)
    }

    fn check_url(&self, url: &str) -> Result<(), Refusal> {
        self.credentials.check_url(url)
    }

    fn authenticates(&self) -> bool {
        self.credentials.are_required()
    }

    fn identify(&self, head: &Head, body: &Object<'_>) -> Result<Identity, Refusal> {
        let in_body = body.read_or_empty::<Text<'_>>("callbackCommand").unwrap_or_default();
        let name = name(&head.subpath, &head.query, &in_body)?;
        Ok(Identity {
            command: COMMANDS.find(&name),
            name,
            operation_id: operation_id(&head.headers, body),
            client_address: String::new(),
        })
    }

    fn identify_head(&self, head: &Head) -> Option<Identity> {
        let name = name(&head.subpath, &head.query, "").ok()?;
        Some(Identity {
            command: Some(COMMANDS.find(&name)?),
            name,
            operation_id: operation_id_in(&head.headers).to_owned(),
            client_address: String::new(),
        })
    }

    fn answer_needs_body(&self, command: &Command, decision: &Decision) -> bool {
        // An answer that does not deny repeats what the server would overwrite.
        !command.echo.is_empty() && !matches!(decision, Decision::Deny(_))
    }

    fn connect(&self, plan: &Plan) -> String {
        webhooks::write(&Plan { url: self.credentials.in_url(&plan.url), ..plan.clone() })
    }

    fn render(&self, callback: &Callback, decision: &Decision) -> Response {
        let mut answer = Answer::new(self.documented_form);
        match decision {
            Decision::Deny(denial) => return answer.deny(denial),
            Decision::Modify(changes) => {
                for (name, value) in changes.iter() {
                    answer.member(name, value.as_str());
                }
                if let Some(command) = callback.command() {
                    answer.echo(command, callback, |name| changes.get(name).is_some());
                }
            }
            // The others do not occur here: `admit` has replaced them with supported ones.
            Decision::Allow | Decision::Drop | Decision::RefuseSome(_) | Decision::PerUser(_) | Decision::Reply(_) => {
                if let Some(command) = callback.command() {
                    answer.echo(command, callback, |_| false);
                }
            }
        }
        answer.allow()
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        let status = refusal.status();
        let denial = Denial { code: refusal_code(status), message: refusal.to_string(), detail: String::new() };
        Response { status, ..Answer::new(self.documented_form).deny(&denial) }
    }
}

/// 5 followed by the HTTP status: in the range for apps, and easy to recognise in the chat server's log.
pub(super) fn refusal_code(status: StatusCode) -> i32 {
    5000 + i32::from(status.as_u16())
}

/// The command: from the path, else from the query, else from the body. A query value that is no command is ignored,
/// as old documentation shows other uses of that parameter.
fn name(subpath: &str, query: &[(String, String)], in_body: &str) -> Result<String, Refusal> {
    let in_query = query
        .iter()
        .find(|(name, value)| name == "command" && COMMANDS.knows(value))
        .map_or("", |(_, value)| value.as_str());
    let mut found = [subpath, in_query, in_body].into_iter().filter(|name| !name.is_empty());
    let first = found.next().ok_or(Refusal::NoCommand)?;
    if found.all(|name| is_same(first, name)) { Ok(first.to_owned()) } else { Err(Refusal::CommandsDiffer) }
}

/// Two names for the same command are not a contradiction: documentation often has one in the URL and another in the
/// body.
fn is_same(one: &str, other: &str) -> bool {
    one == other
        || match (COMMANDS.find(one), COMMANDS.find(other)) {
            (Some(one), Some(other)) => one.name == other.name,
            _ => false,
        }
}

/// From the header, which every callback has; the one in the body is often missing or empty.
fn operation_id(headers: &HeaderMap, body: &Object<'_>) -> String {
    let in_header = operation_id_in(headers);
    if in_header.is_empty() {
        body.read_or_empty::<Text<'_>>("operationID").unwrap_or_default().into_owned()
    } else {
        in_header.to_owned()
    }
}

fn operation_id_in(headers: &HeaderMap) -> &str {
    headers.get("operationid").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// An answer under construction: the five common members, then those changed or repeated.
struct Answer {
    documented_form: bool,
    members: String,
}

impl Answer {
    fn new(documented_form: bool) -> Self {
        Self { documented_form, members: String::new() }
    }

    /// Adds a member whose value is already JSON.
    fn member(&mut self, name: &str, json: &str) {
        self.members.push_str(",\"");
        self.members.push_str(name);
        self.members.push_str("\":");
        self.members.push_str(json);
    }

    /// Repeats members that the server would otherwise overwrite with empty values.
    fn echo(&mut self, command: &Command, callback: &Callback, is_changed: impl Fn(&str) -> bool) {
        if command.echo.is_empty() {
            return;
        }
        let Ok(request) = Object::parse(command.name, callback.body()) else { return };
        for name in command.echo.iter().filter(|name| !is_changed(name)) {
            let kind = command.changes.iter().find(|change| change.name == *name && change.rule == Rule::Copied);
            if let (Some(raw), Some(change)) = (request.raw(name), kind) {
                self.member(name, &plain(raw, change.kind));
            }
        }
    }

    fn allow(self) -> Response {
        // Nearly all answers take this path, without a formatter.
        let common = match self.documented_form {
            false => r#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0"#,
            true => r#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":"0""#,
        };
        Response { status: StatusCode::OK, body: [common, &self.members, "}"].concat().into_bytes() }
    }

    fn deny(self, denial: &Denial) -> Response {
        let Denial { code, message, detail } = denial;
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        let next = if self.documented_form { "\"1\"" } else { "1" };
        let body = format!(
            r#"{{"actionCode":0,"errCode":{code},"errMsg":{},"errDlt":{},"nextCode":{next}}}"#,
            quote(message),
            quote(detail),
        );
        Response { status: StatusCode::OK, body: body.into_bytes() }
    }
}

/// A value of the request, in the form that the server decodes from an answer: without the documentation's wrapper, a
/// number in a string as a number, and `null` for any other wrong type.
fn plain(raw: Raw<'_>, kind: Kind) -> String {
    let json = raw.get();
    if has_kind(json, kind) {
        return json.to_owned();
    }
    if let Ok(wrapper) = Object::parse("wrapper", json) {
        return wrapper.raw("value").map_or_else(|| "null".to_owned(), |value| plain(value, kind));
    }
    // Reformatted, because the reader accepts numbers that are not valid JSON.
    let number = json.trim_matches('"').parse::<i64>().map(|number| number.to_string());
    number.ok().filter(|number| has_kind(number, kind)).unwrap_or_else(|| "null".to_owned())
}
