//! Output: steps, errors, results and tables.

use std::fmt::Write as _;
use std::io::Write as _;

use anstream::stream::RawStream;
use anstyle::{AnsiColor, Style};

use crate::exit::{Exit, Failure};

/// The style of errors.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The style of warnings.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// The style of notes.
pub const NOTE: Style = AnsiColor::Cyan.on_default();

/// The style of progress steps, and of what is right.
pub const STEP: Style = AnsiColor::Green.on_default().bold();

/// Whether output to a stream may be coloured: if it is a terminal with colours, and the user has not disabled them
/// (<https://no-color.org>).
pub fn is_coloured(stream: &impl RawStream) -> bool {
    anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never
}

/// Shows one step of a slow operation on standard error.
pub fn print_step(what: &str, of: &str, number: usize, total: usize) {
    let _ = writeln!(anstream::stderr(), "{STEP}{what:>12}{STEP:#} {of} ({number}/{total})");
}

/// Prints why a command failed: the error and its causes, each once.
pub fn print_failure(failure: &Failure) {
    let mut text = format!("{ERROR}error:{ERROR:#} ");
    let mut said = String::new();
    for cause in failure.error.chain() {
        let cause = cause.to_string();
        // Some libraries repeat their cause in the message.
        if !said.contains(&cause) {
            let _ = write!(text, "{}{cause}", if said.is_empty() { "" } else { ": " });
            said.push_str(&cause);
        }
    }
    // Strips the colours if they are not wanted.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints the result of a command. If the reader closes the pipe early, as `head` does, the rest is dropped and this is
/// not a failure; the exit code still reports how the command went.
///
/// # Errors
/// If standard output cannot be written to, for example because a disk is full.
pub fn print(text: &str) -> Result<(), Failure> {
    // Strips the colours if they are not wanted.
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let text = format!("standard output cannot be written to ({error}): redirect it, or free disk space");
            Err(Failure::new(Exit::Other, anyhow::anyhow!(text)))
        }
        _ => Ok(()),
    }
}

/// Formats a table. Each column is as wide as its widest cell.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(heading.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut heading.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let rows = vec![vec!["a".to_owned(), "bb".to_owned()], vec!["ccc".to_owned(), "d".to_owned()]];
        assert_eq!(table(&["x", "y"], &rows), "x    y\na    bb\nccc  d\n");
    }
}
