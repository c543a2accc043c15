//! `callgate journal show`: one entry, decision or record with everything that is stored about it.

use callgate_catalogue::line::one_line;
use callgate_journal::{DecisionId, EntryId, Reader, Sequence};
use callgate_terminal::Failure;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::super::when;
use super::filters::{Id, Kind, now_unix_ms};
use super::list::{decision_json, entry_json, record_json};
use super::place::unreadable;
use super::why;
use crate::decisions::Document;

/// Everything about it, as JSON.
///
/// # Errors
/// If it is not there, or cannot be read.
pub(super) fn as_json(reader: &mut Reader, id: Id) -> Result<Value, Failure> {
    Ok(match id.kind {
        Kind::Entries => {
            let number = EntryId(id.number);
            let summary = reader.entry_summary(number).map_err(unreadable)?;
            let mut shown = entry_json(&summary);
            let attempts = reader.attempts(number).map_err(unreadable)?;
            let attempts = attempts.iter().map(|attempt| {
                json!({
                    "number": attempt.number,
                    "at": when::rfc3339(attempt.at_unix_ms),
                    "plugin": attempt.failure.plugin,
                    "fault": attempt.failure.fault,
                    "message": attempt.failure.message,
                    "took_us": attempt.failure.took_us,
                })
            });
            add(&mut shown, "attempts", attempts.collect::<Vec<_>>().into());
            let entry = reader.entry(number).map_err(unreadable)?;
            add(&mut shown, "head", serde_json::from_str(&entry.head).unwrap_or_default());
            add(&mut shown, "body", body(&entry.body));
            shown
        }
        Kind::Decisions => {
            let found = reader.decision(DecisionId(id.number)).map_err(unreadable)?;
            let mut shown = decision_json(&found);
            add(&mut shown, "document", serde_json::from_str(&found.decision.document).unwrap_or_default());
            if let Some(bytes) = &found.decision.body {
                add(&mut shown, "body", body(bytes));
            }
            shown
        }
        Kind::Records => record_json(&reader.record(Sequence(id.number)).map_err(unreadable)?),
    })
}

/// The body, as JSON if it is; otherwise as text.
pub(super) fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
}

fn add(shown: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = shown {
        members.insert(name.to_owned(), value);
    }
}

/// The same for people: a decision's sentence first, then a line for each member.
///
/// # Errors
/// As [`as_json`].
pub(super) fn as_text(reader: &mut Reader, id: Id) -> Result<String, Failure> {
    let mut text = String::new();
    if id.kind == Kind::Decisions {
        let found = reader.decision(DecisionId(id.number)).map_err(unreadable)?;
        let document = Document::from_json(&found.decision.document).unwrap_or_default();
        let at = when::show(found.decision.at_unix_ms, now_unix_ms(), &TimeZone::system());
        text.push_str(&format!("{at} {}.\n\n", why::sentence(&found, &document)));
    }
    if let Value::Object(members) = as_json(reader, id)? {
        lines(&mut text, &members, 0);
    }
    Ok(text)
}

/// Members as indented lines: what is empty is left out, and texts stay on their line.
fn lines(text: &mut String, members: &Map<String, Value>, depth: usize) {
    let indent = "  ".repeat(depth);
    for (name, value) in members {
        match value {
            Value::Null => {}
            Value::String(words) if words.is_empty() => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) if items.iter().all(Value::is_object) => {
                text.push_str(&format!("{indent}{name}:\n"));
                for item in items.iter().filter_map(Value::as_object) {
                    text.push_str(&format!("{indent}  -\n"));
                    lines(text, item, depth + 2);
                }
            }
            Value::Object(inner) if name != "body" && name != "answer" && name != "data" => {
                text.push_str(&format!("{indent}{name}:\n"));
                lines(text, inner, depth + 1);
            }
            Value::String(words) => text.push_str(&format!("{indent}{name}: {}\n", one_line(words))),
            other => text.push_str(&format!("{indent}{name}: {other}\n")),
        }
    }
}
