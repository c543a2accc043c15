//! The log on standard error: coloured on a terminal, or as JSON.

use callgate_terminal::is_coloured;
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
        Form::Demo => log.event_format(super::demo::Lines).finish().try_init(),
    };
    guard
}
