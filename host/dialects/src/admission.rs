//! Turns a plugin's reply into a decision that the command's answer can carry.

use std::collections::HashMap;

use callgate_catalogue::catalogue::{Change, Command, Kind, Rule};
use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{Phase, Reply, VerdictTag};
use callgate_catalogue::{Changes, Json, Object};
use serde_json::value::RawValue;

use crate::decision::{Decision, Denial};
use crate::dialect::ChatServer;
use crate::kinds::{describe, has_kind, is_empty};
use crate::same::is_same;

/// Why a reply gives no decision. The text is for the log, never for the chat server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inadmissible {
    /// The plugin reported that it cannot decide.
    Undecided {
        /// Its own words.
        reason: String,
    },
    /// It contains a value of the wrong type, so it is unclear what the plugin meant.
    Invalid {
        /// What is wrong with it.
        why: String,
    },
}

/// Something that a plugin asked for but the chat server cannot do; logged and counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Adjustment {
    /// The server would ignore this change, crash on it, or do something else.
    #[error("the change of `{name}` is left out: {why}")]
    ChangeLeftOut {
        /// The answer's member, truncated to a reasonable length.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// The server would misread the code.
    #[error("code {from} is out of the range of this command: {to} is answered")]
    Code {
        /// What the plugin wrote.
        from: i32,
        /// What is written instead.
        to: i32,
    },
    /// The command's answer does not support this verdict.
    #[error("this command cannot be answered with `{from}`: `{to}` is answered")]
    Verdict {
        /// The plugin's verdict.
        from: &'static str,
        /// The nearest safe one.
        to: &'static str,
    },
}

impl Adjustment {
    /// What happened, without any text that the plugin made: a name that the command does not have is one.
    #[must_use]
    pub fn without_texts(&self, command: &Command) -> String {
        match self {
            Self::ChangeLeftOut { name, why } if command.change(name).is_none() => {
                format!("a change is left out: {why}")
            }
            Self::ChangeLeftOut { .. } | Self::Code { .. } | Self::Verdict { .. } => self.to_string(),
        }
    }
}

/// Turns a reply into a verdict that the answer of this `server` to this command can carry. `body` is the request as
/// the plugin saw it.
///
/// # Errors
/// If the reply asks for something of a wrong type: then it is not known what the plugin meant.
pub fn admit(
    server: &dyn ChatServer,
    command: &Command,
    body: &str,
    reply: &Reply<'_>,
) -> Result<(Decision, Vec<Adjustment>), Inadmissible> {
    let mut adjustments = Vec::new();
    let decision = wanted(server, command, body, reply, &mut adjustments)?;
    let name = decision.name();
    let answers = &command.answers;
    let admitted = match decision {
        Decision::Allow => Decision::Allow,
        // After the event nothing can be stopped or changed.
        _ if command.phase == Phase::After => Decision::Allow,
        Decision::Drop if !answers.drop => deny(command, None, String::new()),
        // Refusing some users is not supported: refusing all of them is the safe choice.
        Decision::RefuseSome(_) if answers.refused.is_empty() => deny(command, None, String::new()),
        Decision::PerUser(results) if answers.per_user.is_none() => {
            match results.into_iter().find(|result| result.code != 0) {
                Some(refused) => deny(command, Some(refused.code), refused.message),
                None => Decision::Allow,
            }
        }
        Decision::Reply(_) if !answers.reply => Decision::Allow,
        Decision::Deny(_) if answers.deny.is_none() => Decision::Allow,
        decision => decision,
    };
    if admitted.name() != name {
        adjustments.push(Adjustment::Verdict { from: name, to: admitted.name() });
    }
    Ok((admitted, adjustments))
}

/// The reply, taken literally.
fn wanted(
    server: &dyn ChatServer,
    command: &Command,
    body: &str,
    reply: &Reply<'_>,
    adjustments: &mut Vec<Adjustment>,
) -> Result<Decision, Inadmissible> {
    Ok(match reply.verdict {
        VerdictTag::Allow => Decision::Allow,
        VerdictTag::Drop => Decision::Drop,
        VerdictTag::RefuseSome if reply.refused.is_empty() => Decision::Allow,
        VerdictTag::RefuseSome => Decision::RefuseSome(reply.refused.iter().map(|user| user.to_string()).collect()),
        VerdictTag::PerUser => Decision::PerUser(reply.results.clone()),
        VerdictTag::Reply => Decision::Reply(reply.reply.to_string()),
        VerdictTag::Fail => return Err(Inadmissible::Undecided { reason: one_line(&reply.message) }),
        VerdictTag::Deny => {
            let code = command.answers.deny.map_or(0, |codes| codes.admit(reply.code));
            if let Some(from) = reply.code.filter(|from| *from != code && command.answers.deny.is_some()) {
                adjustments.push(Adjustment::Code { from, to: code });
            }
            Decision::Deny(Denial { code, message: reply.message.to_string(), detail: reply.detail.to_string() })
        }
        VerdictTag::Modify => {
            let json = reply.changes.map_or("{}", |raw| raw.get());
            let changes = changes(server, command, body, json, adjustments)?;
            if changes.is_empty() { Decision::Allow } else { Decision::Modify(changes) }
        }
    })
}

fn deny(command: &Command, code: Option<i32>, message: String) -> Decision {
    match command.answers.deny {
        Some(codes) => Decision::Deny(Denial { code: codes.admit(code), message, detail: String::new() }),
        None => Decision::Allow,
    }
}

/// Maximum number of adjustments that are counted and logged per reply; a reply may have thousands of names.
const ADJUSTMENTS_MAX: usize = 16;

/// The changes that the server applies for this request. Those that it cannot apply become adjustments. Those that
/// change nothing are left out, because OpenIM could set a member that the operation does not touch and the request
/// shows as empty.
fn changes(
    server: &dyn ChatServer,
    command: &Command,
    body: &str,
    json: &str,
    adjustments: &mut Vec<Adjustment>,
) -> Result<Changes, Inadmissible> {
    let invalid = |why: String| Inadmissible::Invalid { why };
    let wanted = Object::parse("changes", json).map_err(|_| invalid("`changes` is not an object".to_owned()))?;
    let request = match command.changes.iter().any(|change| change.shown_as.is_some()) {
        true => Some(Object::parse(command.name, body).map_err(|error| invalid(error.to_string()))?),
        false => None,
    };
    // Of several members with the same name, the last one counts; a reply may have thousands.
    let last: HashMap<&str, &str> = wanted.members().map(|(name, value)| (name, value.get())).collect();
    let mut changes = Changes::default();
    for (name, value) in wanted.members() {
        let json = value.get();
        if !last.get(name).is_some_and(|last| std::ptr::eq(*last, json)) {
            continue;
        }
        if is_there_already(command, name, json, request.as_ref()) {
            continue;
        }
        let why = match command.change(name) {
            None => Some("the chat server does not apply it to this command"),
            // Absent and null are the same for the server, except where the host repeats the request's value.
            Some(change) if json == "null" => (change.rule == Rule::Copied).then_some("null would clear it"),
            Some(change) if change.is_settable() && !has_kind(json, change.kind) => {
                return Err(invalid(format!("the change of `{name}` is not {}", describe(change.kind))));
            }
            Some(change) => {
                unsafe_here(change, json, request.as_ref()).or_else(|| server.why_not(command, change, json))
            }
        };
        match why {
            Some(_) if adjustments.len() >= ADJUSTMENTS_MAX => {}
            Some(why) => adjustments.push(Adjustment::ChangeLeftOut { name: one_line(name), why }),
            None if json == "null" => {}
            None => {
                let kind = command.change(name).map_or(Kind::Any, |change| change.kind);
                let json = known_members(json, kind).unwrap_or_else(|| json.to_owned());
                changes.set(name.to_owned(), Json::from_text(json));
            }
        }
    }
    Ok(changes)
}

/// Whether a change would set the value that the request shows.
fn is_there_already(command: &Command, name: &str, json: &str, request: Option<&Object<'_>>) -> bool {
    let Some(change) = command.change(name).filter(|change| change.is_settable() && json != "null") else {
        return false;
    };
    let shown = change.shown_as.and_then(|shown_as| request?.raw(shown_as));
    shown.is_some_and(|shown| shows(shown.get(), json))
}

/// Whether a member of the request has this value, plain or in the wrapper that OpenIM's documentation shows.
fn shows(shown: &str, json: &str) -> bool {
    let wrapped = || {
        let wrapper = Object::parse("wrapper", shown).ok()?;
        (wrapper.members().count() == 1).then(|| wrapper.raw("value")).flatten()
    };
    is_same(shown, json) || shown.starts_with('{') && wrapped().is_some_and(|inner| is_same(inner.get(), json))
}

/// The value with only those members that the server knows, at any depth; `None` if that is all of them.
///
/// OpenIM matches names without regard to case, so a member `USERID` of another type would fail the whole answer.
fn known_members(json: &str, kind: Kind) -> Option<String> {
    match kind {
        Kind::List(inner) => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            let known: Vec<_> = elements.iter().map(|element| known_members(element.get(), *inner)).collect();
            if known.iter().all(Option::is_none) {
                return None;
            }
            let written =
                |(element, known): (&&RawValue, Option<String>)| known.unwrap_or_else(|| element.get().to_owned());
            Some(format!("[{}]", elements.iter().zip(known).map(written).collect::<Vec<_>>().join(",")))
        }
        Kind::Object(members) => {
            let object = Object::parse("object", json).ok()?;
            let known = members.iter().filter_map(|member| Some((member, object.raw(member.name)?.get())));
            let written = known.map(|(member, json)| {
                let inner = known_members(json, member.kind);
                format!("\"{}\":{}", member.name, inner.as_deref().unwrap_or(json))
            });
            Some(format!("{{{}}}", written.collect::<Vec<_>>().join(",")))
        }
        _ => None,
    }
}

fn unsafe_here(change: &Change, json: &str, request: Option<&Object<'_>>) -> Option<&'static str> {
    let is_shown = change.shown_as.is_some_and(|shown_as| request.is_some_and(|request| request.has(shown_as)));
    match change.rule {
        Rule::NonNull | Rule::Copied => None,
        Rule::Ignored | Rule::Crashes => Some(change.why_not),
        Rule::NonEmpty => is_empty(json).then_some("the chat server ignores an empty value"),
        Rule::IfShown => (!is_shown).then_some("the operation has none, and the chat server would crash over it"),
    }
}

/// The decision without changes to what the request shows already: of several plugins, a later one may have taken back
/// what an earlier one had changed.
#[must_use]
pub fn settled(command: &Command, body: &str, decision: Decision) -> Decision {
    let Decision::Modify(wanted) = decision else { return decision };
    let request = Object::parse(command.name, body).ok();
    let mut changes = Changes::default();
    for (name, value) in wanted.iter() {
        if !is_there_already(command, name, value.as_str(), request.as_ref()) {
            changes.set(name.to_owned(), value.clone());
        }
    }
    if changes.is_empty() { Decision::Allow } else { Decision::Modify(changes) }
}

/// The request as the next plugin sees it: with the changes so far.
pub fn apply(command: &Command, body: &str, changes: &Changes) -> String {
    let Ok(request) = Object::parse(command.name, body) else { return body.to_owned() };
    let mut members: Vec<(&str, &str)> = request.members().map(|(name, raw)| (name, raw.get())).collect();
    for (name, value) in changes.iter() {
        let Some(shown_as) = command.change(name).and_then(|change| change.shown_as) else { continue };
        members.retain(|(known, _)| *known != shown_as);
        members.push((shown_as, value.as_str()));
    }
    let mut json = String::with_capacity(body.len() + 64);
    for (name, value) in members {
        json.push(if json.is_empty() { '{' } else { ',' });
        json.push_str(&serde_json::Value::from(name).to_string());
        json.push(':');
        json.push_str(value);
    }
    if json.is_empty() { "{}".to_owned() } else { json + "}" }
}

#[cfg(test)]
mod tests {
    use crate::table::CHAT_SERVERS;

    use super::*;

    /// The remaining changes to a request, and the adjustments.
    fn admitted(name: &str, request: &str, changes: &str) -> (String, Vec<String>) {
        let (server, command) =
            CHAT_SERVERS.iter().find_map(|server| Some((*server, server.protocol().command(name)?))).unwrap();
        let reply = format!(r#"{{"verdict":"modify","changes":{changes}}}"#);
        let reply: Reply<'_> = serde_json::from_str(&reply).unwrap();
        let (decision, adjustments) = admit(server, command, request, &reply).unwrap();
        let changes = match decision {
            Decision::Modify(changes) => serde_json::to_string(&changes).unwrap(),
            other => other.name().to_owned(),
        };
        (changes, adjustments.iter().map(Adjustment::to_string).collect())
    }

    #[test]
    fn a_change_to_what_is_there_already_is_left_out() {
        let group = r#"{"groupID":"g","groupName":"n","ex":"","needVerification":0,"lookMemberInfo":1}"#;
        let message = r#"{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}],"CloudCustomData":"c"}"#;
        for (name, request, changes, left) in [
            ("callbackBeforeSetGroupInfoCommand", group, r#"{"ex":"","needVerification":0}"#, "allow"),
            ("callbackBeforeSetGroupInfoCommand", group, r#"{"ex":"","lookMemberInfo":0}"#, r#"{"lookMemberInfo":0}"#),
            ("callbackBeforeSetGroupInfoExCommand", group, r#"{"groupName":"\u006e","needVerification":-0}"#, "allow"),
            ("callbackBeforeSetGroupInfoExCommand", r#"{"faceURL":{"value":"f"}}"#, r#"{"faceURL":"f"}"#, "allow"),
            ("callbackBeforeSetGroupInfoExCommand", r#"{"ex":null}"#, r#"{"ex":""}"#, r#"{"ex":""}"#),
            ("callbackBeforeUpdateUserInfoExCommand", r#"{"nickName":"a"}"#, r#"{"nickName":"a"}"#, "allow"),
            ("callbackBeforeSetFriendRemarkCommand", r#"{"remark":""}"#, r#"{"remark":""}"#, "allow"),
            (
                "callbackBeforeImportFriendsCommand",
                r#"{"friendUserIDs":["a"]}"#,
                r#"{"friendUserIDs":[ "a" ]}"#,
                "allow",
            ),
            (
                "callbackBeforeMsgModifyCommand",
                r#"{"faceURL":"f"}"#,
                r#"{"senderFaceURL":"f","recvID":""}"#,
                r#"{"recvID":""}"#,
            ),
            (
                "C2C.CallbackBeforeSendMsg",
                message,
                r#"{"MsgBody":[{"MsgContent":{"Text":"a"},"MsgType":"TIMTextElem"}],"CloudCustomData":"d"}"#,
                r#"{"CloudCustomData":"d"}"#,
            ),
        ] {
            assert_eq!(admitted(name, request, changes), (left.to_owned(), Vec::new()), "{name} {changes}");
        }
        // The last value counts, as everywhere.
        let twice =
            admitted("callbackBeforeSetFriendRemarkCommand", r#"{"remark":"a"}"#, r#"{"remark":"b","remark":"a"}"#);
        assert_eq!(twice, ("allow".to_owned(), Vec::new()));
    }

    #[test]
    fn a_group_update_that_the_server_would_drop_is_not_asked_for() {
        let update = "callbackBeforeSetGroupInfoExCommand";
        for blank in [r#""""#, r#"" ""#, r#""\u00a0\t""#] {
            let changes = format!(r#"{{"groupName":{blank},"introduction":"i"}}"#);
            let (left, adjustments) = admitted(update, r#"{"groupID":"g","groupName":"n"}"#, &changes);
            assert_eq!(left, r#"{"introduction":"i"}"#, "{blank}");
            let expected = "the change of `groupName` is left out: the name is blank: the chat server would drop the \
                            whole update and report success";
            assert_eq!(adjustments, [expected], "{blank}");
        }
        for update in ["callbackBeforeSetGroupInfoCommand", update] {
            let (left, adjustments) = admitted(update, r#"{"groupID":"g"}"#, r#"{"groupID":""}"#);
            assert_eq!((left.as_str(), adjustments.len()), ("allow", 1), "{update}");
        }
    }
}
