//! `callgate demo`: builds and serves the shipped plugins, and prints requests to try.

mod requests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use callgate_journal::sink::Kind;
use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;

use super::demo_lines;
use super::serve::{self, Service};
use crate::host::Host;
use crate::settings::{Address, Settings, listen_address};

/// Build the shipped plugins, serve them and print requests to try
///
/// Nothing is written into the checkout, apart from what cargo builds. Records go to a temporary folder, which is
/// removed at the end.
#[derive(Debug, Args)]
#[command(after_help = "Example: cargo run --release -- demo --listen 127.0.0.1:9000")]
pub(super) struct Demo {
    /// The settings file [default: host/host.example.toml of this checkout]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// The address for callbacks; metrics and health checks are on the next port [default: from the settings]
    #[arg(long, value_name = "ADDRESS", value_parser = listen_address)]
    listen: Option<SocketAddr>,
}

impl Demo {
    /// Runs the command.
    ///
    /// # Errors
    /// If a plugin cannot be built, or an address is taken.
    pub(super) fn run(self) -> Result<(), Failure> {
        let service = Service::begin()?;
        let mut settings = serve::read(&self.settings.clone().unwrap_or_else(example))?;
        if let Some(listen) = self.listen {
            listen_on(&mut settings, listen);
        }
        // Before the plugins are built, which may take minutes.
        serve::try_addresses(&settings)?;
        let folder = tempfile::Builder::new().prefix("callgate-demo-").tempdir().map_err(|error| {
            let text = format!("no temporary folder can be created ({error}): set TMPDIR to a folder of yours");
            Failure::new(Exit::Other, anyhow::anyhow!(text))
        })?;
        move_into(&mut settings, folder.path());
        let host = serve::start(settings)?;
        service.run(host, |host, address, _| {
            // Serve even if this cannot be printed.
            let _ = terminal::print(&invitation(host, address));
        })
    }
}

/// Moves both listeners. Port 0 lets the system choose.
fn listen_on(settings: &mut Settings, listen: SocketAddr) {
    settings.listen_on(listen);
    // Nothing depends on it.
    settings.server.drain_delay = std::time::Duration::ZERO;
    if let Some(admin) = &mut settings.admin {
        let port = if listen.port() == 0 { 0 } else { listen.port().checked_add(1).unwrap_or(listen.port() - 1) };
        admin.listen = SocketAddr::new(listen.ip(), port).into();
    }
}

/// Has everything that the host keeps written to this folder.
fn move_into(settings: &mut Settings, folder: &Path) {
    settings.journal.folder = folder.join("journal");
    for sink in &mut settings.sinks {
        if let Kind::File(file) = &mut sink.settings.kind {
            file.path = folder.join(format!("{}.jsonl", sink.settings.name));
        }
    }
}

/// The example in the working directory's checkout, else in the checkout that this program was built from.
fn example() -> PathBuf {
    let here = Path::new("host/host.example.toml");
    if here.is_file() { here.to_owned() } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("host.example.toml") }
}

fn invitation(host: &Host, address: &Address) -> String {
    let scheme = if host.settings.server.tls.is_some() { "https" } else { "http" };
    let mut text = format!("\nCallgate is serving on {scheme}://{address}. Try, in another terminal:\n\n");
    // Settings of one's own may have other paths.
    for request in requests::TRY.iter().filter(|request| host.generation().find(request.path).is_some()) {
        text.push_str(&request.as_command(&format!("{scheme}://{address}")));
    }
    for sink in &host.generation().settings().sinks {
        if let Kind::File(file) = &sink.settings.kind {
            text.push_str(&format!("Records go to {}.\n", file.path.display()));
        }
    }
    let admin = host.settings.admin.as_ref().and_then(|admin| admin.listen.tcp());
    if let Some(admin) = admin.filter(|admin| admin.port() != 0) {
        text.push_str(&format!("Metrics: curl -s http://{admin}/metrics\n"));
    }
    text.push_str("Stop with Ctrl-C. Each callback is logged on one line below.\n\n");
    text.push_str(&format!("{}\n", demo_lines::HEADING));
    text
}
