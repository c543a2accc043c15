//! `[server]` and `[admin]`: where and how requests are received.

use std::net::SocketAddr;
use std::time::Duration;

use super::file::{KIB, MIB, MS_PER_HOUR, Section, ms, size};
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
    /// Maximum number of open connections; beyond it, refused and idle ones make room for new ones, which wait for that.
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
}

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
        listen: address(&mut section).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
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
