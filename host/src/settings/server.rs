//! `[server]` and `[admin]`: where and how requests are received.

use std::net::SocketAddr;
use std::time::Duration;

use super::file::{MIB, MS_PER_HOUR, Section, ms, size};
use super::listen::listen_address;

/// Where and how callbacks are received.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Maximum size of a body, in bytes.
    pub body_bytes_max: usize,
    /// Maximum total size of all bodies, in bytes; only the part of each beyond 64 KiB counts.
    pub bodies_bytes_max: usize,
    /// Maximum number of callbacks answered concurrently; further ones wait, within their deadline.
    pub in_flight_max: usize,
    /// Maximum number of open connections; further ones wait to be accepted.
    pub connections_max: usize,
    /// A connection without a new request for this long is closed.
    pub idle_within: Duration,
    /// Time to finish running callbacks when the service stops.
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

pub(super) fn read(mut section: Section<'_, '_>) -> Server {
    let server = Server {
        listen: address(&mut section).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
        body_bytes_max: size(section.number("body_bytes_max", 8 * MIB, 1, 1024 * MIB)),
        // 32 bodies of the maximum size: OpenIM opens at most 100 connections, and nearly all bodies are small.
        bodies_bytes_max: size(section.number("bodies_bytes_max", 256 * MIB, 0, 1024 * 1024 * MIB)),
        // As many as connections, because requests waiting here share one queue for all plugins. The workers' queues
        // are fair.
        in_flight_max: size(section.number("in_flight_max", 4096, 1, 1 << 20)),
        connections_max: size(section.number("connections_max", 4096, 1, 1 << 20)),
        // Chat servers keep idle connections open forever, and a POST that meets a closing one fails the operation.
        idle_within: ms(section.number("idle_within_ms", MS_PER_HOUR, 1000, 24 * MS_PER_HOUR)),
        shutdown_within: ms(section.number("shutdown_within_ms", 10_000, 0, MS_PER_HOUR)),
        start: section.choice("start", &START).unwrap_or_default(),
    };
    section.finish();
    server
}

pub(super) fn read_admin(mut section: Section<'_, '_>) -> Option<SocketAddr> {
    let off = section.flag("off", false);
    let listen = address(&mut section).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8081)));
    section.finish();
    (!off).then_some(listen)
}

fn address(section: &mut Section<'_, '_>) -> Option<SocketAddr> {
    let listen = section.text("listen")?;
    listen_address(listen.value).map_err(|why| section.report("listen", why)).ok()
}
