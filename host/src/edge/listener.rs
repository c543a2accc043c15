//! Where connections come from.

#[cfg(unix)]
mod socket;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::pulse::Peer;
use super::tls::Tls;
use crate::settings::Address;

/// A listener of any kind.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    tls: Option<Arc<Tls>>,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(socket::Socket),
}

/// A connection of any kind.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

/// Maximum number of connections that wait to be accepted; the system reduces it to its own maximum
/// (`net.core.somaxconn`). With a lower number, some clients of a burst retry only after a second. Those that have sent
/// more than one packet are reset, because the kernel then uses SYN cookies and accepts only the first packet.
const BACKLOG: u32 = 65_535;

impl Listener {
    /// Listens on an address. Must be called in a runtime. `socket_mode`: permissions of a Unix socket.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn bind(address: &Address, socket_mode: u32) -> io::Result<Self> {
        let kind = match address {
            Address::Tcp(address) => Kind::Tcp(tcp(*address)?),
            #[cfg(unix)]
            Address::Unix(path) => Kind::Unix(socket::Socket::bind(path, socket_mode, BACKLOG)?),
            #[cfg(not(unix))]
            Address::Unix(_) => {
                let _ = socket_mode;
                return Err(io::ErrorKind::Unsupported.into());
            }
        };
        Ok(Self { kind, tls: None })
    }

    /// Speaks TLS with those who connect.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<Tls>) -> Self {
        self.tls = Some(tls);
        self
    }

    pub(super) fn take_tls(&mut self) -> Option<Arc<Tls>> {
        self.tls.take()
    }

    /// Its IP address and port, if it has them. With port 0 the system has chosen the port.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.kind {
            Kind::Tcp(listener) => listener.local_addr().ok(),
            #[cfg(unix)]
            Kind::Unix(_) => None,
        }
    }

    /// Waits for a connection.
    pub(super) async fn accept(&self) -> io::Result<(Accepted, Peer)> {
        match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are small and awaited: there is nothing to gather.
                let _ = stream.set_nodelay(true);
                Ok((Accepted::Tcp(stream), Peer::new(address.ip())))
            }
            #[cfg(unix)]
            Kind::Unix(socket) => Ok((Accepted::Unix(socket.accept().await?), Peer::default())),
        }
    }

    /// Accepts those who wait already, and closes.
    pub(super) fn close(self) -> Vec<(Accepted, Peer)> {
        match self.kind {
            Kind::Tcp(listener) => waiting(listener),
            #[cfg(unix)]
            Kind::Unix(socket) => {
                socket.close().into_iter().map(|stream| (Accepted::Unix(stream), Peer::default())).collect()
            }
        }
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As the standard library does: a restart need not wait for connections of the last run to expire.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn waiting(listener: TcpListener) -> Vec<(Accepted, Peer)> {
    let mut waiting = Vec::new();
    let Ok(listener) = listener.into_std() else { return waiting };
    while let Ok((stream, address)) = listener.accept() {
        let _ = stream.set_nonblocking(true);
        let _ = stream.set_nodelay(true);
        if let Ok(stream) = TcpStream::from_std(stream) {
            waiting.push((Accepted::Tcp(stream), Peer::new(address.ip())));
        }
    }
    waiting
}
