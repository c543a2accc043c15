//! The log of the demo: one short line for each callback.

use std::fmt;

use callgate_catalogue::line::one_line;
use callgate_terminal::{ERROR, NOTE, STEP, WARNING, wrapped};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// What the columns are.
pub(super) const HEADING: &str = "VERDICT  COMMAND                   PLUGINS                    FUEL  MILLISECONDS";

/// Widths of the columns, so that a line has 80 at most.
const COMMAND: usize = 24;
const PLUGINS: usize = 22;

/// The width of notes.
const COLUMNS: usize = 80;

/// Writes callbacks as short lines, and nothing else below a warning.
pub(super) struct Lines;

/// What the record of a callback holds.
#[derive(Default)]
struct Record {
    command: String,
    verdict: String,
    plugins: String,
    message: String,
    fuel: u64,
    ms: f64,
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = || format!("{value:?}");
        match field.name() {
            "command" => self.command = text(),
            "verdict" => self.verdict = text(),
            "plugins" => self.plugins = text(),
            "message" => self.message = text(),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "fuel" {
            self.fuel = value;
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "ms" {
            self.ms = value;
        }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut record = Record::default();
        event.record(&mut record);
        let is_callback = event.metadata().target() == "callgate::callback";
        let level = *event.metadata().level();
        if is_callback {
            writeln!(writer, "{}", line(&record, writer.has_ansi_escapes()))?;
        }
        // Where a plugin failed, the message says how.
        let notes = record.message.strip_prefix("answered").unwrap_or(&record.message).trim_start_matches("; ");
        if !notes.is_empty() && (is_callback || level <= Level::WARN) {
            writeln!(writer, "         {}", wrapped(&one_line(notes), COLUMNS - 9, "         "))?;
        }
        Ok(())
    }
}

/// The line of a callback.
fn line(record: &Record, is_coloured: bool) -> String {
    let style = match record.verdict.as_str() {
        "allow" => STEP,
        "deny" | "drop" => ERROR,
        "modify" => WARNING,
        _ => NOTE,
    };
    let verdict = match is_coloured {
        true => format!("{style}{:<7}{style:#}", record.verdict),
        false => format!("{:<7}", record.verdict),
    };
    let (command, plugins) = (short(&record.command), fitting(&record.plugins, PLUGINS));
    let command = fitting(&command, COMMAND);
    format!("{verdict}  {command:<COMMAND$}  {plugins:<PLUGINS$}  {:>7}  {:>9.2} ms", record.fuel, record.ms)
}

/// The name of a command without the words that all of them have.
fn short(command: &str) -> String {
    let command = command.strip_suffix("Command").unwrap_or(command);
    command.replacen("callback", "", 1).replacen("Callback", "", 1)
}

/// A text of at most this many characters.
fn fitting(text: &str, characters: usize) -> String {
    match text.chars().count() > characters {
        true => text.chars().take(characters - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_into_a_terminal_whatever_it_says() {
        let record = |command: &str, plugins: &str| Record {
            command: command.to_owned(),
            verdict: "modify".to_owned(),
            plugins: plugins.to_owned(),
            fuel: 1_234_567,
            ms: 1234.5,
            ..Record::default()
        };
        let long = "callbackBeforeCreateSingleChatConversationsCommand";
        for record in [record("C2C.CallbackBeforeSendMsg", "p"), record(long, "guard-profile,filter-messages,more")] {
            let line = line(&record, false);
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert_eq!(short("callbackBeforeAddFriendCommand"), "BeforeAddFriend");
        assert_eq!(short("C2C.CallbackBeforeSendMsg"), "C2C.BeforeSendMsg");
        assert!(HEADING.len() <= 80);
    }
}
