//! What has a running host read its settings again: a signal, and changed files.

use std::time::Duration;

use super::manager;
use super::signals::Hangups;
use crate::generation::Crates;
use crate::host::Host;
use crate::reload::{Ask, Mode, Polled};

/// How soon files that are changing are looked at again.
const CHANGING_EVERY: Duration = Duration::from_millis(250);

/// How soon it is looked whether the settings turn polling on, while they turn it off.
const OFF_EVERY: Duration = Duration::from_secs(2);

/// Reloads from now on. Must be called in a runtime.
pub(super) fn begin(host: &Host, hangups: Hangups) {
    tokio::spawn(poll(host.clone()));
    tokio::spawn(on_hangups(host.clone(), hangups));
    on_signals(host);
}

/// Looks for changed files as often as the settings say.
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
        // A look that panics is a mistake of the host, which has been logged; the next one may succeed.
        polled = tokio::task::spawn_blocking(move || its_host.poll()).await.unwrap_or(Polled::Unchanged);
    }
}

/// Reloads on SIGHUP.
async fn on_hangups(host: Host, mut hangups: Hangups) {
    while hangups.next().await {
        let host = host.clone();
        // A panic is a mistake of the host, and has been logged.
        let _ = tokio::task::spawn_blocking(move || reload(&host)).await;
    }
}

/// Reopens files on SIGUSR1.
#[cfg(unix)]
fn on_signals(host: &Host) {
    use tokio::signal::unix::{SignalKind, signal};
    let on = |kind, name: &'static str, act: fn(&Host)| {
        let mut signals = match signal(kind) {
            Ok(signals) => signals,
            Err(error) => {
                return tracing::warn!("{name} would end this process, because it cannot be waited for: {error}");
            }
        };
        let host = host.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                let host = host.clone();
                // A panic is a mistake of the host, and has been logged.
                let _ = tokio::task::spawn_blocking(move || act(&host)).await;
            }
        });
    };
    on(SignalKind::user_defined1(), "SIGUSR1", |host| {
        host.records.reopen();
        tracing::info!("SIGUSR1: the files of sinks are reopened");
    });
}

#[cfg(not(unix))]
fn on_signals(_: &Host) {}

fn reload(host: &Host) {
    tracing::info!("SIGHUP: the settings are read again");
    #[cfg(unix)]
    manager::tell(&manager::reloading());
    let ended = host.reload(Ask { mode: Mode::Replace, crates: Crates::Build });
    let status = match &ended {
        Ok(report) => format!("generation {}", report.generation),
        Err(problems) => format!("the last reload was refused, {} mistakes: see the log", problems.len()),
    };
    manager::tell(&format!("{}\nSTATUS={status}", manager::READY));
}
