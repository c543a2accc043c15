//! How OpenIM reads an answer: `json.Unmarshal` into the command's struct, then `Parse`, then the call site.

use std::borrow::Cow;

use callgate_catalogue::Object;
use callgate_catalogue::catalogue::{Change, Command, Kind, Rule};
use callgate_catalogue::object::Raw;
use callgate_catalogue::wire::Phase;

use crate::explain::types::{describe, has_kind, is_empty};
use crate::explain::{Explanation, Outcome, Reader};

const DECODE: &str = "open-im-server pkg/common/webhook/http_client.go:88-90";
const PARSE: &str = "open-im-server pkg/callbackstruct/common.go:67-72";
const CODES: &str = "openimsdk/tools mw/grpc/server/error.go:42-54, mw/grpc/client/error.go";
const AFTER: &str = "open-im-server pkg/common/webhook/http_client.go:69,75";
const CONTENT: &str = "open-im-server internal/rpc/msg/callback.go:160-165";
const GROUP: &str = "open-im-server internal/rpc/group/callback.go:331-334,395-402, group.go:1063-1070,1160-1167";
const MEMBERS: &str = "open-im-server internal/rpc/group/callback.go:130-131";
const COPY: &str = "openimsdk/tools utils/datautil/datautil.go:613-618";

/// The members that every answer has.
const COMMON: [(&str, Kind); 5] = [
    ("actionCode", Kind::Int32),
    ("errCode", Kind::Int32),
    ("errMsg", Kind::Text),
    ("errDlt", Kind::Text),
    ("nextCode", Kind::Int32),
];

pub(crate) fn explain(command: &Command, request: &str, answer: &[u8]) -> Explanation {
    let mut reader = Reader::new();
    let text = String::from_utf8_lossy(answer);
    let decoded = match Decoded::read(command, &text, &mut reader) {
        Ok(decoded) => decoded,
        Err(why) => {
            reader.reason(why, DECODE);
            return match command.phase {
                // The server logs a failure instead of a success; the operation is done.
                Phase::After => reader.finish(Outcome::AlreadyDone),
                Phase::Before => reader.broken("code 90007, DataError: the operation is rejected"),
            };
        }
    };
    if command.phase == Phase::After {
        reader.reason("the operation is done; the result of the answer is thrown away", AFTER);
        return reader.finish(Outcome::AlreadyDone);
    }
    if decoded.number("actionCode") == 0 && decoded.number("nextCode") == 1 {
        return rejected(&decoded, reader);
    }
    if decoded.number("actionCode") != 0 {
        reader.reason("`actionCode` is not 0: the receiver failed, and the operation goes on", PARSE);
    } else if decoded.number("nextCode") != 0 {
        reader.reason("only a `nextCode` of exactly 1 rejects", PARSE);
    } else if decoded.number("errCode") != 0 {
        reader.reason("`errCode` counts in a rejection only", PARSE);
    } else {
        reader.reason("`actionCode` is 0 and `nextCode` is not 1: the operation goes on", PARSE);
    }
    goes_on(command, request, &decoded, reader)
}

fn rejected(decoded: &Decoded<'_>, mut reader: Reader) -> Explanation {
    let code = decoded.number("errCode");
    let (message, detail) = (decoded.text("errMsg"), decoded.text("errDlt"));
    reader.reason("`actionCode` is 0 and `nextCode` is 1: the operation is rejected", PARSE);
    match code {
        100.. => reader.finish(Outcome::Denied { code, message, detail }),
        1..100 => {
            reader.reason("codes below 100 are taken for gRPC's own: the caller is told 500", CODES);
            reader.broken(format!("code 500 instead of {code}"))
        }
        0 => {
            reader.reason("a gRPC status of 0 is success: nothing is done, and the caller is told that it was", CODES);
            reader.broken("success with an empty result (releases: code 500)")
        }
        _ => {
            reader.reason("a negative code is taken as an unsigned number", CODES);
            reader.broken(format!("code {} (releases: 500) instead of {code}", code as u32))
        }
    }
}

fn goes_on(command: &Command, request: &str, decoded: &Decoded<'_>, mut reader: Reader) -> Explanation {
    let request = Object::parse(command.name, request).ok();
    let shown = |change: &Change| {
        let value = plain(request.as_ref()?.raw(change.shown_as?)?, change.kind);
        (value != "null").then_some(value)
    };
    for change in command.changes {
        let value = decoded.member(change.name).filter(|json| *json != "null");
        match (change.rule, value) {
            (Rule::Copied, None) => {
                if command.echo.contains(&change.name) && shown(change).is_some() {
                    reader.reason(
                        format!("`{}` is copied from the answer, which has none: it is cleared", change.name),
                        GROUP,
                    );
                    if change.name == "groupID" {
                        return reader.broken("the group is not found: the operation fails");
                    }
                    return reader.broken(format!("the operation goes on without `{}`", change.name));
                }
            }
            (_, None) => {}
            (Rule::Crashes, Some(_)) => {
                reader.reason(change.why_not, source(command));
                return reader.broken("code 500: the server's handler panics");
            }
            (Rule::Ignored, Some(_)) => reader.without_effect(change.name, change.why_not),
            (Rule::IfShown, Some(_)) if shown(change).is_none() => {
                reader.reason(
                    format!("the operation has no `{}`, and the server writes through a null pointer", change.name),
                    source(command),
                );
                return reader.broken("code 500: the server's handler panics");
            }
            (Rule::NonEmpty, Some(json)) if is_empty(json) => {
                reader.without_effect(change.name, "an empty value keeps what the operation has");
            }
            (_, Some(json)) if change.kind == Kind::JsonText && !has_kind(json, Kind::JsonText) => {
                reader.reason("`content` must be a text that holds a JSON object", CONTENT);
                return reader.broken("code 1001, ArgsError: the message is not sent");
            }
            (_, Some(json)) if change.name == "memberCallbackList" && !all_have_user_id(json) => {
                reader.reason("each element needs a `userID`: the server reads it through a pointer", MEMBERS);
                return reader.broken("code 500: the server's handler panics");
            }
            (_, Some(json)) => {
                let from = shown(change);
                // The echo of an unchanged value is no change.
                if from.as_deref() != Some(json) {
                    reader.applied(change.name, from.as_deref(), json);
                }
            }
        }
    }
    if !reader.explanation.applied.is_empty() {
        reader.reason("members that are there and not null replace the operation's", COPY);
    }
    reader.finish(Outcome::GoesOn)
}

fn source(command: &Command) -> &'static str {
    command.source
}

fn all_have_user_id(json: &str) -> bool {
    serde_json::from_str::<Vec<serde_json::Value>>(json)
        .is_ok_and(|list| list.iter().all(|element| element.get("userID").is_some_and(serde_json::Value::is_string)))
}

/// An answer after `json.Unmarshal`: names are matched without regard to case, the last of several counts, and null
/// leaves a member as it was.
struct Decoded<'j> {
    members: Vec<(&'static str, Cow<'j, str>)>,
}

impl<'j> Decoded<'j> {
    fn read(command: &Command, text: &'j str, reader: &mut Reader) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the body is empty, which is no JSON".to_owned());
        }
        let raw: &serde_json::value::RawValue =
            serde_json::from_str(text).map_err(|error| format!("the body does not decode: {error}"))?;
        if raw.get() == "null" {
            return Ok(Self { members: Vec::new() });
        }
        let object = Object::parse("the answer", raw.get()).map_err(|_| "the body is no JSON object".to_owned())?;
        let mut members: Vec<(&'static str, Cow<'j, str>)> = Vec::new();
        for (name, value) in object.members() {
            let Some((known, kind)) = member(command, name) else {
                reader.without_effect(name, "the server does not know it");
                continue;
            };
            if value.get() == "null" {
                continue;
            }
            if !decodes(value.get(), kind) {
                return Err(format!("`{name}` is not {}: one such member fails the whole answer", describe(kind)));
            }
            members.retain(|(other, _)| *other != known);
            members.push((known, Cow::Owned(value.get().to_owned())));
        }
        Ok(Self { members })
    }

    fn member(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    fn number(&self, name: &str) -> i64 {
        self.member(name).and_then(|json| json.parse().ok()).unwrap_or(0)
    }

    fn text(&self, name: &str) -> String {
        self.member(name).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}

/// The member that a name stands for: the very same, else the same but for case.
fn member(command: &Command, name: &str) -> Option<(&'static str, Kind)> {
    let all = || COMMON.into_iter().chain(command.changes.iter().map(|change| (change.name, change.kind)));
    all().find(|(known, _)| *known == name).or_else(|| all().find(|(known, _)| known.eq_ignore_ascii_case(name)))
}

/// Whether Go decodes a value into a type: null is taken for any, members of objects are matched without regard to
/// case, and missing ones stay as they were.
fn decodes(json: &str, kind: Kind) -> bool {
    if json == "null" {
        return true;
    }
    match kind {
        // Only the call site looks into the text.
        Kind::JsonText => has_kind(json, Kind::Text),
        Kind::Optional(kind) => decodes(json, *kind),
        Kind::List(kind) => serde_json::from_str::<Vec<&serde_json::value::RawValue>>(json)
            .is_ok_and(|elements| elements.iter().all(|element| decodes(element.get(), *kind))),
        Kind::Map(kind) => Object::parse("map", json)
            .is_ok_and(|object| object.members().all(|(_, value)| decodes(value.get(), *kind))),
        Kind::Object(members) | Kind::Open(members) => Object::parse("object", json).is_ok_and(|object| {
            object.members().all(|(name, value)| {
                members
                    .iter()
                    .find(|member| member.name.eq_ignore_ascii_case(name))
                    .is_none_or(|member| decodes(value.get(), member.kind))
            })
        }),
        kind => has_kind(json, kind),
    }
}

/// A value of the request as the server decodes it: the documentation's wrapper taken off, a number that came as text
/// as a number, and `null` for what has another type still.
fn plain(raw: Raw<'_>, kind: Kind) -> String {
    let json = raw.get();
    if has_kind(json, kind) {
        return json.to_owned();
    }
    if let Ok(wrapper) = Object::parse("wrapper", json) {
        return wrapper.raw("value").map_or_else(|| "null".to_owned(), |value| plain(value, kind));
    }
    let number = json.trim_matches('"').parse::<i64>().map(|number| number.to_string());
    number.ok().filter(|number| has_kind(number, kind)).unwrap_or_else(|| "null".to_owned())
}
