//! The listeners: whether they answer, and whether it is Callgate that does.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use callgate_dialects::connection::{Finding, Level};
use callgate_dialects::table;

use super::super::api::own;
use super::settings::Examined;
use crate::edge::trusting;
use crate::settings::{Address, Admin, Settings, TlsFiles};

/// The time for a connection, and for an answer.
const WITHIN: Duration = Duration::from_secs(2);

/// Maximum size of an answer that is read, in bytes: one of Callgate's own is far shorter.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What was found at an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No process listens there.
    NoListener,
    /// It cannot be reached, for this reason.
    Unreachable(String),
    /// An answer: status and body.
    Answer(u16, String),
    /// The certificate of the settings, and a refusal of clients that show none of their own, as this command.
    AsksForCertificate,
    /// Another certificate than that of the settings.
    OtherCertificate,
    /// A file of `tls` cannot be used, so that the certificate is not known: the key, and why.
    NoCertificate(&'static str, String),
    /// Something that does not speak HTTP, or not in time.
    Silence,
}

/// Sends a GET, which every listener of Callgate answers and none takes for a callback.
pub(super) fn ask(host: &str, port: u16, path: &str) -> Found {
    let addresses = match (host, port).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => return Found::Unreachable(format!("its name cannot be resolved: {error}")),
    };
    let mut last = Found::Unreachable("its name has no address".to_owned());
    for address in addresses {
        match TcpStream::connect_timeout(&address, WITHIN) {
            Ok(stream) => {
                let timeouts = stream.set_read_timeout(Some(WITHIN)).and(stream.set_write_timeout(Some(WITHIN)));
                return timeouts.and_then(|()| get(stream, host, path)).unwrap_or(Found::Silence);
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => last = Found::NoListener,
            Err(error) => last = Found::Unreachable(error.to_string()),
        }
    }
    last
}

fn get(mut stream: impl Read + Write, host: &str, path: &str) -> std::io::Result<Found> {
    let path = if path.is_empty() { "/" } else { path };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // What has arrived when time is up is what there is.
    let _ = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(status.map_or(Found::Silence, |status| Found::Answer(status, body.to_owned())))
}

/// Whether an answer to [`ask`] is Callgate's, from a listener for callbacks: it says that callbacks are posted.
pub(super) fn is_callbacks(found: &Found) -> bool {
    matches!(found, Found::Answer(405, body) if body.contains("callbacks are sent with POST"))
}

/// Whether an answer is Callgate's, for a path of no platform: it refuses in the form of every chat server.
pub(super) fn is_elsewhere(found: &Found) -> bool {
    let Found::Answer(404, body) = found else { return false };
    let members = |text: &[u8]| {
        let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(text).unwrap_or_default();
        object.keys().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    let ours = members(&table::refusal_for_all(table::CHAT_SERVERS, http::StatusCode::NOT_FOUND, ""));
    !ours.is_empty() && members(body.as_bytes()) == ours
}

/// Examines the listeners that the settings name. Where they have a mistake, which is a finding of its own, nothing is
/// asked.
pub(super) fn examine(examined: &Examined, findings: &mut Vec<Finding>) {
    let Some(settings) = &examined.settings else { return };
    if examined.is_server_known {
        examine_server(settings, findings);
    }
    if let Some(admin) = settings.admin.as_ref().filter(|admin| examined.is_admin_known && has_port(&admin.listen)) {
        examine_admin(admin, findings);
    }
}

fn examine_server(settings: &Settings, findings: &mut Vec<Finding>) {
    let listen = &settings.server.listen;
    let path = settings.platforms.first().map_or_else(String::new, |platform| platform.path.reveal());
    if listen.is_local() {
        let what = "only this machine can reach it";
        let todo = "right for a proxy or a chat server on this machine; else listen on an address that the chat server can \
                    reach, in a private network or with a secret segment in `path`";
        findings.push(Finding::new(Level::Note, "listener-loopback", listen.to_string(), what, todo));
    }
    if has_port(listen) {
        let found = ask_own(listen, settings.server.tls.as_ref(), &path);
        let is_right = is_callbacks(&found) || is_network(&found);
        findings.push(listener("listener", &format!("[server] listen = \"{listen}\""), &found, is_right));
    }
}

fn examine_admin(admin: &Admin, findings: &mut Vec<Finding>) {
    let found = ask_own(&admin.listen, admin.tls.as_ref(), "/readyz");
    let is_ready = matches!(&found, Found::Answer(200, body) if body.lines().next() == Some("ready"));
    let place = format!("[admin] listen = \"{}\"", admin.listen);
    if let Found::Answer(_, body) = &found {
        for line in body.lines().skip(1).filter(|_| is_ready) {
            let todo = "correct it; `callgate reload` shows at once whether that is enough";
            findings.push(Finding::new(Level::Warning, "running-detail", place.as_str(), line, todo));
        }
    }
    findings.push(match &found {
        Found::Answer(503, body) if body.lines().next() == Some("stopping") => {
            let what = "Callgate is stopping, and accepts no callbacks";
            Finding::new(Level::Warning, "listener-stopping", place, what, "start it again")
        }
        _ => listener("admin", &place, &found, is_ready),
    });
}

/// Whether it is known where the listener is.
fn has_port(listen: &Address) -> bool {
    listen.tcp().is_none_or(|address| address.port() != 0)
}

/// Whether an answer is Callgate's refusal of an address that is not in `allow_networks`, such as this machine's.
fn is_network(found: &Found) -> bool {
    matches!(found, Found::Answer(403, body) if body.contains("`allow_networks`"))
}

fn ask_own(listen: &Address, tls: Option<&TlsFiles>, path: &str) -> Found {
    match (own(listen.clone()), tls) {
        (Address::Tcp(address), None) => ask(&address.ip().to_string(), address.port(), path),
        (address, tls) => {
            let asked = connect(&address).and_then(|stream| match tls {
                None => get(stream, "localhost", path),
                Some(files) => get_securely(stream, &address, files, path),
            });
            let asks_for_certificate = tls.is_some_and(|files| files.client_ca.is_some());
            asked.unwrap_or_else(|error| of_error(&error, asks_for_certificate))
        }
    }
}

/// As [`get`], with TLS.
fn get_securely(
    mut stream: Box<dyn Connected>,
    address: &Address,
    files: &TlsFiles,
    path: &str,
) -> std::io::Result<Found> {
    let config = match trusting(files) {
        Ok(config) => config,
        Err(error) => return Ok(Found::NoCertificate(error.key, error.to_string())),
    };
    let name = address.tcp().map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip());
    let session = rustls::ClientConnection::new(Arc::new(config), name.into());
    let mut session = session.map_err(std::io::Error::other)?;
    session.complete_io(&mut stream)?;
    // From here on, the listener has shown the certificate of the settings.
    match get(rustls::StreamOwned::new(session, stream), "localhost", path) {
        // With TLS 1.3 a client learns only now that its certificate is missed, and the alert that says so can be lost
        // with the connection.
        Ok(Found::Silence) | Err(_) if files.client_ca.is_some() => Ok(Found::AsksForCertificate),
        asked => asked,
    }
}

/// What an error says about the listener.
fn of_error(error: &std::io::Error, asks_for_certificate: bool) -> Found {
    use rustls::{AlertDescription, Error};
    match tls_error(error) {
        // It is sent by a server whose own certificate was right: this client has checked that first. Before TLS 1.3,
        // there is only the general alert.
        Some(Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure))
            if asks_for_certificate =>
        {
            return Found::AsksForCertificate;
        }
        Some(Error::InvalidCertificate(_)) => return Found::OtherCertificate,
        _ => {}
    }
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound => Found::NoListener,
        std::io::ErrorKind::PermissionDenied => Found::Unreachable(error.to_string()),
        _ => Found::Silence,
    }
}

fn tls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// A stream of any kind.
trait Connected: Read + Write {}

impl<S: Read + Write> Connected for S {}

fn connect(address: &Address) -> std::io::Result<Box<dyn Connected>> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, WITHIN)?;
            stream.set_read_timeout(Some(WITHIN))?;
            stream.set_write_timeout(Some(WITHIN))?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let stream = std::os::unix::net::UnixStream::connect(path)?;
            stream.set_read_timeout(Some(WITHIN))?;
            stream.set_write_timeout(Some(WITHIN))?;
            Ok(Box::new(stream))
        }
        #[cfg(not(unix))]
        Address::Unix(_) => Err(std::io::ErrorKind::Unsupported.into()),
    }
}

fn listener(id: &'static str, place: &str, found: &Found, is_callgate: bool) -> Finding {
    match found {
        _ if is_callgate => Finding::ok(id, place, "Callgate answers here"),
        Found::AsksForCertificate => {
            Finding::ok(id, place, "the certificate is the one of the settings, and clients must show their own")
        }
        Found::OtherCertificate => {
            let what = "another certificate than the one in the settings is served here: the host has not loaded the file \
                        yet or refuses it, or another program listens here";
            let todo = "see the log of the host, or have it reload (SIGHUP)";
            Finding::new(Level::Error, "listener-certificate", place, what, todo)
        }
        Found::NoCertificate(key, why) => {
            let what = format!("it is not known which certificate belongs here: `tls.{key}` {why}");
            Finding::new(Level::Error, "listener-certificate", place, what, "correct the file")
        }
        Found::NoListener => {
            let what = "no process listens here: Callgate is not running";
            Finding::new(Level::Warning, "listener-off", place, what, "start it: callgate serve --settings FILE")
        }
        Found::Unreachable(why) => {
            let what = format!("this address cannot be reached ({why})");
            Finding::new(Level::Error, "listener-unreachable", place, what, "use an address of this machine")
        }
        Found::Answer(..) | Found::Silence => {
            let what = "another program listens here, or a Callgate with other settings";
            let todo = "stop that program, or change the address";
            Finding::new(Level::Error, "listener-taken", place, what, todo)
        }
    }
}
