//! `callgate journal list`: what a journal keeps, as a table or as JSON lines.

use callgate_catalogue::line::one_line;
use callgate_journal::{Decision, EntrySummary, Page, Reader, Record};
use callgate_terminal::{self as terminal, Failure};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::when;
use super::filters::{Filters, Kind, now_unix_ms};
use super::place::unreadable;

/// The longest cell of a table, in characters: keys and IDs come from outside.
const CELL_CHARS_MAX: usize = 40;

/// What is listed, and how much of it.
pub(super) struct Listing<'l> {
    pub(super) kind: Kind,
    pub(super) filters: &'l Filters,
    pub(super) limit: u32,
}

/// One page, the newest first.
enum Found {
    Entries(Vec<EntrySummary>),
    Decisions(Vec<Decision>),
    Records(Vec<Record>),
}

impl Listing<'_> {
    /// The table, with a line about what is not shown.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub(super) fn table(&self, reader: &mut Reader) -> Result<String, Failure> {
        let count = self.count(reader)?;
        let found = self.find(reader)?;
        let (heading, rows) = found.rows();
        let shown = rows.len() as u64;
        let mut text = match rows.is_empty() {
            true => format!("No {} match.\n", self.kind.name()),
            false => terminal::table(heading, &rows),
        };
        if count > shown && shown > 0 {
            text.push_str(&format!("{shown} of {count} {}, the newest first: --limit shows more.\n", self.kind.name()));
        }
        Ok(text)
    }

    /// JSON, one object in a line.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub(super) fn json(&self, reader: &mut Reader) -> Result<String, Failure> {
        Ok(self.find(reader)?.json().iter().map(|value| format!("{value}\n")).collect())
    }

    /// How many match.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub(super) fn count(&self, reader: &mut Reader) -> Result<u64, Failure> {
        match self.kind {
            Kind::Entries => reader.count_entries(&self.filters.entries(&[])),
            Kind::Decisions => reader.count_decisions(&self.filters.decisions()),
            Kind::Records => reader.count_records(&self.filters.records()),
        }
        .map_err(unreadable)
    }

    fn find(&self, reader: &mut Reader) -> Result<Found, Failure> {
        let page = Page { limit: self.limit, ..Page::default() };
        Ok(match self.kind {
            Kind::Entries => Found::Entries(reader.entries(&self.filters.entries(&[]), page).map_err(unreadable)?),
            Kind::Decisions => Found::Decisions(reader.decisions(&self.filters.decisions(), page).map_err(unreadable)?),
            Kind::Records => Found::Records(reader.records(&self.filters.records(), page).map_err(unreadable)?),
        })
    }
}

impl Found {
    fn rows(&self) -> (&'static [&'static str], Vec<Vec<String>>) {
        let (now, zone) = (now_unix_ms(), TimeZone::system());
        let at = |unix_ms| when::show(unix_ms, now, &zone);
        match self {
            Self::Entries(entries) => {
                let row = |entry: &EntrySummary| {
                    vec![
                        format!("e{}", entry.id),
                        at(entry.received_unix_ms),
                        entry.state.name().to_owned(),
                        cell(&entry.platform),
                        cell(&entry.command),
                        cell(&entry.key),
                        entry.attempts.to_string(),
                    ]
                };
                let heading = &["ID", "RECEIVED", "STATE", "PLATFORM", "COMMAND", "KEY", "FAILED ATTEMPTS"];
                (heading, entries.iter().map(row).collect())
            }
            Self::Decisions(decisions) => {
                let row = |found: &Decision| {
                    let decision = &found.decision;
                    let by = if decision.refusal.is_empty() { &decision.decided_by } else { &decision.refusal };
                    vec![
                        format!("d{}", found.id),
                        at(decision.at_unix_ms),
                        cell(&decision.platform),
                        cell(&decision.command),
                        cell(&decision.actor),
                        cell(&decision.target),
                        cell(&decision.verdict),
                        cell(by),
                    ]
                };
                let heading = &["ID", "AT", "PLATFORM", "COMMAND", "ACTOR", "TARGET", "VERDICT", "BY"];
                (heading, decisions.iter().map(row).collect())
            }
            Self::Records(records) => {
                let row = |found: &Record| {
                    let record = &found.record;
                    vec![
                        format!("r{}", found.sequence.0),
                        at(record.at_unix_ms),
                        cell(&record.topic),
                        cell(&record.plugin),
                        cell(&record.command),
                        cell(&record.key),
                        record.data.len().to_string(),
                    ]
                };
                let heading = &["ID", "AT", "TOPIC", "PLUGIN", "COMMAND", "KEY", "BYTES"];
                (heading, records.iter().map(row).collect())
            }
        }
    }

    fn json(&self) -> Vec<Value> {
        match self {
            Self::Entries(entries) => entries.iter().map(entry_json).collect(),
            Self::Decisions(decisions) => decisions.iter().map(decision_json).collect(),
            Self::Records(records) => records.iter().map(record_json).collect(),
        }
    }
}

/// Text from outside, short and on one line.
fn cell(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(CELL_CHARS_MAX) {
        None => line,
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
    }
}

/// An entry, without its body.
pub(super) fn entry_json(entry: &EntrySummary) -> Value {
    json!({
        "id": format!("e{}", entry.id),
        "received": when::rfc3339(entry.received_unix_ms),
        "state": entry.state.name(),
        "platform": &*entry.platform,
        "command": &*entry.command,
        "key": entry.key,
        "failed_attempts": entry.attempts,
        "due_unix_ms": entry.due_unix_ms,
    })
}

/// A decision, without its document.
pub(super) fn decision_json(found: &Decision) -> Value {
    let decision = &found.decision;
    json!({
        "id": format!("d{}", found.id),
        "at": when::rfc3339(decision.at_unix_ms),
        "platform": &*decision.platform,
        "command": &*decision.command,
        "actor": decision.actor,
        "target": decision.target,
        "key": decision.key,
        "verdict": &*decision.verdict,
        "code": decision.code,
        "decided_by": &*decision.decided_by,
        "refusal": &*decision.refusal,
        "fault": &*decision.fault,
        "plugins": decision.plugins.iter().map(|plugin| &**plugin).collect::<Vec<_>>(),
        "operation_id": decision.operation_id,
        "generation": decision.generation,
    })
}

/// A record with its data.
pub(super) fn record_json(found: &Record) -> Value {
    let record = &found.record;
    let data: Value = serde_json::from_str(&record.data).unwrap_or_default();
    json!({
        "id": format!("r{}", found.sequence.0),
        "record_id": found.id,
        "at": when::rfc3339(record.at_unix_ms),
        "topic": record.topic,
        "key": record.key,
        "platform": &*record.platform,
        "command": &*record.command,
        "plugin": &*record.plugin,
        "sha256": &*record.sha256,
        "entry": found.entry.map(|entry| format!("e{entry}")),
        "data": data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_short_and_on_one_line() {
        assert_eq!(cell("a\nb").lines().count(), 1);
        assert_eq!(cell(&"ä".repeat(500)).chars().count(), CELL_CHARS_MAX + 1);
    }
}
