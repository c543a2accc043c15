//! Where connections come from.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::pulse::Peer;

/// A listener of any kind.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
}

/// A connection of any kind.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Kind::Tcp(listener))
    }
}

/// How many connections may wait to be accepted: as many as the system allows, which takes this for its own maximum
/// (`net.core.somaxconn`). With less, a client of a burst sends its first packet again after a second.
const BACKLOG: u32 = 65_535;

impl Listener {
    /// Listens on an address. Must be called in a runtime.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // As the standard library does: a restart need not wait for connections of the last run to expire.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket.listen(BACKLOG)?.into())
    }

    /// Its address. With port 0 the system has chosen the port.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().ok(),
        }
    }

    /// Waits for a connection.
    pub(super) async fn accept(&self) -> io::Result<(Accepted, Peer)> {
        match &self.0 {
            Kind::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are small and awaited: there is nothing to gather.
                let _ = stream.set_nodelay(true);
                Ok((Accepted::Tcp(stream), Peer::new(address.ip())))
            }
        }
    }

    /// Accepts those who wait already, and closes.
    pub(super) fn close(self) -> Vec<(Accepted, Peer)> {
        let mut rest = Vec::new();
        match self.0 {
            Kind::Tcp(listener) => {
                let Ok(listener) = listener.into_std() else { return rest };
                while let Ok((stream, address)) = listener.accept() {
                    let _ = stream.set_nonblocking(true);
                    let _ = stream.set_nodelay(true);
                    if let Ok(stream) = TcpStream::from_std(stream) {
                        rest.push((Accepted::Tcp(stream), Peer::new(address.ip())));
                    }
                }
            }
        }
        rest
    }
}
