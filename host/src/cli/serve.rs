//! `callgate serve`: the service.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use callgate_terminal::{Exit, Failure};
use clap::Args;

use super::loading;
use super::manager;
use super::settings_file::{Listen, SettingsFile};
use crate::admin;
use crate::edge::{self, Listener, Readiness, Stop};
use crate::generation::Progress;
use crate::host::{Host, StartError};
use crate::settings::{Problem, Settings};

/// Serve callbacks until SIGTERM or Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate serve --settings /etc/callgate/host.toml --log warn
Example: callgate serve --settings host.toml --listen :8080")]
pub(super) struct Serve {
    #[command(flatten)]
    file: SettingsFile,

    #[command(flatten)]
    listen: Listen,
}

impl Serve {
    /// Runs the command.
    ///
    /// # Errors
    /// If settings or plugins are wrong, or an address is taken.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut settings = read(&self.file.settings)?;
        self.listen.apply(&mut settings);
        let host = start(try_out(settings)?)?;
        run(host, |host, _| reopen_on_hangup(host))
    }
}

/// Reads the settings; all mistakes become one failure.
pub(super) fn read(path: &Path) -> Result<Settings, Failure> {
    Settings::load(path).map_err(|problems| wrong(&problems))
}

/// Tries what `serve` needs, and warns of what is most likely not meant.
fn try_out(settings: Settings) -> Result<Settings, Failure> {
    let problems = settings.trial();
    if !problems.is_empty() {
        return Err(wrong(&problems));
    }
    warn(&settings);
    Ok(settings)
}

/// Logs what is allowed but most likely not meant.
pub(super) fn warn(settings: &Settings) {
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
}

/// These mistakes as one failure.
pub(super) fn wrong(problems: &[Problem]) -> Failure {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    Failure::new(Exit::Settings, anyhow::anyhow!("the settings have {}\n{}", count(lines.len()), lines.join("\n")))
}

fn count(mistakes: usize) -> String {
    if mistakes == 1 { "a mistake".to_owned() } else { format!("{mistakes} mistakes") }
}

/// Starts a host, and shows its progress.
pub(super) fn start(settings: Settings) -> Result<Host, Failure> {
    let source = settings.source.clone();
    host(settings).map_err(|error| match error {
        StartError::Plugins(errors) => {
            let lines: Vec<String> = errors.iter().map(|error| error.problem(&source).to_string()).collect();
            Failure::new(Exit::Plugin, anyhow::anyhow!("{}", lines.join("\n")))
        }
        StartError::Engine(_) | StartError::Workers(_) => Failure::new(Exit::Other, error),
    })
}

/// As [`start`], with an error that tells plugins apart.
pub(super) fn host(settings: Settings) -> Result<Host, StartError> {
    Host::start_loading(settings, &mut Steps, loading::in_children())
}

/// Shows the progress of a starting host.
pub(super) struct Steps;

impl Progress for Steps {
    fn step(&mut self, what: &str, plugin: &str, number: usize, of: usize) {
        super::log::step(what, plugin, number, of);
    }

    fn cargo(&self) -> Option<fn(&str)> {
        super::log::for_cargo()
    }
}

/// Tries whether the addresses are free, before what takes long.
#[cfg(feature = "workshop")]
pub(super) fn try_addresses(settings: &Settings) -> Result<(), Failure> {
    let keys = [(Some(settings.server.listen), "[server] listen"), (settings.admin, "[admin] listen")];
    for (address, key) in keys {
        if let Some(address) = address {
            std::net::TcpListener::bind(address).map_err(|error| taken(address, key, &error))?;
        }
    }
    Ok(())
}

/// Serves until the process is told to stop. `ready` is called with the address of the callbacks' listener once both
/// listeners accept.
pub(super) fn run(host: Host, ready: impl FnOnce(&Host, SocketAddr)) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Other, error))?;
    let ended = runtime.block_on(async {
        let callbacks = listen(host.settings.server.listen, "[server] listen")?;
        let admin = match host.settings.admin {
            Some(address) => Some(listen(address, "[admin] listen")?),
            None => None,
        };
        let stop = stop_signal().map_err(|error| Failure::new(Exit::Other, error))?;
        // With port 0 the system chooses the port.
        let address = callbacks.address().unwrap_or(host.settings.server.listen);
        tracing::info!(%address, "serving callbacks");
        ready(&host, address);
        manager::tell(manager::READY);
        let stop = async {
            stop.await;
            manager::tell(manager::STOPPING);
            Stop::Drain
        };
        serve(host, callbacks, admin, stop).await;
        tracing::info!("stopped");
        Ok(())
    });
    // What is still being written hangs: callbacks have waited for the rest.
    runtime.shutdown_background();
    ended
}

fn listen(address: SocketAddr, key: &str) -> Result<Listener, Failure> {
    Listener::bind(address).map_err(|error| taken(address, key, &error))
}

fn taken(address: SocketAddr, key: &str, error: &std::io::Error) -> Failure {
    let text = format!("cannot listen on {address} ({error}): stop the process that listens there, or change {key}");
    Failure::new(Exit::Listen, anyhow::anyhow!(text))
}

/// Serves on these listeners until `stop` completes. Tests start here, too.
pub(super) async fn serve(host: Host, callbacks: Listener, admin: Option<Listener>, stop: impl Future<Output = Stop>) {
    let ready = Readiness::default();
    let settings = host.settings.server.clone();
    let admin = admin.map(|listener| {
        let (app, settings, ready) = (admin::routes(host.clone(), ready.clone()), settings.clone(), ready.clone());
        tokio::spawn(async move { edge::serve(listener, app, &settings, ready, std::future::pending()).await })
    });
    edge::serve(callbacks, host, &settings, ready, stop).await;
    // The admin listener serves until the last callback is answered.
    if let Some(admin) = admin {
        admin.abort();
    }
}

/// SIGTERM, as service managers send it, or Ctrl-C.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing running callbacks");
    })
}

/// Reopens the files of sinks on SIGHUP, so that it can be rotated. Must be called in a runtime.
#[cfg(unix)]
fn reopen_on_hangup(host: &Host) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => return tracing::warn!("SIGHUP would end this process, because it cannot be waited for: {error}"),
    };
    let host = host.clone();
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            let host = host.clone();
            // The file may hang.
            let reopened = tokio::task::spawn_blocking(move || host.records.reopen()).await;
            if reopened.is_ok() {
                tracing::info!(
                    "SIGHUP: the files of sinks are reopened; settings and plugins change with a restart only"
                );
            }
        }
    });
}

#[cfg(not(unix))]
fn reopen_on_hangup(_: &Host) {}

/// Nothing restores instances or limits the loading of modules here, so no callbacks are served.
#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let why = "serving is for Linux and macOS: on this system use the commands for authors, such as `callgate test`";
    Err::<std::future::Pending<()>, _>(std::io::Error::new(std::io::ErrorKind::Unsupported, why))
}
