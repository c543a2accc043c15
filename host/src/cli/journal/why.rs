//! Decisions in plain sentences.

use std::fmt::Write as _;

use callgate_catalogue::line::one_line;
use callgate_catalogue::tables::PROTOCOLS;
use callgate_dialects::Decision as Verdict;
use callgate_journal::Decision;

use crate::decisions::{Document, REFUSED, StoredFact};

/// What happened to a callback and why, without the time and the full stop.
pub(super) fn sentence(decision: &Decision, document: &Document) -> String {
    let what = what(decision, document);
    let by = by(document);
    let faults = faults(document);
    let mut text = match document.verdict.as_str() {
        REFUSED => {
            let why = document.refusal.as_ref().map_or("", |(_, sentence)| sentence.as_str());
            return format!("a request to platform {} was refused: {why}", document.platform);
        }
        "deny" => match document.decided_by.split_once(':') {
            _ if document.decided_by == "on_overload" => {
                format!("{what} was refused because there was no time to ask all plugins (`on_overload`)")
            }
            Some(("on_fault", plugin)) => {
                let fault = document.plugins.iter().find(|call| call.name == plugin && !call.fault.is_empty());
                let fault = fault.map_or("it failed", |call| call.fault_text.as_str());
                format!("{what} was refused because {plugin} failed: {fault} (`on_fault`)")
            }
            _ => format!("{what} was refused{by}"),
        },
        "drop" => format!("{what} was dropped{by}, and its sender believes that it arrived"),
        "modify" => format!("{what} was changed{by}{}", changed(document)),
        "refuse_some" => format!("{what} went on without some of the users{by}"),
        "per_user" => format!("{what} got a result for each user{by}"),
        "reply" => format!("{what} was answered with a text{by}"),
        _ if !faults.is_empty() => format!("{what} was allowed although not all plugins gave a verdict"),
        _ => format!("{what} was allowed{}", asked(document)),
    };
    let is_by_host = document.decided_by.contains(':') || document.decided_by == "on_overload";
    if document.verdict == "deny" && !is_by_host {
        reason(&mut text, document);
    } else if !is_by_host && !faults.is_empty() {
        let _ = write!(text, "; {faults}");
    }
    if is_by_host && let Some(code) = document.code {
        let _ = write!(text, ", code {code}");
    }
    known(&mut text, document);
    one_line(&text)
}

/// Maximum number of characters of a fact's value that are shown; `journal show` shows all of them.
const VALUE_CHARACTERS_MAX: usize = 60;

/// The facts of the decision: `; known: sent 21, ban absent`.
fn known(text: &mut String, document: &Document) {
    for (number, StoredFact { fact, key, value, why, .. }) in document.facts.iter().enumerate() {
        let what = match (value, why) {
            (Some(value), _) => value.get().chars().take(VALUE_CHARACTERS_MAX).collect(),
            (None, Some(why)) => why.name().to_owned(),
            (None, None) => "a text".to_owned(),
        };
        let of = if key.is_empty() { String::new() } else { format!(" of {key}") };
        let _ = write!(text, "{}{fact}{of}: {what}", if number == 0 { "; known: " } else { ", " });
    }
}

/// What the plugin gave as its reason: text, rule and code.
fn reason(text: &mut String, document: &Document) {
    if !document.message.is_empty() {
        let _ = write!(text, ": {}", document.message);
    }
    let code = document.code.map(|code| format!("code {code}"));
    let detail = Some(document.detail.clone()).filter(|detail| !detail.is_empty());
    let more: Vec<String> = detail.into_iter().chain(code).collect();
    if !more.is_empty() {
        let _ = write!(text, " ({})", more.join(", "));
    }
}

fn by(document: &Document) -> String {
    match document.decided_by.as_str() {
        "" => String::new(),
        by => format!(" by {by}"),
    }
}

fn asked(document: &Document) -> String {
    let names: Vec<&str> = document.plugins.iter().map(|call| call.name.as_str()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" by {}", names.join(", ")),
    }
}

/// The members that were changed, if the answer is stored.
fn changed(document: &Document) -> String {
    let Some(answer) = &document.answer else { return String::new() };
    let members = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(answer.get()).unwrap_or_default();
    let command = PROTOCOLS
        .iter()
        .find(|protocol| protocol.name == document.kind)
        .and_then(|protocol| protocol.command(&document.command));
    let is_change = |name: &&String| command.is_some_and(|command| command.change(name).is_some());
    let names: Vec<&str> = members.keys().filter(is_change).map(String::as_str).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(": {}", names.join(", ")),
    }
}

fn faults(document: &Document) -> String {
    let failed = document.plugins.iter().filter(|call| !call.fault.is_empty());
    let faults: Vec<String> = failed.map(|call| format!("{}: {}", call.name, call.fault_text)).collect();
    match faults.is_empty() {
        true if !document.fault.is_empty() => document.fault.clone(),
        _ => faults.join("; "),
    }
}

/// The operation: `the message of mei to group g9`.
fn what(decision: &Decision, document: &Document) -> String {
    let command = PROTOCOLS
        .iter()
        .find(|protocol| protocol.name == document.kind)
        .and_then(|protocol| protocol.command(&document.command));
    let name = command.map_or(document.command.as_str(), |command| command.rust_name);
    let words = words(name);
    let is_message = ["send", "msg"].iter().all(|word| words.split(' ').any(|known| known == *word));
    let mut what = match is_message {
        true => "the message".to_owned(),
        false => format!("\"{words}\""),
    };
    if !document.actor.is_empty() {
        let _ = write!(what, " of {}", document.actor);
    }
    if !document.target.is_empty() && document.target != document.actor {
        // The key of what happens in a group is the group.
        let is_group = decision.decision.key == document.target && !document.actor.is_empty();
        let preposition = if is_message { "to" } else { "about" };
        let _ = write!(what, " {preposition} {}{}", if is_group { "group " } else { "" }, document.target);
    }
    what
}

/// `BeforeSendGroupMsg` in words, without its phase.
fn words(name: &str) -> String {
    let name = name.strip_prefix("Before").or_else(|| name.strip_prefix("After")).unwrap_or(name);
    let mut words = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && was_lower {
            words.push(' ');
        }
        was_lower = letter.is_lowercase();
        words.extend(letter.to_lowercase());
    }
    words.replace('.', " ").replace("message", "msg")
}

/// Whether a verdict, as it is written after `--verdict`, is one.
pub(super) fn is_verdict(verdict: &str) -> bool {
    Verdict::NAMES.contains(&verdict) || verdict == REFUSED
}

#[cfg(test)]
mod tests {
    use callgate_journal::{DecisionId, NewDecision};

    use super::*;
    use crate::decisions::Call;

    fn said(key: &str, document: &Document) -> String {
        let decision = NewDecision { key: key.to_owned(), ..NewDecision::default() };
        sentence(&Decision { id: DecisionId(1), decision, bytes: 0 }, document)
    }

    fn message() -> Document {
        Document {
            kind: "openim".to_owned(),
            command: "callbackBeforeSendGroupMsgCommand".to_owned(),
            actor: "u123".to_owned(),
            target: "g9".to_owned(),
            verdict: "deny".to_owned(),
            code: Some(5001),
            message: "Please mind your words.".to_owned(),
            detail: "rule words".to_owned(),
            decided_by: "filter-messages".to_owned(),
            ..Document::default()
        }
    }

    #[test]
    fn decisions_are_told_as_people_would() {
        assert_eq!(
            said("g9", &message()),
            "the message of u123 to group g9 was refused by filter-messages: Please mind your words. (rule words, code 5001)"
        );
        let call = Call {
            name: "slow".to_owned(),
            fault: "out_of_time".to_owned(),
            fault_text: "out of time: more than 250 ms".to_owned(),
            ..Call::default()
        };
        let failed = Document { decided_by: "on_fault:slow".to_owned(), plugins: vec![call.clone()], ..message() };
        assert_eq!(
            said("u123|g9", &failed),
            "the message of u123 to g9 was refused because slow failed: out of time: more than 250 ms (`on_fault`), code 5001"
        );
        let overload = Document { decided_by: "on_overload".to_owned(), ..message() };
        assert!(said("g9", &overload).contains("because there was no time to ask all plugins (`on_overload`)"));
        let allow = |plugins| Document {
            verdict: "allow".to_owned(),
            command: "callbackBeforeAddFriendCommand".to_owned(),
            decided_by: String::new(),
            plugins,
            ..message()
        };
        assert_eq!(said("", &allow(Vec::new())), "\"add friend\" of u123 about g9 was allowed");
        assert_eq!(
            said("", &allow(vec![call])),
            "\"add friend\" of u123 about g9 was allowed although not all plugins gave a verdict; slow: out of time: more \
             than 250 ms"
        );
        let refusal = Document {
            verdict: REFUSED.to_owned(),
            platform: "openim".to_owned(),
            refusal: Some(("not_json".to_owned(), "the body is not valid JSON".to_owned())),
            ..Document::default()
        };
        assert_eq!(said("", &refusal), "a request to platform openim was refused: the body is not valid JSON");
    }

    #[test]
    fn every_verdict_and_every_command_has_its_sentence() {
        for verdict in Verdict::NAMES {
            let document = Document { verdict: verdict.to_owned(), ..message() };
            let text = said("g9", &document);
            assert!(text.starts_with("the message of u123 to group g9 "), "{text}");
            // No plugin is named for a callback that is allowed unchanged.
            assert_eq!(text.contains("filter-messages"), verdict != "allow", "{text}");
        }
        for command in PROTOCOLS.iter().flat_map(|protocol| protocol.commands) {
            let document =
                Document { command: command.name.to_owned(), kind: command.protocol.to_owned(), ..message() };
            assert!(!said("", &document).contains("\"\""), "{}", command.name);
        }
    }

    #[test]
    fn line_breaks_of_a_plugin_stay_on_the_line() {
        let document = Document { message: "a\nb\u{1b}[31m".to_owned(), ..message() };
        assert!(!said("g9", &document).contains(['\n', '\u{1b}']));
    }
}
