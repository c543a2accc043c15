//! The log on standard error: coloured on a terminal, or as JSON.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use callgate_terminal::{Failure, is_coloured, print_failure, print_step};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::util::SubscriberInitExt;

use crate::telemetry;

/// Maximum number of lines waiting to be written. A slow reader or a full disk must not delay callbacks: further lines
/// are dropped and counted.
const LOG_LINES_WAITING_MAX: usize = 4096;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Lines for people.
    Lines,
    /// Lines of JSON.
    Json,
    /// Short lines for callbacks, and little else.
    #[cfg(feature = "workshop")]
    Demo,
}

/// Starts the log. A separate thread writes it until the guard is dropped, which waits briefly for the lines in the
/// queue.
pub(super) fn start(level: tracing::Level, form: Form) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LOG_LINES_WAITING_MAX)
        .thread_name("log")
        .finish(std::io::stderr());
    telemetry::count_lost_lines(writer.error_counter());
    // There is one log for each process.
    let _ = IS_JSON.set(form == Form::Json);
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(writer)
        .log_internal_errors(false)
        .with_ansi(is_coloured(&std::io::stderr()));
    // This is the only call that sets a subscriber, so it cannot fail.
    let _ = match form {
        Form::Lines => log.compact().finish().try_init(),
        Form::Json => log.json().finish().try_init(),
        #[cfg(feature = "workshop")]
        Form::Demo => log.event_format(super::demo_lines::Lines).finish().try_init(),
    };
    guard
}

/// Whether the log is JSON: then nothing else is written to standard error.
static IS_JSON: OnceLock<bool> = OnceLock::new();

fn is_json() -> bool {
    IS_JSON.get().copied().unwrap_or(false)
}

/// Shows one step of a slow operation: to people at a terminal, and in the log for machines.
pub(super) fn step(what: &str, plugin: &str, number: usize, of: usize) {
    if is_json() {
        tracing::info!(plugin, number, of, "{what}");
    } else if std::io::stderr().is_terminal() {
        print_step(what, plugin, number, of);
    }
}

/// Where cargo's lines go, if they must not be written as they are.
pub(super) fn for_cargo() -> Option<fn(&str)> {
    is_json().then_some(|line| tracing::info!(target: "cargo", "{line}"))
}

/// Writes what is left of the log, and why the command failed: for people as the last thing, for machines in the log.
pub(super) fn end(log: WorkerGuard, failure: Option<&Failure>) {
    if let (Some(failure), true) = (failure, is_json()) {
        tracing::error!(exit_code = failure.exit as u8, "{:#}", failure.error);
    }
    drop(log);
    if let (Some(failure), false) = (failure, is_json()) {
        print_failure(failure);
    }
}
