//! Addresses to listen on.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// At an IP address and a port.
    Tcp(SocketAddr),
    /// At a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// The IP address and port, if it has them.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// Whether only this machine reaches it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.tcp().is_none_or(|address| address.ip().is_loopback())
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where to listen: an IP address or a name, and a port, without either all IPv4 addresses; or `unix:` and the path of
/// a socket.
///
/// # Errors
/// What would be right. It does not repeat the text, which may be anything.
///
/// ```
/// use callgate::settings::listen_at;
/// assert_eq!(listen_at("unix:/run/callgate.sock").unwrap().to_string(), "unix:/run/callgate.sock");
/// assert_eq!(listen_at("[::1]:8080").unwrap().to_string(), "[::1]:8080");
/// assert!(listen_at("unix:callgate.sock").is_err()); // not from the root
/// ```
pub fn listen_at(text: &str) -> Result<Address, &'static str> {
    match text.strip_prefix("unix:") {
        // The kernel's own maximum, with the zero at the end.
        Some(path) if !path.starts_with('/') || path.ends_with('/') || path.len() > 107 => Err(EXPECTED_SOCKET),
        Some(_) if !cfg!(unix) => Err("this system has no Unix sockets: use an address and a port"),
        Some(path) => Ok(Address::Unix(PathBuf::from(path))),
        None => listen_address(text).map(Address::Tcp),
    }
}

const EXPECTED_SOCKET: &str = "must be `unix:` and the absolute path of a socket, of at most 107 bytes, for example \
                               \"unix:/run/callgate/callgate.sock\"";

/// An address to listen on: an IP address or a name, and a port; without either, all IPv4 addresses.
///
/// # Errors
/// What would be right. It does not repeat the text, which may be anything.
///
/// ```
/// use callgate::settings::listen_address;
/// assert_eq!(listen_address("[::1]:8080").unwrap().to_string(), "[::1]:8080");
/// assert_eq!(listen_address(":8080").unwrap().to_string(), "0.0.0.0:8080");
/// assert!(listen_address("localhost").is_err()); // no port
/// ```
pub fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (name, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
    let port: u16 = port.parse().map_err(|_| EXPECTED)?;
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    match name {
        "" => Ok((Ipv4Addr::UNSPECIFIED, port).into()),
        // Without a look-up: it works without a network, too.
        "localhost" => Ok((Ipv4Addr::LOCALHOST, port).into()),
        name if is_name(name) => {
            let found: Vec<SocketAddr> = (name, port).to_socket_addrs().map_err(|_| UNKNOWN)?.collect();
            let first_v4 = found.iter().find(|address| matches!(address.ip(), IpAddr::V4(_)));
            first_v4.or(found.first()).copied().ok_or(UNKNOWN)
        }
        _ => Err(EXPECTED),
    }
}

const EXPECTED: &str = "must be an address or a name, and a port, for example \"127.0.0.1:8080\", \"[::]:8080\", \
                        \"localhost:8080\", or \":8080\" for all addresses";

const UNKNOWN: &str = "no address is known for this name: write the address itself, or correct the name";

/// Whether two listeners cannot both have their address: the ports are the same, and the addresses are, too, or one of
/// them is for all.
pub(crate) fn is_taken_twice(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Tcp(one), Address::Tcp(other)) => is_port_taken_twice(*one, *other),
        (one, other) => one == other,
    }
}

fn is_port_taken_twice(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && one.port() != 0
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_what_is_neither() {
        let shown = |text: &str| listen_address(text).map(|address| address.to_string());
        assert_eq!(shown("localhost:0"), Ok("127.0.0.1:0".to_owned()));
        assert_eq!(shown("0.0.0.0:65535"), Ok("0.0.0.0:65535".to_owned()));
        for wrong in
            ["", ":", "8080", "localhost:", "localhost:65536", "localhost:http", "a b:80", "http://x:80", "::1:80:x"]
        {
            assert_eq!(shown(wrong), Err(EXPECTED), "{wrong}");
        }
    }

    #[test]
    fn the_same_port_of_all_addresses_is_the_same() {
        let twice = |one: &str, other: &str| is_taken_twice(&listen_at(one).unwrap(), &listen_at(other).unwrap());
        assert!(twice("127.0.0.1:80", "127.0.0.1:80") && twice("0.0.0.0:80", "127.0.0.1:80"));
        assert!(twice("127.0.0.1:80", "[::]:80"));
        assert!(!twice("127.0.0.1:0", "127.0.0.1:0") && !twice("127.0.0.1:80", "127.0.0.2:80"));
        assert!(!twice("127.0.0.1:80", "127.0.0.1:81") && !twice("127.0.0.1:80", "unix:/a"));
        assert!(twice("unix:/a", "unix:/a") && !twice("unix:/a", "unix:/b"));
    }
}
