//! The one log record of a callback.

use std::fmt::Write as _;
use std::time::Duration;

use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::LogLevel;
use callgate_dialects::Callback;

use crate::chain::ChainRun;

/// Writes it: payloads and secrets never.
pub(super) fn log(platform: &str, callback: &Callback, run: &ChainRun, records: usize, took: Duration) {
    let is_fault = run.fault.is_some() || run.steps.iter().any(|step| step.fault.is_some());
    // Nothing is put together for a record that nobody reads.
    let is_read = match is_fault {
        true => tracing::enabled!(target: "callgate::callback", tracing::Level::WARN),
        false => tracing::enabled!(target: "callgate::callback", tracing::Level::INFO),
    };
    if !is_read {
        return;
    }
    let verdict = run.decision.name();
    let command = one_line(callback.name());
    let fuel: u64 = run.steps.iter().map(|step| step.usage.fuel.0).sum();
    let ms = took.as_micros() as f64 / 1000.0;
    let (mut plugins, mut notes) = (String::new(), String::new());
    for step in &run.steps {
        let name = step.link.plugin().name();
        let _ = write!(plugins, "{}{name}", if plugins.is_empty() { "" } else { "," });
        if let Some(fault) = &step.fault {
            let _ = write!(notes, "; {name}: {fault}");
        }
        for adjustment in &step.adjustments {
            let _ = write!(notes, "; {name}: {adjustment}");
        }
    }
    if let Some(fault) = &run.fault {
        let _ = write!(notes, "; {fault}");
    }
    let operation_id = one_line(callback.operation_id());
    macro_rules! record {
        ($level:ident) => {
            tracing::$level!(
                target: "callgate::callback",
                %platform, %command, %verdict, %plugins, fuel, ms, records, %operation_id,
                "answered{notes}"
            )
        };
    }
    if is_fault { record!(warn) } else { record!(info) }
}

/// Writes what the plugins said, each line with what it takes to find the callback.
pub(super) fn log_lines(platform: &str, callback: &Callback, run: &ChainRun) {
    for step in run.steps.iter().filter(|step| !step.log.is_empty()) {
        let plugin = &**step.link.plugin().name();
        let command = one_line(callback.name());
        let operation_id = one_line(callback.operation_id());
        macro_rules! line {
            ($level:ident, $text:expr) => {
                tracing::$level!(plugin, %platform, %command, %operation_id, "{}", $text)
            };
        }
        for (level, text) in &step.log {
            match level {
                LogLevel::Debug => line!(debug, text),
                LogLevel::Info => line!(info, text),
                LogLevel::Warn => line!(warn, text),
                LogLevel::Error => line!(error, text),
            }
        }
    }
}
