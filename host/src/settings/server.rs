//! `[server]` and `[admin]`: where and how requests are received.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use callgate_dialects::Secret;
use ipnet::IpNet;

use super::file::{KIB, MIB, MS_PER_HOUR, Section, ms, size};
use super::listen::{Address, listen_at};
use super::secret::{self, Found};

/// Where and how callbacks are received.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen.
    pub listen: Address,
    /// Permissions of the Unix socket.
    pub socket_mode: u32,
    /// How TLS is spoken; `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Maximum time for a TLS handshake.
    pub tls_handshake_within: Duration,
    /// Maximum number of concurrent TLS handshakes.
    pub tls_handshakes_max: usize,
    /// Maximum size of a body, in bytes.
    pub body_bytes_max: usize,
    /// Maximum total size of all bodies, in bytes; only the part of each beyond 64 KiB counts.
    pub bodies_bytes_max: usize,
    /// Maximum number of callbacks answered concurrently; further ones wait, within their deadline.
    pub in_flight_max: usize,
    /// Maximum number of open connections; beyond it, new ones wait until refused and idle ones are closed.
    pub connections_max: usize,
    /// Maximum number of open connections of one address; 0: no maximum.
    pub connections_per_address_max: usize,
    /// Limits for the heads of requests.
    pub head: HeadLimits,
    /// Maximum time from the first byte of a head to its last.
    pub head_within: Duration,
    /// Least number of bytes of a body that must arrive per second, after the first second; 0: no minimum.
    pub body_bytes_per_second_min: u64,
    /// A connection without a new request for this long is closed.
    pub idle_within: Duration,
    /// Time between the signal to stop and the end of accepting connections.
    pub drain_delay: Duration,
    /// Time to finish running callbacks when the service stops, after that.
    pub shutdown_within: Duration,
    /// Whether it starts without plugins that cannot be loaded.
    pub start: Start,
}

/// Which plugins the host starts with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// All of them, or it does not start.
    #[default]
    All,
    /// Those that can be loaded. For the others `on_fault` decides.
    Healthy,
}

const START: [(&str, Start); 2] = [("all", Start::All), ("healthy", Start::Healthy)];

/// Limits for the head of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Maximum size of a head, in bytes, with the request line and the empty line at its end.
    pub bytes_max: usize,
    /// Maximum size of the URL in the request line, in bytes.
    pub uri_bytes_max: usize,
    /// Maximum number of headers.
    pub headers_max: usize,
}

pub(super) fn read(mut section: Section<'_, '_>) -> Server {
    let server = Server {
        listen: address(&mut section).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)).into()),
        socket_mode: mode(&mut section),
        tls: tls(&mut section),
        // A handshake is two round trips and some milliseconds of CPU time.
        tls_handshake_within: ms(section.number("tls_handshake_within_ms", 10_000, 100, MS_PER_HOUR)),
        // A quarter of all connections: those that stall must not take the places of those that are in use.
        tls_handshakes_max: size(section.number("tls_handshakes_max", 1024, 1, 1 << 20)),
        body_bytes_max: size(section.number("body_bytes_max", 8 * MIB, 1, 1024 * MIB)),
        // 32 bodies of the maximum size: OpenIM opens at most 100 connections, and nearly all bodies are small.
        bodies_bytes_max: size(section.number("bodies_bytes_max", 256 * MIB, 0, 1024 * 1024 * MIB)),
        // As many as connections, because requests waiting here share one queue for all plugins. The workers' queues
        // are fair.
        in_flight_max: size(section.number("in_flight_max", 4096, 1, 1 << 20)),
        connections_max: size(section.number("connections_max", 4096, 1, 1 << 20)),
        // A chat server, or a proxy in front, has one address for all its connections.
        connections_per_address_max: size(section.number("connections_per_address_max", 0, 0, 1 << 20)),
        head: HeadLimits {
            // Callbacks have heads of less than 1 KiB; proxies add some.
            bytes_max: size(section.number("head_bytes_max", 64 * KIB, 1024, MIB)),
            uri_bytes_max: size(section.number("uri_bytes_max", 16 * KIB, 256, 64 * KIB - 2)),
            // More than that, hyper would need memory for, for each request.
            headers_max: size(section.number("headers_max", 100, 8, 100)),
        },
        // As nginx, Apache and Caddy: from 10 s to a minute.
        head_within: ms(section.number("head_within_ms", 10_000, 100, MS_PER_HOUR)),
        body_bytes_per_second_min: section.number("body_bytes_per_second_min", KIB, 0, MIB),
        // Chat servers keep idle connections open forever, and a POST that meets a closing one fails the operation.
        idle_within: ms(section.number("idle_within_ms", MS_PER_HOUR, 1000, 24 * MS_PER_HOUR)),
        // A Kubernetes Service or a load balancer takes some seconds to send no more.
        drain_delay: ms(section.number("drain_delay_ms", 5000, 0, MS_PER_HOUR)),
        shutdown_within: ms(section.number("shutdown_within_ms", 10_000, 0, MS_PER_HOUR)),
        start: section.choice("start", &START).unwrap_or_default(),
    };
    section.finish();
    server
}

/// The listener for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Where to listen.
    pub listen: Address,
    /// Permissions of the Unix socket.
    pub socket_mode: u32,
    /// How TLS is spoken; `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// What operators have to show, except for /healthz and /readyz; `None`: nothing.
    pub token: Option<Secret>,
    /// The networks that may connect; empty: all.
    pub allow_networks: Networks,
}

impl Admin {
    /// Whether both have the same listener; token and networks may differ.
    pub(crate) fn listens_as(&self, other: &Self) -> bool {
        // Destructured in full, so that a new key has to be considered here.
        let Self { listen, socket_mode, tls, token: _, allow_networks: _ } = self;
        *listen == other.listen && *socket_mode == other.socket_mode && *tls == other.tls
    }
}

/// The files of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and its root, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
    /// The roots of the certificates that clients must show, as PEM; `None`: clients need no certificate.
    pub client_ca: Option<PathBuf>,
}

/// Networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether a peer with this address is in one of them. One without an address has come through a Unix socket, whose
    /// permissions say who may. Without any networks, all are.
    #[must_use]
    pub fn allow(&self, address: Option<IpAddr>) -> bool {
        let Self(networks) = self;
        networks.is_empty() || address.is_none_or(|address| networks.iter().any(|network| network.contains(&address)))
    }

    /// Whether they exclude anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the key `allow_networks`.
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self(networks(section, "allow_networks"))
    }
}

/// Reads a list of networks and addresses; empty if the key is absent.
pub(super) fn networks(section: &mut Section<'_, '_>, key: &'static str) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for at in section.texts(key).unwrap_or_default() {
        let network = at.value.parse::<IpNet>().or_else(|_| at.value.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => networks.push(network.trunc()),
            Err(_) => section.file().report(
                at.at,
                &at.key,
                "must be networks or addresses, for example [\"10.0.0.0/8\", \"2001:db8::1\"]",
            ),
        }
    }
    networks
}

pub(super) fn read_admin(mut section: Section<'_, '_>) -> Option<Admin> {
    let off = section.flag("off", false);
    let admin = Admin {
        listen: address(&mut section).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8081)).into()),
        socket_mode: mode(&mut section),
        tls: tls(&mut section),
        token: None,
        allow_networks: Networks::read(&mut section),
    };
    let token = secret::one(&mut section, "token");
    if !off && !admin.listen.is_local() && matches!(token, Found::Nothing) {
        let why = "can be reached from other machines, so it requires a `token` = { env = \"NAME\" } or { file = \
                   \"path\" }; or use a loopback address, such as \"127.0.0.1:8081\"";
        section.report("listen", why);
    }
    section.finish();
    (!off).then_some(Admin { token: token.into_secret(), ..admin })
}

fn tls(section: &mut Section<'_, '_>) -> Option<TlsFiles> {
    if !section.has("tls") {
        return None;
    }
    let mut table = section.section("tls");
    let mut path = |key: &'static str| table.text(key).map(|at| table.file().beside(at.value));
    let (certificate, key, client_ca) = (path("certificate"), path("key"), path("client_ca"));
    for (name, path) in [("certificate", &certificate), ("key", &key)] {
        if path.is_none() && !table.has(name) {
            let why = "must be { certificate = \"cert.pem\", key = \"key.pem\" }, with client_ca = \"ca.pem\" if clients \
                       must present a certificate";
            table.report("", why);
            break;
        }
    }
    table.finish();
    Some(TlsFiles { certificate: certificate?, key: key?, client_ca })
}

/// Permissions of a Unix socket, as `chmod` takes them.
fn mode(section: &mut Section<'_, '_>) -> u32 {
    const DEFAULT: u32 = 0o660;
    let Some(text) = section.text("socket_mode") else { return DEFAULT };
    match u32::from_str_radix(text.value, 8) {
        Ok(mode) if mode <= 0o777 && text.value.len() <= 4 => mode,
        _ => {
            section.report("socket_mode", "must be octal permissions, as for `chmod`, for example \"660\"");
            DEFAULT
        }
    }
}

fn address(section: &mut Section<'_, '_>) -> Option<Address> {
    let listen = section.text("listen")?;
    listen_at(listen.value).map_err(|why| section.report("listen", why)).ok()
}
