//! Connections that end before a request comes: what came instead.

/// What came on a connection that ended before a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndedEarly {
    /// Nothing: a health check that only connects, or a client that opened a connection and did not use it.
    Silent,
    /// The beginning of a TLS handshake.
    Tls,
    /// The preface of HTTP/2.
    Http2,
    /// A header of the PROXY protocol, version 1 or 2.
    ProxyProtocol,
    /// A part of a request, or one whose head was refused.
    Unfinished,
    /// Anything else that is no request.
    NotHttp,
}

/// How many of the first bytes it takes to tell.
pub(super) const FIRST_BYTES: usize = 24;

impl EndedEarly {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Silent, Self::Tls, Self::Http2, Self::ProxyProtocol, Self::Unfinished, Self::NotHttp];

    /// What a connection begins with that has brought no request.
    ///
    /// ```
    /// use callgate::edge::EndedEarly;
    /// assert_eq!(EndedEarly::from_first(b"\x16\x03\x01\x02\0"), EndedEarly::Tls);
    /// assert_eq!(EndedEarly::from_first(b""), EndedEarly::Silent);
    /// ```
    #[must_use]
    pub fn from_first(bytes: &[u8]) -> Self {
        // RFC 8446, 5.1: a record of the type "handshake", and the version.
        const TLS: &[u8] = b"\x16\x03";
        // RFC 9113, 3.4.
        const HTTP2: &[u8] = b"PRI * HTTP/2.0";
        // The PROXY protocol's specification, 2.1 and 2.2.
        const PROXY: [&[u8]; 2] = [b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"];
        match bytes {
            [] => Self::Silent,
            _ if bytes.starts_with(TLS) => Self::Tls,
            _ if bytes.starts_with(HTTP2) => Self::Http2,
            _ if PROXY.iter().any(|proxy| bytes.starts_with(proxy)) => Self::ProxyProtocol,
            _ if begins_with_method(bytes) => Self::Unfinished,
            _ => Self::NotHttp,
        }
    }

    /// Its index in [`EndedEarly::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|cause| *cause == self).unwrap_or_default()
    }

    /// The name in metrics and the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Tls => "tls",
            Self::Http2 => "http2",
            Self::ProxyProtocol => "proxy_protocol",
            Self::Unfinished => "unfinished",
            Self::NotHttp => "not_http",
        }
    }

    /// What an operator should do about it; `None`: nothing.
    #[must_use]
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Silent | Self::Unfinished => None,
            Self::Tls => Some(
                "it began with TLS, and this port speaks plain HTTP: write http:// in the chat server's URL, or put a \
                 proxy in front that ends TLS",
            ),
            Self::Http2 => Some(
                "it began with HTTP/2, and this port speaks HTTP/1.1 only: have the client or the proxy in front use \
                 HTTP/1.1",
            ),
            Self::ProxyProtocol => Some(
                "it began with a header of the PROXY protocol, which is not understood here: turn it off in the proxy \
                 in front",
            ),
            Self::NotHttp => Some("what came is not HTTP/1.1: look at what the client, or the proxy in front, sends"),
        }
    }
}

/// Whether these bytes can be the beginning of a request: `POST /`.
fn begins_with_method(bytes: &[u8]) -> bool {
    let letters = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    (1..=7).contains(&letters) && bytes.get(letters).is_none_or(|next| *next == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        for (bytes, cause) in [
            (&b"\x16\x03\x01"[..], EndedEarly::Tls),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", EndedEarly::Http2),
            (b"PROXY TCP4 1.2.3.4", EndedEarly::ProxyProtocol),
            (b"\r\n\r\n\0\r\nQUIT\n\x21", EndedEarly::ProxyProtocol),
            (b"POST /openim HTTP/1.1", EndedEarly::Unfinished),
            (b"PO", EndedEarly::Unfinished),
            (b"EHLO me", EndedEarly::Unfinished),
            (b"hello", EndedEarly::NotHttp),
            (b"\0", EndedEarly::NotHttp),
        ] {
            assert_eq!(EndedEarly::from_first(bytes), cause);
        }
        assert!(EndedEarly::ALL.iter().enumerate().all(|(index, cause)| cause.index() == index));
    }
}
