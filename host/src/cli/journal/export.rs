//! `callgate journal export`: everything that matches, as JSON lines.

use std::io::Write;

use callgate_journal::{Page, Reader};
use callgate_terminal::{Exit, Failure};

use super::filters::{Filters, Id, Kind};
use super::place::unreadable;
use super::progress::Progress;
use super::show;

/// How many numbers are read at a time.
const PAGE_ITEMS: u32 = 1000;

/// Writes all that match, the oldest first, with everything that is stored about them. Returns how many were written,
/// and how many could not be read because they are damaged.
///
/// # Errors
/// If the journal cannot be read, or the output not be written.
pub(super) fn write(
    reader: &mut Reader,
    kind: Kind,
    filters: &Filters,
    count: u64,
    out: &mut dyn Write,
) -> Result<(u64, u64), Failure> {
    let (mut written, mut damaged) = (0, 0);
    let mut progress = Progress::new("exported", count);
    let mut after = None;
    loop {
        let numbers = numbers(reader, kind, filters, after)?;
        let Some(last) = numbers.last() else { break };
        after = Some(*last);
        for number in numbers {
            match show::as_json(reader, Id { kind, number }) {
                Ok(value) => {
                    if let Err(error) = writeln!(out, "{value}") {
                        // `head` has seen enough.
                        return match error.kind() {
                            std::io::ErrorKind::BrokenPipe => Ok((written, damaged)),
                            _ => Err(unwritten(&error)),
                        };
                    }
                    written += 1;
                }
                // One that is damaged, or was deleted in the meantime, does not stop the others.
                Err(_) => damaged += 1,
            }
            progress.step();
        }
    }
    out.flush().map_err(|error| unwritten(&error))?;
    Ok((written, damaged))
}

fn unwritten(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Other,
        anyhow::anyhow!("the output cannot be written ({error}): free disk space, or name another file"),
    )
}

/// The numbers of the next ones that match.
pub(super) fn numbers(
    reader: &mut Reader,
    kind: Kind,
    filters: &Filters,
    after: Option<i64>,
) -> Result<Vec<i64>, Failure> {
    let page = Page { after, limit: PAGE_ITEMS, newest_first: false };
    Ok(match kind {
        Kind::Entries => {
            let found = reader.entries(&filters.entries(&[]), page).map_err(unreadable)?;
            found.iter().map(|entry| entry.id.0).collect()
        }
        Kind::Decisions => {
            let found = reader.decisions(&filters.decisions(), page).map_err(unreadable)?;
            found.iter().map(|decision| decision.id.0).collect()
        }
        Kind::Records => {
            let found = reader.records(&filters.records(), page).map_err(unreadable)?;
            found.iter().map(|record| record.sequence.0).collect()
        }
    })
}
