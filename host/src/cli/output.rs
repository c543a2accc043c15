//! What people see on the terminal, and what machines read.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::{Exit, Failure};
use crate::host::Progress;

/// Starts the log on standard error: coloured on a terminal, or as JSON.
pub fn start_log(level: tracing::Level, json: bool) {
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(LogQueue::start)
        .log_internal_errors(false)
        .with_timer(UtcTime)
        .with_ansi(is_coloured(std::io::stderr().is_terminal()));
    // A second start (there is none) would change nothing.
    let _ = if json { log.json().try_init_boxed() } else { log.compact().try_init_boxed() };
}

/// Lines of the log on their way to standard error, through a thread of their own: a reader that is slow, or a disk that
/// is full, must not hold up callbacks. What does not fit is left out.
#[derive(Clone)]
struct LogQueue(SyncSender<LogMessage>);

enum LogMessage {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Lines that may wait.
const LOG_LINES_WAITING_MAX: usize = 4096;

impl LogQueue {
    fn start() -> Self {
        static QUEUE: OnceLock<LogQueue> = OnceLock::new();
        let start = || {
            let (queue, lines) = sync_channel(LOG_LINES_WAITING_MAX);
            let write = move || {
                for message in lines {
                    match message {
                        // There is nowhere to report that nothing can be reported.
                        LogMessage::Line(line) => drop(std::io::stderr().write_all(&line)),
                        LogMessage::Flush(done) => drop(done.send(())),
                    }
                }
            };
            // Without the thread the queue fills up, and the log is left out.
            let _ = std::thread::Builder::new().name("log".to_owned()).spawn(write);
            LogQueue(queue)
        };
        QUEUE.get_or_init(start).clone()
    }
}

impl std::io::Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.try_send(LogMessage::Line(line.to_vec()));
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Waits a moment for what was logged to be written, before the process ends.
pub fn flush_log() {
    let (done, wait) = sync_channel(1);
    if LogQueue::start().0.try_send(LogMessage::Flush(done)).is_ok() {
        let _ = wait.recv_timeout(Duration::from_secs(1));
    }
}

/// The two builders have different types and the same end.
trait TryInit {
    fn try_init_boxed(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

impl<N, E, F, W> TryInit for tracing_subscriber::fmt::SubscriberBuilder<N, E, F, W>
where
    tracing_subscriber::fmt::SubscriberBuilder<N, E, F, W>: tracing_subscriber::util::SubscriberInitExt,
{
    fn try_init_boxed(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        tracing_subscriber::util::SubscriberInitExt::try_init(self).map_err(Into::into)
    }
}

/// <https://no-color.org>: colours on terminals, unless the user does not want them.
pub fn is_coloured(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

struct UtcTime;

impl FormatTime for UtcTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = civil(days);
        let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            writer,
            "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z",
            since.subsec_millis()
        )
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar: whole cycles of 400 years, with
/// years that begin in March so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (cycle * 400 + year + u64::from(month <= 2), month, day)
}

/// Prints why a command failed: the error and its causes, each once.
pub fn print_failure(failure: &Failure) {
    let coloured = is_coloured(std::io::stderr().is_terminal());
    let (red, reset) = if coloured { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let mut text = format!("{red}error:{reset} ");
    let mut said = String::new();
    for cause in failure.error.chain() {
        let cause = cause.to_string();
        // Some libraries repeat their cause.
        if !said.contains(&cause) {
            let _ = write!(text, "{}{cause}", if said.is_empty() { "" } else { ": " });
            said.push_str(&cause);
        }
    }
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints what a command is asked for. A reader that has read enough, as `head` does, is no failure: the rest is left
/// out, and the exit code still says how the command went.
///
/// # Errors
/// If standard output cannot be written to, as on a disk that is full.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let text = format!("standard output cannot be written to ({error}): send it elsewhere, or make room");
            Err(Failure::new(Exit::Other, anyhow::anyhow!(text)))
        }
        _ => Ok(()),
    }
}

/// Shows on standard error what a starting host is doing.
pub struct Steps;

impl Progress for Steps {
    fn step(&mut self, what: &str, plugin: &str, number: usize, of: usize) {
        let coloured = is_coloured(std::io::stderr().is_terminal());
        let (green, reset) = if coloured { ("\x1b[1;32m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(std::io::stderr(), "{green}{what:>12}{reset} {plugin} ({number}/{of})");
    }
}

/// A table with columns as wide as their widest cell.
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
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let rows = vec![vec!["a".to_owned(), "bb".to_owned()], vec!["ccc".to_owned(), "d".to_owned()]];
        assert_eq!(table(&["x", "y"], &rows), "x    y\na    bb\nccc  d\n");
    }
}
