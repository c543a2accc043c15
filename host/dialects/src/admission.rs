//! From a plugin's reply to a decision that the command's answer can carry.

use callgate_catalogue::catalogue::{Change, Command, Kind, Rule};
use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{Phase, Reply, VerdictTag};
use callgate_catalogue::{Changes, Json, Object};
use serde_json::value::RawValue;

use crate::decision::{Decision, Denial};
use crate::kinds::{describe, has_kind, is_empty};

/// Why a reply is no decision. The text is for the log, never for the chat server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inadmissible {
    /// The plugin said that it cannot decide.
    Undecided {
        /// Its own words.
        reason: String,
    },
    /// It asks for something of a wrong type: it is not known what the plugin meant.
    Invalid {
        /// What is wrong with it.
        why: String,
    },
}

/// Something that a plugin asked for and the chat server cannot do; logged and counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Adjustment {
    /// The server would ignore this change, or crash over it.
    #[error("the change of `{name}` is left out: {why}")]
    ChangeLeftOut {
        /// The answer's member, cut to a reasonable length.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// The code would be read as something else.
    #[error("code {from} is out of the range of this command: {to} is answered")]
    Code {
        /// What the plugin wrote.
        from: i32,
        /// What is written instead.
        to: i32,
    },
    /// The command's answer has no such verdict.
    #[error("this command cannot be answered with `{from}`: `{to}` is answered")]
    Verdict {
        /// What the plugin said.
        from: &'static str,
        /// The nearest that is safe.
        to: &'static str,
    },
}

/// Turns a reply into a verdict that this command's answer can carry. `body` is the request as the plugin saw it.
///
/// # Errors
/// If the reply asks for something of a wrong type: then it is not known what the plugin meant.
pub fn admit(command: &Command, body: &str, reply: &Reply<'_>) -> Result<(Decision, Vec<Adjustment>), Inadmissible> {
    let mut adjustments = Vec::new();
    let decision = wanted(command, body, reply, &mut adjustments)?;
    let name = decision.name();
    let answers = &command.answers;
    let admitted = match decision {
        Decision::Allow => Decision::Allow,
        // After the fact nothing can be stopped or changed.
        _ if command.phase == Phase::After => Decision::Allow,
        Decision::Drop if !answers.drop => deny(command, None, String::new()),
        // Without some of the users cannot be said: without all of them is the safe side.
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

/// What the reply says, taken by its word.
fn wanted(
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
            let changes = changes(command, body, json, adjustments)?;
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

/// Adjustments of one reply that are counted and logged; a reply may hold thousands of names.
const ADJUSTMENTS_MAX: usize = 16;

/// The changes that the server applies in this very request; the others become adjustments.
fn changes(
    command: &Command,
    body: &str,
    json: &str,
    adjustments: &mut Vec<Adjustment>,
) -> Result<Changes, Inadmissible> {
    let invalid = |why: String| Inadmissible::Invalid { why };
    let wanted = Object::parse("changes", json).map_err(|_| invalid("`changes` is not an object".to_owned()))?;
    // Few commands have changes that depend on what the request shows.
    let request = match command.changes.iter().any(|change| change.rule == Rule::IfShown) {
        true => Some(Object::parse(command.name, body).map_err(|error| invalid(error.to_string()))?),
        false => None,
    };
    let mut changes = Changes::default();
    for (name, value) in wanted.members() {
        let json = value.get();
        let why = match command.change(name) {
            None => Some("the chat server does not apply it to this command"),
            // Absent and null are the same for the server, except where the host repeats the request's value.
            Some(change) if json == "null" => (change.rule == Rule::Copied).then_some("null would clear it"),
            Some(change) if change.is_settable() && !has_kind(json, change.kind) => {
                return Err(invalid(format!("the change of `{name}` is not {}", describe(change.kind))));
            }
            Some(change) => unsafe_here(change, json, request.as_ref()),
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
