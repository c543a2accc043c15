//! `callgate serve`: the service.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callgate_terminal::{Exit, Failure};
use clap::Args;
use tokio::runtime::Runtime;

use super::loading;
use super::settings_file::{Listen, SettingsFile};
use super::signals::{self, Signals};
use super::{manager, reloading};
use crate::admin::Operators;
use crate::descriptors;
use crate::edge::{self, Listener, Readiness, Stop, Tls};
use crate::generation::Progress;
use crate::host::{Host, StartError};
use crate::settings::{Address, Problem, Server, Settings, TlsFiles};

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
        let service = Service::begin()?;
        let mut settings = read(&self.file.settings)?;
        self.listen.apply(&mut settings);
        let mut settings = try_out(settings)?;
        descriptors::fit(&mut settings);
        let host = start(settings)?;
        host.open_journal(callgate_journal::Clock::system()).map_err(|error| Failure::new(Exit::Journal, error))?;
        // Before anything can change.
        host.keep_in_service();
        service.run(host, |host, _, signals| reloading::begin(host, signals))
    }
}

/// Reads the settings; all mistakes become one failure.
pub(super) fn read(path: &Path) -> Result<Settings, Failure> {
    Settings::load(path).map_err(|problems| wrong(&problems))
}

/// Tries what `serve` needs, and warns of what is most likely not meant.
fn try_out(settings: Settings) -> Result<Settings, Failure> {
    let problems = settings.trial().problems;
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
    let admin = settings.admin.as_ref().map(|admin| &admin.listen);
    for (address, key) in [(Some(&settings.server.listen), "[server] listen"), (admin, "[admin] listen")] {
        if let Some(tcp) = address.and_then(Address::tcp) {
            std::net::TcpListener::bind(tcp).map_err(|error| taken(&tcp.into(), key, &error))?;
        }
    }
    Ok(())
}

/// A service that is starting: it handles signals already.
pub(super) struct Service {
    runtime: Runtime,
    signals: Signals,
}

impl Service {
    /// Handles signals from now on.
    ///
    /// # Errors
    /// If the system does not let it.
    pub(super) fn begin() -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(Exit::Other, error))?;
        let signals = {
            let _entered = runtime.enter();
            Signals::handle().map_err(|error| Failure::new(Exit::Other, error))?
        };
        Ok(Self { runtime, signals })
    }

    /// Serves until the process is told to stop. `ready` is called with the address of the callbacks' listener once
    /// both listeners accept.
    ///
    /// # Errors
    /// If an address is taken, or TLS cannot be spoken.
    pub(super) fn run(self, host: Host, ready: impl FnOnce(&Host, &Address, Signals)) -> Result<(), Failure> {
        let Self { runtime, signals } = self;
        let server = &host.settings.server;
        let (drain, ended) = (server.drain_delay, server.shutdown_within + END_WITHIN);
        let served = runtime.block_on(async {
            let callbacks = listen(&host, &server.listen, server.socket_mode, server.tls.as_ref(), "server")?;
            let admin = match &host.settings.admin {
                Some(admin) => Some(listen(&host, &admin.listen, admin.socket_mode, admin.tls.as_ref(), "admin")?),
                None => None,
            };
            let stop = signals.serving();
            // With port 0 the system chooses the port.
            let address = callbacks.address().map_or_else(|| server.listen.clone(), Address::Tcp);
            tracing::info!(%address, "serving callbacks");
            ready(&host, &address, signals);
            manager::tell(manager::READY);
            let stop = async {
                let how = stop.await;
                let delay = if how == Stop::Drain { drain } else { Duration::ZERO };
                tracing::info!(drain_delay_ms = delay.as_millis(), "stopping: finishing running callbacks");
                manager::tell(manager::STOPPING);
                signals::end_within(delay + ended);
                how
            };
            serve(host.clone(), callbacks, admin, stop).await;
            tracing::info!("stopped");
            Ok(())
        });
        // A thread that hangs in a file is not waited for.
        runtime.shutdown_background();
        served
    }
}

/// Time for everything else to end, after `shutdown_within_ms`.
const END_WITHIN: Duration = Duration::from_secs(1);

fn listen(
    host: &Host,
    address: &Address,
    mode: u32,
    tls: Option<&TlsFiles>,
    table: &'static str,
) -> Result<Listener, Failure> {
    let listener = Listener::bind(address, mode);
    let listener = listener.map_err(|error| taken(address, &format!("[{table}] listen"), &error))?;
    let Some(files) = tls else { return Ok(listener) };
    let tls = Tls::load(files).map_err(|error| {
        let text = format!("[{table}] tls: `{}` {error}", error.key);
        Failure::new(Exit::Settings, anyhow::anyhow!(text))
    })?;
    let tls = Arc::new(tls);
    tokio::spawn(keep_current(host.clone(), Arc::clone(&tls), table));
    Ok(listener.with_tls(tls))
}

/// Reads the files of a certificate again when they change.
async fn keep_current(host: Host, tls: Arc<Tls>, table: &'static str) {
    let mut last: Option<String> = None;
    loop {
        let every = host.generation().settings().reload.poll;
        tokio::time::sleep(if every.is_zero() { CERTIFICATE_EVERY } else { every.min(CERTIFICATE_EVERY) }).await;
        let (its_host, its_tls, before) = (host.clone(), Arc::clone(&tls), last.clone());
        let read = move || {
            let read = its_tls.reload();
            // A reload may have found a problem first, which is repaired by now.
            let is_reported = !its_host.reload_status().certificates.is_empty();
            if is_reported || read.as_ref().err().map(ToString::to_string) != before {
                its_host.note_certificates();
            }
            read
        };
        // The files may hang.
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(true)) => {
                tracing::info!("the certificate of [{table}] has changed: new connections get the new one");
                for warning in tls.warnings() {
                    tracing::warn!("[{table}] tls: `{}` {warning}", warning.key);
                }
                last = None;
            }
            Ok(Ok(false)) => last = None,
            Ok(Err(error)) => {
                let text = error.to_string();
                if last.as_ref() != Some(&text) {
                    tracing::error!("[{table}] tls: `{}` {text}: the previous certificate stays in use", error.key);
                }
                last = Some(text);
            }
            // A panic is a mistake of the host, and has been logged.
            Err(_) => {}
        }
    }
}

/// How often the files of a certificate are checked, unless `poll_ms` is shorter. If that is 0, too: certificates
/// expire all the same. File system events miss the way Kubernetes replaces files.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(2);

fn taken(address: &Address, key: &str, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let todo = match (error.kind(), address) {
        (ErrorKind::NotFound | ErrorKind::NotADirectory, Address::Unix(_)) => "create the folder of the socket",
        (ErrorKind::AlreadyExists, Address::Unix(_)) => "remove the file that has this name",
        (ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem, Address::Unix(_)) => {
            "let this user create files in the folder of the socket"
        }
        (ErrorKind::PermissionDenied, Address::Tcp(_)) => "use a port from 1024 on",
        (ErrorKind::AddrNotAvailable, _) => "use an address of this machine",
        _ => "stop the process that listens there",
    };
    let text = format!("cannot listen on {address} ({error}): {todo}, or change {key}");
    Failure::new(Exit::Listen, anyhow::anyhow!(text))
}

/// Serves on these listeners until `stop` completes.
async fn serve(host: Host, callbacks: Listener, admin: Option<Listener>, stop: impl Future<Output = Stop>) {
    let ready = Readiness::default();
    let settings = host.settings.server.clone();
    host.work_off_entries().await;
    let stopping = host.clone();
    let stopped_at = std::cell::Cell::new(None);
    let stop = async {
        let stop = stop.await;
        // Entries that have not started are processed after the next start. Running callbacks can still be accepted.
        stopping.begin_no_entries();
        stopped_at.set(Some(tokio::time::Instant::now()));
        stop
    };
    let admin = admin.map(|listener| {
        let app = Operators::new(host.clone(), ready.clone());
        let connections_max = descriptors::ADMIN_CONNECTIONS_MAX;
        let (settings, ready) = (Server { connections_max, ..settings.clone() }, ready.clone());
        tokio::spawn(async move { edge::serve(listener, app, &settings, ready, std::future::pending()).await })
    });
    edge::serve(callbacks, host.clone(), &settings, ready, stop).await;
    // One time for both: for connections, and for entries.
    let gone = stopped_at.get().map_or(Duration::ZERO, |at| at.elapsed());
    host.close_journal(settings.shutdown_within.saturating_sub(gone)).await;
    // The admin listener serves until the last callback is answered.
    if let Some(admin) = admin {
        admin.abort();
    }
}
