//! How Tencent Cloud Chat reads an answer: status 200, a JSON object, then `ErrorCode` by the command's own table.

use std::collections::HashMap;

use callgate_catalogue::catalogue::{Answers, Command, Kind};
use callgate_catalogue::wire::Phase;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::explain::{Explanation, Outcome, Reader};

const OVERVIEW: &str = "www.tencentcloud.com/document/product/1047/34354";

pub(crate) fn explain(command: &Command, request: &str, status: u16, answer: &[u8]) -> Explanation {
    let mut reader = Reader::new();
    let page = command.source;
    let text = answer;
    let answer = match read(status, answer) {
        Ok(answer) => answer,
        Err(why) => {
            reader.reason(why, OVERVIEW);
            return match command.phase {
                Phase::After => reader.finish(Outcome::AlreadyDone),
                Phase::Before => reader.broken("the callback counts as failed: the console's setting for that decides"),
            };
        }
    };
    if command.phase == Phase::After {
        reader.reason("the operation is done; the answer has no effect on it", page);
        return reader.finish(Outcome::AlreadyDone);
    }
    let Some(code) = answer.get("ErrorCode").and_then(Value::as_i64) else {
        reader.reason("`ErrorCode` is mandatory, a whole number", OVERVIEW);
        return reader.broken("the callback counts as failed: the console's setting for that decides");
    };
    let info = answer.get("ErrorInfo").and_then(Value::as_str);
    if info.is_none() {
        reader.reason("`ErrorInfo` is mandatory, a text", OVERVIEW);
        return reader.broken("the callback counts as failed: the console's setting for that decides");
    }
    if answer.get("ActionStatus").and_then(Value::as_str) != Some("OK") {
        reader.reason("`ActionStatus` is not OK: the app itself failed", OVERVIEW);
        return reader.broken("the callback counts as failed: the console's setting for that decides");
    }
    let message = info.unwrap_or_default().to_owned();
    if command.answers.per_user.is_some() {
        return per_user(command, request, &answer, code, reader);
    }
    if code != 0 {
        return stopped(command, code, message, reader);
    }
    if command.answers.reply {
        return reply(command, &answer, reader);
    }
    reader.reason("`ErrorCode` is 0: the operation goes on", page);
    changed(command, request, &answer, text, reader)
}

fn read(status: u16, answer: &[u8]) -> Result<serde_json::Map<String, Value>, String> {
    if status != 200 {
        return Err(format!("the status is {status}: only 200 counts as an answer"));
    }
    match serde_json::from_slice(answer) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("the body is no JSON object".to_owned()),
        Err(error) => Err(format!("the body is no JSON: {error}")),
    }
}

fn stopped(command: &Command, code: i64, message: String, mut reader: Reader) -> Explanation {
    let page = command.source;
    let Answers { deny, drop, .. } = command.answers;
    let own = deny.is_some_and(|codes| (i64::from(codes.first)..=i64::from(codes.last)).contains(&code));
    match code {
        2 if drop => {
            reader.reason("2 drops the operation silently here", page);
            reader.finish(Outcome::Dropped)
        }
        1 if command.answers.reply => {
            reader.reason("1: the text is ignored", page);
            reader.finish(Outcome::Denied { code, message, detail: String::new() })
        }
        1 => {
            reader.reason("1 denies; the caller is given the platform's own code", page);
            reader.finish(Outcome::Denied { code, message, detail: String::new() })
        }
        _ if own => {
            reader.reason("a code of the app's own denies, and is handed to the client with its text", page);
            reader.finish(Outcome::Denied { code, message, detail: String::new() })
        }
        _ => {
            reader.reason(format!("what {code} means for this command is not documented"), page);
            reader.broken("nobody knows")
        }
    }
}

fn reply(command: &Command, answer: &serde_json::Map<String, Value>, mut reader: Reader) -> Explanation {
    match answer.get("RspData").and_then(Value::as_str) {
        Some(text) => {
            reader.reason("`RspData` is handed to the client", command.source);
            reader.applied("RspData", None, &Value::from(text).to_string());
            reader.finish(Outcome::GoesOn)
        }
        None => {
            reader.reason("`RspData` is mandatory, a text", command.source);
            reader.broken("the client that waits gets no text")
        }
    }
}

fn per_user(
    command: &Command,
    request: &str,
    answer: &serde_json::Map<String, Value>,
    code: i64,
    mut reader: Reader,
) -> Explanation {
    let page = command.source;
    if code != 0 {
        reader.reason("an `ErrorCode` that is not 0 means that the app failed: the request is ALLOWED here", page);
        return reader.broken("success: all users are allowed");
    }
    let Some(items) = answer.get("ResultItem").and_then(Value::as_array) else {
        reader.reason("`ResultItem` is mandatory: one result for each user", page);
        return reader.broken("the callback counts as failed: the request is allowed");
    };
    let (list, user) = command.answers.per_user.unwrap_or_default();
    let request: Value = serde_json::from_str(request).unwrap_or_default();
    let users = request.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let asked: Vec<&str> = users.iter().filter_map(|item| item.get(user)?.as_str()).collect();
    let mut refused = 0;
    for name in &asked {
        let item = items.iter().find(|item| item.get("To_Account").and_then(Value::as_str) == Some(*name));
        let code = item.and_then(|item| item.get("ResultCode")).and_then(Value::as_i64);
        let has_text = item.and_then(|item| item.get("ResultInfo")).is_some_and(Value::is_string);
        match code {
            Some(0) if has_text => {}
            Some(38_000..=39_000) if has_text => {
                refused += 1;
                reader.applied("ResultItem", None, &Value::from(*name).to_string());
            }
            _ => {
                reader.reason(format!("the result for {name} is missing or not 0 or 38000 to 39000"), page);
                return reader.broken("what becomes of this user is not documented");
            }
        }
    }
    reader.reason("`ErrorCode` is 0: each user's `ResultCode` decides", page);
    if refused > 0 && refused == asked.len() {
        let first = items.iter().find(|item| item.get("To_Account").and_then(Value::as_str) == asked.first().copied());
        let code = first.and_then(|item| item.get("ResultCode")).and_then(Value::as_i64).unwrap_or(0);
        let message = first.and_then(|item| item.get("ResultInfo")).and_then(Value::as_str).unwrap_or_default();
        return reader.finish(Outcome::Denied { code, message: message.to_owned(), detail: String::new() });
    }
    reader.finish(Outcome::GoesOn)
}

fn changed(
    command: &Command,
    request: &str,
    answer: &serde_json::Map<String, Value>,
    text: &[u8],
    mut reader: Reader,
) -> Explanation {
    // Values are shown as written: parsing and reformatting a number may change its last digits.
    let texts: HashMap<String, Box<RawValue>> = serde_json::from_slice(text).unwrap_or_default();
    let request: Value = serde_json::from_str(request).unwrap_or_default();
    for (name, value) in answer {
        if ["ActionStatus", "ErrorCode", "ErrorInfo"].contains(&name.as_str()) {
            continue;
        }
        let json = texts.get(name).map_or_else(|| value.to_string(), |text| text.get().to_owned());
        if command.answers.refused.contains(&name.as_str()) {
            if value.as_array().is_none_or(|users| !users.iter().all(Value::is_string)) {
                reader.reason(format!("`{name}` is not a list of user IDs"), command.source);
                return reader.broken("what becomes of it is not documented");
            }
            reader.applied(name, None, &json);
            continue;
        }
        match command.change(name) {
            None => reader.without_effect(name, "this command's answer has no such member"),
            Some(change) if !is_documented(value, change.kind) => {
                reader.reason(format!("`{name}` is not of its type"), command.source);
                return reader.broken("what becomes of it is not documented");
            }
            Some(change) => {
                let from = change.shown_as.and_then(|shown_as| request.get(shown_as));
                // An equal value changes nothing.
                if from != Some(value) {
                    reader.applied(name, from.map(Value::to_string).as_deref(), &json);
                }
            }
        }
    }
    reader.finish(Outcome::GoesOn)
}

/// Whether a value is of the type that the documentation gives.
fn is_documented(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::Any => true,
        Kind::Text | Kind::JsonText => value.is_string(),
        Kind::Int32 => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Kind::Int64 => value.is_i64(),
        Kind::Uint32 => value.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
        Kind::Uint64 => value.is_u64(),
        Kind::Bool => value.is_boolean(),
        Kind::Optional(kind) => value.is_null() || is_documented(value, *kind),
        Kind::List(kind) => {
            value.as_array().is_some_and(|list| list.iter().all(|element| is_documented(element, *kind)))
        }
        Kind::Map(kind) => value.as_object().is_some_and(|map| map.values().all(|value| is_documented(value, *kind))),
        Kind::Object(members) | Kind::Open(members) => value.as_object().is_some_and(|object| {
            members.iter().all(|member| match object.get(member.name) {
                Some(value) => is_documented(value, member.kind),
                None => matches!(member.kind, Kind::Optional(_)),
            })
        }),
    }
}
