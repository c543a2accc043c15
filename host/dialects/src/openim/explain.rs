//! How OpenIM reads an answer: `json.Unmarshal` into the command's struct, then `Parse`, then the call site.

mod fields;
mod go;
mod json;

use std::collections::HashMap;

use callgate_catalogue::catalogue::{Change, Command, Kind, Rule};
use callgate_catalogue::wire::Phase;

use self::fields::{GROUP_UPDATE, GROUP_UPDATE_EX, MEMBERS, PUSH_INFO, field, fields, plain};
use self::go::{Type, Value, WrongType, field_index};
use self::json::Json;
use crate::explain::{Explanation, Outcome, Reader};

const DECODE: &str = "open-im-server pkg/common/webhook/http_client.go:88-90";
const PARSE: &str = "open-im-server pkg/callbackstruct/common.go:67-72";
const CODES: &str = "openimsdk/tools mw/grpc/server/error.go:42-54, mw/grpc/client/error.go";
const AFTER: &str = "open-im-server pkg/common/webhook/http_client.go:69,75";
const CONTENT: &str = "open-im-server internal/rpc/msg/callback.go:160-165";
const GROUP: &str = "open-im-server internal/rpc/group/callback.go:331-334,395-402, group.go:1063-1070,1160-1167";
const GROUP_SHOWN: &str = "open-im-server internal/rpc/group/callback.go:290-337, pkg/callbackstruct/group.go:202";
const MEMBERS_SOURCE: &str = "open-im-server internal/rpc/group/callback.go:130-131";
const USERS: &str = "open-im-server internal/rpc/user/callback.go:101-103";
const COPY: &str = "openimsdk/tools utils/datautil/datautil.go:613-618";

pub(crate) fn explain(command: &Command, request: &str, answer: &[u8]) -> Explanation {
    let mut reader = Reader::new();
    let decoded = match Decoded::read(command, answer, &mut reader) {
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
    goes_on(command, &Request::read(request), &decoded, reader)
}

fn rejected(decoded: &Decoded, mut reader: Reader) -> Explanation {
    let code = decoded.number("errCode");
    let (message, detail) = (decoded.text("errMsg"), decoded.text("errDlt"));
    reader.reason("`actionCode` is 0 and `nextCode` is 1: the operation is rejected", PARSE);
    match code {
        100.. => reader.finish(Outcome::Denied { code: i64::from(code), message, detail }),
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
            reader.broken(format!("code {} (releases: 500) instead of {code}", code.cast_unsigned()))
        }
    }
}

const PANICS: &str = "code 500: the server's handler panics";
const NO_GROUP: &str = "the group is not found: the operation fails";

fn goes_on(command: &Command, request: &Request<'_>, decoded: &Decoded, mut reader: Reader) -> Explanation {
    for change in command.changes {
        if let Some(caller_sees) = apply(command, change, request, decoded, &mut reader) {
            return reader.broken(caller_sees);
        }
    }
    if !reader.explanation.applied.is_empty() {
        reader.reason("members that are there and not null replace the operation's", COPY);
    }
    reader.finish(Outcome::GoesOn)
}

/// What the call site does with one member. `Some` is what the caller sees if it breaks the operation.
fn apply(
    command: &Command,
    change: &Change,
    request: &Request<'_>,
    decoded: &Decoded,
    reader: &mut Reader,
) -> Option<String> {
    let shown = request.shown(change);
    let shown = shown.as_ref();
    let Some(value) = decoded.given(change.name) else {
        return if change.rule == Rule::Copied { left_out(command, change, shown, reader) } else { None };
    };
    match change.rule {
        Rule::Ignored => {
            reader.without_effect(change.name, change.why_not);
            None
        }
        Rule::Crashes => Some(may_crash(command, change, reader)),
        Rule::IfShown if shown.is_none() => {
            let why = format!("the operation has no `{}`, and the server writes through a null pointer", change.name);
            reader.reason(why, command.source);
            Some(PANICS.to_owned())
        }
        Rule::NonEmpty => non_empty(change, shown, value, reader),
        Rule::Copied => copied(command, change, shown, value, reader),
        Rule::NonNull if change.name == MEMBERS => members(request, value, reader),
        Rule::NonNull | Rule::IfShown => non_null(command, change, shown, value, reader),
    }
}

/// A member that the server reads from the answer although it is missing.
fn left_out(command: &Command, change: &Change, shown: Option<&Value>, reader: &mut Reader) -> Option<String> {
    let shown = shown?;
    let name = change.name;
    // A missing plain string is an empty one.
    if shown.as_text() == Some("") && matches!(field(command, change), Type::Text) {
        return None;
    }
    reader.reason(format!("`{name}` is copied from the answer, which has none: it is cleared"), GROUP);
    Some(match name {
        "groupID" => NO_GROUP.to_owned(),
        _ => format!("the operation goes on without `{name}`"),
    })
}

/// The server crashes if the operation has no such member, and the request does not show whether it has.
fn may_crash(command: &Command, change: &Change, reader: &mut Reader) -> String {
    reader.reason(format!("`{}` may crash the server: {}", change.name, change.why_not), command.source);
    format!(
        "maybe code 500: the server's handler panics if the operation has no `{}`, else it applies this",
        change.name
    )
}

fn non_empty(change: &Change, shown: Option<&Value>, value: &Value, reader: &mut Reader) -> Option<String> {
    if value.as_text().map_or(value.elements().is_empty(), str::is_empty) {
        reader.without_effect(change.name, "an empty value keeps what the operation has");
        return None;
    }
    if change.name == "users" && value.elements().iter().any(Value::is_nil) {
        reader.reason("an element of `users` is null, and the server reads it through a pointer", USERS);
        return Some(PANICS.to_owned());
    }
    replaced(change, shown, value, reader);
    None
}

fn copied(
    command: &Command,
    change: &Change,
    shown: Option<&Value>,
    value: &Value,
    reader: &mut Reader,
) -> Option<String> {
    let is_blank = |value: &Value| value.as_text().is_some_and(|text| text.trim().is_empty());
    let is_same = shown.is_some_and(|shown| shown.is_same(value));
    match change.name {
        "groupID" if value.as_text() == Some("") && !is_same => {
            reader.reason("`groupID` is empty in the answer, and copied from there", GROUP);
            Some(NO_GROUP.to_owned())
        }
        // An operation that itself asks for a blank name is dropped whatever the answer says.
        "groupName" if command.name == GROUP_UPDATE_EX && is_blank(value) && !shown.is_some_and(is_blank) => {
            reader.reason("`groupName` is blank: the server drops the whole update and reports success", GROUP);
            Some("success, although nothing of the group is updated".to_owned())
        }
        _ => {
            replaced(change, shown, value, reader);
            None
        }
    }
}

fn non_null(
    command: &Command,
    change: &Change,
    shown: Option<&Value>,
    value: &Value,
    reader: &mut Reader,
) -> Option<String> {
    if change.kind == Kind::JsonText && !value.as_text().is_some_and(is_content) {
        reader.reason("`content` must be a text that holds a JSON object", CONTENT);
        return Some("code 1001, ArgsError: the message is not sent".to_owned());
    }
    // The older group update shows 0 and "" even for members that the operation does not touch.
    let is_zero = value.as_number() == Some(0) || value.as_text() == Some("");
    if command.name == GROUP_UPDATE && is_zero && shown.is_some_and(|shown| shown.is_same(value)) {
        let name = change.name;
        reader.reason(
            format!("the request shows `{name}` as empty also where the operation leaves it alone: this sets it"),
            GROUP_SHOWN,
        );
        let json = value.written().to_string();
        reader.applied(name, None, &json);
        return None;
    }
    replaced(change, shown, value, reader);
    None
}

/// A value replaces the operation's; an equal one changes nothing.
fn replaced(change: &Change, shown: Option<&Value>, value: &Value, reader: &mut Reader) {
    if !shown.is_some_and(|shown| shown.is_same(value)) {
        let from = shown.map(|shown| shown.written().to_string());
        reader.applied(change.name, from.as_deref(), &value.written().to_string());
    }
}

/// The call site decodes the string into a struct without members: any object or null will do.
fn is_content(text: &str) -> bool {
    Json::scan(text.as_bytes()).is_ok_and(|json| json.is_null() || json.is_object())
}

/// Changes to joining members: each element applies to the member with its ID, and changes what is not null. Several
/// elements for one member add up.
fn members(request: &Request<'_>, list: &Value, reader: &mut Reader) -> Option<String> {
    let joining = request.joining();
    let mut changed: Vec<(&str, serde_json::Map<String, serde_json::Value>)> = Vec::new();
    for element in list.elements() {
        let members = element.members().unwrap_or_default();
        let Some(user) = members.iter().find(|(name, _)| *name == "userID").and_then(|(_, id)| id.as_text()) else {
            reader.reason("each element needs a `userID`: the server reads it through a pointer", MEMBERS_SOURCE);
            return Some(PANICS.to_owned());
        };
        if !joining.contains_key(user) {
            reader.without_effect(MEMBERS, format!("{user} is not among those who join: the element is skipped"));
            continue;
        }
        if !changed.iter().any(|(known, _)| *known == user) {
            changed.push((user, [("userID".to_owned(), user.into())].into_iter().collect()));
        }
        let changes = members.iter().filter(|(name, value)| *name != "userID" && !value.is_nil());
        for (_, set) in changed.iter_mut().filter(|(known, _)| *known == user) {
            set.extend(changes.clone().map(|(name, value)| ((*name).to_owned(), value.written())));
        }
    }
    if list.elements().is_empty() {
        reader.without_effect(MEMBERS, "an empty list changes no member");
    }
    let mut applied = Vec::new();
    for (user, mut set) in changed {
        // The one member that the request shows of those who join.
        let shown = joining.get(user).map(String::as_str);
        set.retain(|name, new| name != "ex" || new.as_str() != shown);
        match set.len() {
            1 => reader.without_effect(MEMBERS, format!("the element of {user} changes nothing")),
            _ => applied.push(serde_json::Value::Object(set)),
        }
    }
    if !applied.is_empty() {
        reader.applied(MEMBERS, None, &serde_json::Value::Array(applied).to_string());
    }
    None
}

/// The operation, as far as the request shows it.
struct Request<'j> {
    members: Vec<(String, Json<'j>)>,
}

impl<'j> Request<'j> {
    fn read(text: &'j str) -> Self {
        Self { members: Json::scan(text.as_bytes()).ok().and_then(Json::members).unwrap_or_default() }
    }

    fn member(&self, name: &str) -> Option<Json<'j>> {
        self.members.iter().rev().find(|(known, _)| known == name).map(|(_, json)| *json)
    }

    /// The value that a change replaces; `None` where the request shows none.
    fn shown(&self, change: &Change) -> Option<Value> {
        match change.shown_as {
            Some(shown_as) => documented(self.member(shown_as)?, &plain(change.kind)),
            None if change.name == PUSH_INFO => self.embedded(&plain(change.kind)),
            None => None,
        }
    }

    /// A struct that is embedded in the request: its members are the request's own, and absent if it is nil.
    fn embedded(&self, of: &Type) -> Option<Value> {
        let Type::Struct(fields) = of else { return None };
        let mut value = of.zero();
        let Value::Struct(members) = &mut value else { return None };
        let mut is_there = false;
        for ((name, of), (_, member)) in fields.iter().zip(members) {
            if let Some(json) = self.member(name) {
                is_there |= of.store(member, json).is_ok();
            }
        }
        is_there.then_some(value)
    }

    /// The members who join: the app's own data by user ID. Of two with the same ID, the server changes the second.
    fn joining(&self) -> HashMap<String, String> {
        let list = Type::list(Type::Struct(vec![("userID", Type::Text), ("ex", Type::Text)]));
        let members = self.member("memberList").and_then(|json| list.read(json).ok());
        let text = |member: &Value, name: &str| {
            let value = member.members()?.iter().find(|(known, _)| *known == name)?;
            value.1.as_text().map(str::to_owned)
        };
        let members = members.iter().flat_map(Value::elements);
        members.filter_map(|member| Some((text(member, "userID")?, text(member, "ex")?))).collect()
    }
}

/// A value of the request. The server writes plain values; its documentation also shows them inside an object, and
/// numbers as strings.
fn documented(json: Json<'_>, of: &Type) -> Option<Value> {
    if json.is_null() {
        return None;
    }
    if let Ok(value) = of.read(json) {
        return Some(value);
    }
    if json.is_object() {
        let inner = json.members()?.into_iter().rev().find(|(name, _)| name == "value")?.1;
        return documented(inner, of);
    }
    let text = json.text()?;
    let number = Json::scan(text.as_bytes()).ok()?;
    matches!(of, Type::Int(_) | Type::Uint(_)).then(|| of.read(number).ok()).flatten()
}

/// An answer after `json.Unmarshal`.
struct Decoded {
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    of: Type,
    value: Value,
    /// Whether the answer has a value for it, other than null.
    is_given: bool,
}

impl Decoded {
    fn read(command: &Command, answer: &[u8], reader: &mut Reader) -> Result<Self, String> {
        if answer.is_empty() {
            return Err("the body is empty, which is no JSON".to_owned());
        }
        let field = |(name, of): (&'static str, Type)| Field { name, value: of.zero(), of, is_given: false };
        let mut decoded = Self { fields: fields(command).into_iter().map(field).collect() };
        let json = Json::scan(answer).map_err(|refused| format!("the body does not decode: {refused}"))?;
        if json.is_null() {
            return Ok(decoded);
        }
        for (name, json) in json.members().ok_or("the body is no JSON object")? {
            let index = field_index(decoded.fields.iter().map(|field| field.name), &name);
            let Some(field) = index.and_then(|index| decoded.fields.get_mut(index)) else {
                reader.without_effect(&name, "the server does not know it");
                continue;
            };
            field.of.store(&mut field.value, json).map_err(|WrongType| {
                format!("`{name}` is not {}: one such member fails the whole answer", field.of.describe())
            })?;
            field.is_given |= !json.is_null();
        }
        Ok(decoded)
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    /// The answer's value for a change; `None` if it has none, or null.
    fn given(&self, name: &str) -> Option<&Value> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        (field.is_given && !field.value.is_nil()).then_some(&field.value)
    }

    fn number(&self, name: &str) -> i32 {
        let number = self.field(name).and_then(Value::as_number).unwrap_or_default();
        i32::try_from(number).unwrap_or_default()
    }

    fn text(&self, name: &str) -> String {
        self.field(name).and_then(Value::as_text).unwrap_or_default().to_owned()
    }
}
