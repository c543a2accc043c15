//! What is to happen to the operation: what a plugin's reply means for this command, and what a fault means.

use plugin_sdk::catalogue::{Change, Command, Kind, Rule};
use plugin_sdk::wire::{Phase, Reply, UserResult, VerdictTag};
use plugin_sdk::{Changes, Json, Object};
use serde_json::value::RawValue;

use crate::plugin::Fault;
use crate::settings::OnFault;

/// What is to happen to the operation, in a form that the command's answer can carry.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It goes on, unchanged.
    Allow,
    /// It stops.
    Deny(Denial),
    /// It goes on with changes.
    Modify(Changes),
    /// It stops, and its caller believes that it succeeded.
    Drop,
    /// It goes on without these users.
    RefuseSome(Vec<String>),
    /// Each user has a result.
    PerUser(Vec<UserResult>),
    /// The client gets this text.
    Reply(String),
}

/// How an operation is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// In the range of the command.
    pub code: i32,
    /// For the user.
    pub message: String,
    /// For the app's developers.
    pub detail: String,
}

impl Verdict {
    /// All names that [`Verdict::name`] gives.
    pub const NAMES: [&'static str; 7] = ["allow", "deny", "modify", "drop", "refuse_some", "per_user", "reply"];

    /// Its place in [`Verdict::NAMES`].
    pub fn index(&self) -> usize {
        match self {
            Self::Allow => 0,
            Self::Deny(_) => 1,
            Self::Modify(_) => 2,
            Self::Drop => 3,
            Self::RefuseSome(_) => 4,
            Self::PerUser(_) => 5,
            Self::Reply(_) => 6,
        }
    }

    /// The name in metrics and records.
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    /// Whether no further plugin is asked.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Deny(_) | Self::Drop | Self::Reply(_) => true,
            Self::Allow | Self::Modify(_) | Self::RefuseSome(_) | Self::PerUser(_) => false,
        }
    }

    /// This verdict, and then that of the next plugin, in one.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (before, Self::Allow) => before,
            (Self::Modify(mut changes), Self::Modify(later)) => {
                for (name, value) in later.iter() {
                    changes.set(name.to_owned(), value.clone());
                }
                Self::Modify(changes)
            }
            (Self::RefuseSome(mut users), Self::RefuseSome(more)) => {
                users.extend(more);
                users.sort_unstable();
                users.dedup();
                Self::RefuseSome(users)
            }
            // A refusal stays one, whoever said it.
            (Self::PerUser(mut results), Self::PerUser(more)) => {
                results.retain(|result| result.code != 0);
                results.extend(more.into_iter().filter(|result| result.code != 0));
                Self::PerUser(results)
            }
            (_, next) => next,
        }
    }

    /// The one table of what a fault means for the operation.
    pub fn of_fault(fault: &Fault, on_fault: OnFault, command: &Command) -> Self {
        let message = match fault {
            Fault::OutOfFuel { .. }
            | Fault::OutOfTime { .. }
            | Fault::OutOfMemory { .. }
            | Fault::StackOverflow
            | Fault::Panic { .. }
            | Fault::Trap { .. }
            | Fault::Undecided { .. }
            | Fault::ReplyTooLarge { .. }
            | Fault::ReplyInvalid { .. } => "This could not be checked. Please try again later.",
            Fault::Suspended { .. } | Fault::NoPermit => "The service is busy. Please try again later.",
        };
        match (on_fault, command.phase, command.answers.deny) {
            (OnFault::Deny, Phase::Before, Some(codes)) => {
                Self::Deny(Denial { code: codes.admit(None), message: message.to_owned(), detail: String::new() })
            }
            (OnFault::Allow, ..) | (_, Phase::After, _) | (.., None) => Self::Allow,
        }
    }
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
pub fn admit(command: &Command, body: &str, reply: &Reply<'_>) -> Result<(Verdict, Vec<Adjustment>), Fault> {
    let mut adjustments = Vec::new();
    let verdict = wanted(command, body, reply, &mut adjustments)?;
    let name = verdict.name();
    let answers = &command.answers;
    let admitted = match verdict {
        Verdict::Allow => Verdict::Allow,
        // After the fact nothing can be stopped or changed.
        _ if command.phase == Phase::After => Verdict::Allow,
        Verdict::Drop if !answers.drop => deny(command, None, String::new()),
        // Without some of the users cannot be said: without all of them is the safe side.
        Verdict::RefuseSome(_) if answers.refused.is_empty() => deny(command, None, String::new()),
        Verdict::PerUser(results) if answers.per_user.is_none() => {
            match results.into_iter().find(|result| result.code != 0) {
                Some(refused) => deny(command, Some(refused.code), refused.message),
                None => Verdict::Allow,
            }
        }
        Verdict::Reply(_) if !answers.reply => Verdict::Allow,
        Verdict::Deny(_) if answers.deny.is_none() => Verdict::Allow,
        verdict => verdict,
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
) -> Result<Verdict, Fault> {
    Ok(match reply.verdict {
        VerdictTag::Allow => Verdict::Allow,
        VerdictTag::Drop => Verdict::Drop,
        VerdictTag::RefuseSome if reply.refused.is_empty() => Verdict::Allow,
        VerdictTag::RefuseSome => Verdict::RefuseSome(reply.refused.iter().map(|user| user.to_string()).collect()),
        VerdictTag::PerUser => Verdict::PerUser(reply.results.clone()),
        VerdictTag::Reply => Verdict::Reply(reply.reply.to_string()),
        VerdictTag::Fail => return Err(Fault::Undecided { reason: one_line(&reply.message) }),
        VerdictTag::Deny => {
            let code = command.answers.deny.map_or(0, |codes| codes.admit(reply.code));
            if let Some(from) = reply.code.filter(|from| *from != code && command.answers.deny.is_some()) {
                adjustments.push(Adjustment::Code { from, to: code });
            }
            Verdict::Deny(Denial { code, message: reply.message.to_string(), detail: reply.detail.to_string() })
        }
        VerdictTag::Modify => {
            let json = reply.changes.map_or("{}", |raw| raw.get());
            let changes = changes(command, body, json, adjustments)?;
            if changes.is_empty() { Verdict::Allow } else { Verdict::Modify(changes) }
        }
    })
}

fn deny(command: &Command, code: Option<i32>, message: String) -> Verdict {
    match command.answers.deny {
        Some(codes) => Verdict::Deny(Denial { code: codes.admit(code), message, detail: String::new() }),
        None => Verdict::Allow,
    }
}

/// A plugin's text, fit for a line of a log.
pub(crate) fn one_line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 1000;
    // What would end a line, steer a terminal, turn the rest of a line around, or stand in no XML.
    let is_unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || c as u32 & 0xfffe == 0xfffe
    };
    text.chars().take(CHARACTERS_MAX).map(|c| if is_unfit(c) { ' ' } else { c }).collect()
}

/// Adjustments of one reply that are counted and logged; a reply may hold thousands of names.
const ADJUSTMENTS_MAX: usize = 16;

/// The changes that the server applies in this very request; the others become adjustments.
fn changes(command: &Command, body: &str, json: &str, adjustments: &mut Vec<Adjustment>) -> Result<Changes, Fault> {
    let invalid = |why: String| Fault::ReplyInvalid { why };
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

/// Whether a JSON text is an empty text or an empty list.
pub(crate) fn is_empty(json: &str) -> bool {
    let inner = json.strip_prefix('[').and_then(|json| json.strip_suffix(']'));
    json == "\"\"" || inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// Whether a JSON text is of a type as the chat servers' decoders see it: `1.0` is no whole number there.
pub(crate) fn has_kind(json: &str, kind: Kind) -> bool {
    let each = |json: &str, ok: &dyn Fn(&str) -> bool| {
        serde_json::from_str::<Vec<&RawValue>>(json)
            .is_ok_and(|elements| elements.iter().all(|element| ok(element.get())))
    };
    match kind {
        // Read whole: half a surrogate, a number beyond all bounds or endless nesting are JSON to some readers only.
        Kind::Any => serde_json::from_str::<serde_json::Value>(json).is_ok(),
        Kind::Text => serde_json::from_str::<std::borrow::Cow<'_, str>>(json).is_ok(),
        Kind::JsonText => serde_json::from_str::<String>(json).is_ok_and(|text| {
            Object::parse("content", &text).is_ok() && serde_json::from_str::<serde_json::Value>(&text).is_ok()
        }),
        Kind::Int32 => is_json_integer(json) && json.parse::<i32>().is_ok(),
        Kind::Int64 => is_json_integer(json) && json.parse::<i64>().is_ok(),
        Kind::Uint32 => is_json_integer(json) && json.parse::<u32>().is_ok(),
        Kind::Uint64 => is_json_integer(json) && json.parse::<u64>().is_ok(),
        Kind::Bool => matches!(json, "true" | "false"),
        Kind::Optional(kind) => json == "null" || has_kind(json, *kind),
        Kind::List(kind) => each(json, &|element| has_kind(element, *kind)),
        Kind::Map(kind) => Object::parse("map", json)
            .is_ok_and(|object| object.members().all(|(_, value)| has_kind(value.get(), *kind))),
        Kind::Open(_) if !has_kind(json, Kind::Any) => false,
        Kind::Object(members) | Kind::Open(members) => Object::parse("object", json).is_ok_and(|object| {
            members.iter().all(|member| match (object.raw(member.name), member.kind) {
                (None, kind) => matches!(kind, Kind::Optional(_)),
                (Some(value), kind) => has_kind(value.get(), kind),
            })
        }),
    }
}

/// Whether a text is a whole number in JSON's own spelling: Rust also reads `+5` and `007`.
fn is_json_integer(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'))
}

/// A type in the words of a message.
pub(crate) fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "a value",
        Kind::Text => "a text",
        Kind::JsonText => "a text that holds a JSON object",
        Kind::Int32 => "a whole number of 32 bits",
        Kind::Int64 => "a whole number of 64 bits",
        Kind::Uint32 | Kind::Uint64 => "a whole number that is not negative",
        Kind::Bool => "true or false",
        Kind::Optional(kind) => describe(*kind),
        Kind::List(_) => "a list of the right elements",
        Kind::Map(_) => "an object with values of the right type",
        Kind::Object(_) | Kind::Open(_) => "an object with the right members",
    }
}
