//! What a connection asks for.

use std::future::Future;

use axum::body::Body;
use hyper::body::Incoming;

use super::early::EndedEarly;
use super::framing::HeadRefusal;
use super::pulse::Peer;

/// Why connections were closed that might have brought requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Their address has `connections_per_address_max` already.
    AddressMax,
    /// There are `connections_max`, and others came: these had brought nothing that was answered, or were idle.
    Room,
    /// There are `tls_handshakes_max` handshakes under way, and others wait: these took long.
    HandshakesMax,
    /// They did not finish a TLS handshake within `tls_handshake_within_ms`.
    HandshakeTooSlow,
    /// Their TLS handshake failed.
    HandshakeFailed,
}

impl Closed {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::AddressMax, Self::Room, Self::HandshakesMax, Self::HandshakeTooSlow, Self::HandshakeFailed];

    /// The name in metrics and the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AddressMax => "connections_per_address_max",
            Self::Room => "connections_max",
            Self::HandshakesMax => "tls_handshakes_max",
            Self::HandshakeTooSlow => "tls_handshake_within_ms",
            Self::HandshakeFailed => "tls_handshake_failed",
        }
    }

    /// What happened, and what an operator can do.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::AddressMax => "an address has opened more than `connections_per_address_max`",
            Self::Room => {
                "there were `connections_max`, and those that brought nothing but refusals, or were idle, made room: \
                 keep strangers away from this port, or raise the maximum"
            }
            Self::HandshakesMax => {
                "there were `tls_handshakes_max` TLS handshakes under way, and those that took long made room: keep \
                 strangers away from this port, or raise the maximum"
            }
            Self::HandshakeTooSlow => "a TLS handshake was not finished within `tls_handshake_within_ms`",
            Self::HandshakeFailed => {
                "a TLS handshake failed: the client does not trust the certificate, has none that is asked for, or does \
                 not speak TLS 1.2 or newer"
            }
        }
    }
}

/// Something that answers requests, whatever happens.
pub trait Respond: Clone + Send + Sync + Unpin + 'static {
    /// Answers one request of this peer.
    fn respond(
        &self,
        request: http::Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = http::Response<Body>> + Send;

    /// The JSON that refuses a head; `None`: it is refused without a body.
    fn refuse_head(&self, refusal: HeadRefusal) -> Option<Vec<u8>> {
        let _ = refusal;
        None
    }

    /// Connections were closed for this reason.
    fn closed(&self, why: Closed, connections: usize) {
        let _ = (why, connections);
    }

    /// A connection ended before a request came.
    fn ended_early(&self, cause: EndedEarly) {
        let _ = cause;
    }
}
