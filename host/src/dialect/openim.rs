//! OpenIM, v3.4.2 and later, as the server's source has it; its documentation differs in many places.
//!
//! The server ignores the HTTP status and decodes the body strictly: one member of a wrong type and the operation
//! fails. It rejects exactly when `actionCode` is 0 and `nextCode` is 1. For two commands it overwrites the operation
//! with whatever the answer holds, so an allowance must repeat the request.

use http::{HeaderMap, StatusCode};
use plugin_sdk::Object;
use plugin_sdk::catalogue::{Command, Kind, Rule};
use plugin_sdk::object::Raw;
use plugin_sdk::openim::PROTOCOL;

use super::{Callback, Dialect, Refusal, Request, Response, check_body, check_head, find_command};
use crate::settings::Platform;
use crate::verdict::{Denial, Verdict, has_kind};

/// OpenIM's dialect.
#[derive(Debug)]
pub(super) struct OpenIm {
    documented_form: bool,
}

impl OpenIm {
    pub(super) fn new(platform: &Platform) -> Self {
        Self { documented_form: platform.documented_form }
    }
}

impl Dialect for OpenIm {
    fn open(&self, request: Request) -> Result<Callback, Refusal> {
        if request.subpath.contains('/') {
            return Err(Refusal::NoSuchPath);
        }
        check_head(&request)?;
        let body = request.body?;
        let (name, operation_id) = {
            let members = check_body(&body)?;
            let in_body = members.read_or_empty::<plugin_sdk::Text<'_>>("callbackCommand").unwrap_or_default();
            let name = name(&request.subpath, &request.query, &in_body)?;
            (name, operation_id(&request.headers, &members))
        };
        let command = find_command(&PROTOCOL, &name).flatten();
        Ok(Callback {
            name: command.map_or(name.into(), |command| command.name.into()),
            command,
            operation_id,
            client_address: String::new(),
            query: request.query.into(),
            body,
            arrived_unix_ms: request.arrived_unix_ms,
        })
    }

    fn render(&self, callback: &Callback, verdict: &Verdict) -> Response {
        let mut answer = Answer::new(self.documented_form);
        match verdict {
            Verdict::Deny(denial) => return answer.deny(denial),
            Verdict::Modify(changes) => {
                for (name, value) in changes.iter() {
                    answer.member(name, value.as_str());
                }
                if let Some(command) = callback.command() {
                    answer.echo(command, callback, |name| changes.get(name).is_some());
                }
            }
            // The others do not exist here: `admit` has turned them into what does.
            Verdict::Allow | Verdict::Drop | Verdict::RefuseSome(_) | Verdict::PerUser(_) | Verdict::Reply(_) => {
                if let Some(command) = callback.command() {
                    answer.echo(command, callback, |_| false);
                }
            }
        }
        answer.allow()
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        let status = refusal.status();
        // 5 and the HTTP status: in the range of apps, and easy to recognise in the chat server's log.
        let code = 5000 + i32::from(status.as_u16());
        let denial = Denial { code, message: refusal.to_string(), detail: String::new() };
        Response { status, ..Answer::new(self.documented_form).deny(&denial) }
    }
}

/// The command: from the path, else from the query, else from the body. A query value that is no command is ignored,
/// as old documentation shows other uses of that parameter.
fn name(subpath: &str, query: &[(String, String)], in_body: &str) -> Result<String, Refusal> {
    let in_query = query
        .iter()
        .find(|(name, value)| name == "command" && find_command(&PROTOCOL, value).is_some())
        .map_or("", |(_, value)| value.as_str());
    let mut found = [subpath, in_query, in_body].into_iter().filter(|name| !name.is_empty());
    let first = found.next().ok_or(Refusal::NoCommand)?;
    if found.all(|name| is_same(first, name)) { Ok(first.to_owned()) } else { Err(Refusal::CommandsDiffer) }
}

/// Two names for one command are no contradiction: documentation often has one in the URL and another in the body.
fn is_same(one: &str, other: &str) -> bool {
    one == other
        || match (find_command(&PROTOCOL, one).flatten(), find_command(&PROTOCOL, other).flatten()) {
            (Some(one), Some(other)) => one.name == other.name,
            _ => false,
        }
}

/// From the header, which every callback has; the body's is missing or empty in many.
fn operation_id(headers: &HeaderMap, body: &Object<'_>) -> String {
    let in_header = headers.get("operationid").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if in_header.is_empty() {
        body.read_or_empty::<plugin_sdk::Text<'_>>("operationID").unwrap_or_default().into_owned()
    } else {
        in_header.to_owned()
    }
}

/// An answer under construction: the five common members, then what is changed or repeated.
struct Answer {
    documented_form: bool,
    members: String,
}

impl Answer {
    fn new(documented_form: bool) -> Self {
        Self { documented_form, members: String::new() }
    }

    /// Adds a member whose value is JSON already.
    fn member(&mut self, name: &str, json: &str) {
        self.members.push_str(",\"");
        self.members.push_str(name);
        self.members.push_str("\":");
        self.members.push_str(json);
    }

    /// Repeats what the server would otherwise overwrite with nothing.
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
        // Nearly all answers: not worth a formatter.
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

/// A value of the request as the server decodes it in an answer: the documentation's wrapper taken off, a number that
/// came as text as a number, and `null` for what has another type still.
pub(crate) fn plain(raw: Raw<'_>, kind: Kind) -> String {
    let json = raw.get();
    if has_kind(json, kind) {
        return json.to_owned();
    }
    if let Ok(wrapper) = Object::parse("wrapper", json) {
        return wrapper.raw("value").map_or_else(|| "null".to_owned(), |value| plain(value, kind));
    }
    // Written anew: what was a number to the reader need not have been one in JSON.
    let number = json.trim_matches('"').parse::<i64>().map(|number| number.to_string());
    number.ok().filter(|number| has_kind(number, kind)).unwrap_or_else(|| "null".to_owned())
}
