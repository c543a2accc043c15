//! `callgate journal status`: how much waits, how old it is, and what failed.

use callgate_journal::{DecisionFilter, EntryFilter, EntryState, Page, Reader, RecordFilter};
use callgate_terminal::{self as terminal, Failure};
use serde_json::{Value, json};

use super::super::when;
use super::filters::now_unix_ms;
use super::place::{Found, unreadable};

/// As text, or as one JSON object.
///
/// # Errors
/// If the journal cannot be read.
pub(super) fn write(found: &Found, reader: &mut Reader, as_json: bool) -> Result<String, Failure> {
    let count = |reader: &mut Reader, state| {
        let filter = EntryFilter { state: Some(state), ..EntryFilter::default() };
        reader.count_entries(&filter).map_err(unreadable)
    };
    let waiting = count(reader, EntryState::Waiting)?;
    let (done, dead) = (count(reader, EntryState::Done)?, count(reader, EntryState::Dead)?);
    let oldest = oldest(reader)?;
    let records = reader.count_records(&RecordFilter::default()).map_err(unreadable)?;
    let decisions = reader.count_decisions(&DecisionFilter::default()).map_err(unreadable)?;
    let sinks = reader.sinks().map_err(unreadable)?;
    let last = newest_record(reader)?;
    let bytes = size(&found.folder);
    if as_json {
        let sinks: Vec<Value> = sinks
            .iter()
            .map(|sink| json!({ "name": sink.sink, "delivered_to": sink.delivered_to.0, "newest_record": last }))
            .collect();
        let status = json!({
            "folder": found.folder.display().to_string(),
            "bytes": bytes,
            "waiting": waiting,
            "oldest_waiting_ms": oldest,
            "done": done,
            "dead": dead,
            "records": records,
            "decisions": decisions,
            "sinks": sinks,
        });
        return Ok(format!("{status:#}\n"));
    }
    let waiting = match oldest {
        Some(age) => format!("{waiting}, the oldest for {}", when::span(age)),
        None => waiting.to_string(),
    };
    let mut rows = vec![
        vec!["folder".to_owned(), found.folder.display().to_string()],
        vec!["size".to_owned(), format!("{} KiB", bytes / 1024)],
        vec!["entries waiting".to_owned(), waiting],
        vec!["entries done".to_owned(), done.to_string()],
        vec!["entries dead".to_owned(), dead.to_string()],
        vec!["records".to_owned(), records.to_string()],
        vec!["decisions".to_owned(), decisions.to_string()],
    ];
    rows.extend(sinks.iter().map(|sink| {
        let state = match last > sink.delivered_to.0 {
            true => format!("has received all up to r{}; the newest is r{last}", sink.delivered_to.0),
            false => "has everything".to_owned(),
        };
        vec![format!("sink {}", sink.sink), state]
    }));
    let mut text = terminal::table(&["JOURNAL", ""], &rows);
    if dead > 0 {
        text.push_str(
            "\n`callgate journal list --state dead` shows what failed, `show` why; `retry` processes it again.\n",
        );
    }
    Ok(text)
}

/// How long the oldest entry has waited, in milliseconds.
fn oldest(reader: &mut Reader) -> Result<Option<i64>, Failure> {
    let filter = EntryFilter { state: Some(EntryState::Waiting), ..EntryFilter::default() };
    let page = Page { limit: 1, newest_first: false, ..Page::default() };
    let found = reader.entries(&filter, page).map_err(unreadable)?;
    // A clock that was turned back makes no entry younger than now.
    Ok(found.first().map(|entry| (now_unix_ms() - entry.received_unix_ms).max(0)))
}

fn newest_record(reader: &mut Reader) -> Result<i64, Failure> {
    let page = Page { limit: 1, ..Page::default() };
    let found = reader.records(&RecordFilter::default(), page).map_err(unreadable)?;
    Ok(found.first().map_or(0, |record| record.sequence.0))
}

/// The size of all files in the folder, in bytes.
fn size(folder: &std::path::Path) -> u64 {
    let Ok(files) = std::fs::read_dir(folder) else { return 0 };
    files.flatten().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}
