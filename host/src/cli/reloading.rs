//! What has a running host read its settings again: a signal, and changed files.

use std::time::Duration;

use super::manager;
use super::signals::{Requests, Signals};
use crate::generation::Crates;
use crate::host::Host;
use crate::reload::{Ask, Mode, Polled};

/// The pause before files that are changing are checked again.
const CHANGING_EVERY: Duration = Duration::from_millis(250);

/// How soon it is looked whether the settings turn polling on, while they turn it off.
const OFF_EVERY: Duration = Duration::from_secs(2);

/// From now on reloads on changes and on SIGHUP, and reopens files on SIGUSR1. Must be called in a runtime.
pub(super) fn begin(host: &Host, signals: Signals) {
    let (hangups, reopens) = signals.into_requests();
    tokio::spawn(poll(host.clone()));
    tokio::spawn(on(hangups, host.clone(), reload));
    tokio::spawn(on(reopens, host.clone(), reopen));
}

/// Checks for changed files, every `poll_ms`.
async fn poll(host: Host) {
    let mut polled = Polled::Unchanged;
    loop {
        let every = host.generation().settings().reload.poll;
        let pause = match polled {
            _ if every.is_zero() => OFF_EVERY,
            Polled::Changing => every.min(CHANGING_EVERY),
            Polled::Unchanged | Polled::Reloaded { .. } => every,
        };
        tokio::time::sleep(pause).await;
        if host.generation().settings().reload.poll.is_zero() {
            continue;
        }
        let its_host = host.clone();
        // A panic here is a bug of the host, which has been logged; the next check may succeed.
        polled = tokio::task::spawn_blocking(move || its_host.poll()).await.unwrap_or(Polled::Unchanged);
    }
}

/// Calls `act` for each request.
async fn on(mut requests: Requests, host: Host, act: fn(&Host)) {
    while requests.next().await {
        let host = host.clone();
        // A panic is a mistake of the host, and has been logged.
        let _ = tokio::task::spawn_blocking(move || act(&host)).await;
    }
}

fn reopen(host: &Host) {
    host.records.reopen();
    tracing::info!("SIGUSR1: the files of sinks are reopened");
}

fn reload(host: &Host) {
    tracing::info!("SIGHUP: reloading the settings");
    #[cfg(unix)]
    manager::tell(&manager::reloading());
    let ended = host.reload(Ask { mode: Mode::Replace, crates: Crates::Build });
    let status = match &ended {
        Ok(report) => format!("generation {}", report.generation),
        Err(problems) => format!("the last reload was refused, {} mistakes: see the log", problems.len()),
    };
    manager::tell(&format!("{}\nSTATUS={status}", manager::READY));
}
