//! A listener, and those who came in.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::connection;
use super::crowd::{Crowd, Member};
use super::handshake::Handshakes;
use super::listener::{Accepted, Listener};
use super::pulse::{Order, Peer};
use super::respond::{Closed, Respond};
use super::vanished::Stream;
use crate::settings::Server;

pub(super) struct Door<A> {
    listener: Listener,
    welcome: Welcome<A>,
    /// Accepted, and waiting for room.
    next: Option<(Accepted, Peer)>,
}

/// What happens to those who come in.
#[derive(Clone)]
struct Welcome<A> {
    app: A,
    settings: Arc<Server>,
    crowd: Arc<Crowd>,
    /// `None`: plain HTTP is spoken.
    handshakes: Option<Arc<Handshakes>>,
}

/// Pause after a failure to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl<A: Respond> Door<A> {
    pub(super) fn new(mut listener: Listener, app: A, settings: Arc<Server>) -> Self {
        let handshakes = listener
            .take_tls()
            .map(|tls| Arc::new(Handshakes::new(tls, settings.tls_handshake_within, settings.tls_handshakes_max)));
        Self { listener, welcome: Welcome { app, settings, crowd: Crowd::new(), handshakes }, next: None }
    }

    /// Accepts connections until `stop` completes.
    pub(super) async fn accept_until<T>(&mut self, stop: impl Future<Output = T>) -> T {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                biased;
                stopped = &mut stop => return stopped,
                _ = seconds.tick() => {
                    self.welcome.crowd.tick();
                    self.welcome.make_room_for_handshakes();
                }
                accepted = self.listener.accept(), if self.next.is_none() => match accepted {
                    Ok(accepted) => self.next = Some(accepted),
                    Err(error) => {
                        // Out of file descriptors, most likely: accepting again at once would only burn this core.
                        tracing::warn!("a connection could not be accepted: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                () = self.welcome.crowd.fewer_than(self.welcome.settings.connections_max), if self.next.is_some() => {}
            }
            self.let_in();
        }
    }

    /// Serves the accepted connection, or makes room for it first.
    fn let_in(&mut self) {
        if self.next.is_none() {
            return;
        }
        if self.welcome.crowd.len() >= self.welcome.settings.connections_max {
            let closed = self.welcome.crowd.make_room();
            if closed > 0 {
                self.welcome.app.closed(Closed::Room, closed);
            }
        } else if let Some((stream, peer)) = self.next.take() {
            self.welcome.begin(stream, peer);
        }
    }

    /// From now on, each answer is the last of its connection.
    pub(super) fn drain(&self) {
        self.welcome.crowd.give(Order::Drain);
    }

    /// Stops accepting, and waits until all connections are closed.
    pub(super) async fn close(self) {
        let Self { listener, welcome, next } = self;
        welcome.crowd.give(Order::Finish);
        for (stream, peer) in next.into_iter().chain(listener.close()) {
            welcome.begin(stream, peer);
        }
        welcome.crowd.fewer_than(1).await;
    }
}

impl<A: Respond> Welcome<A> {
    fn begin(&self, stream: Accepted, peer: Peer) {
        let Some(member) = self.crowd.enter(peer, self.settings.connections_per_address_max) else {
            return self.app.closed(Closed::AddressMax, 1);
        };
        match stream {
            Accepted::Tcp(stream) => self.spawn(stream, member),
            #[cfg(unix)]
            Accepted::Unix(stream) => self.spawn(stream, member),
        }
    }

    /// While there are as many handshakes as there may be, those that take long are closed for those that wait. Looked
    /// at each second, and not for each connection: none is closed in its first second.
    fn make_room_for_handshakes(&self) {
        if self.handshakes.as_ref().is_some_and(|handshakes| handshakes.are_many()) {
            let closed = self.crowd.make_room_for_handshakes();
            if closed > 0 {
                self.app.closed(Closed::HandshakesMax, closed);
            }
        }
    }

    fn spawn(&self, stream: impl Stream, member: Member) {
        let Self { app, settings, crowd, handshakes } = self.clone();
        let Some(handshakes) = handshakes else {
            tokio::spawn(converse(stream, app, settings, crowd, member));
            return;
        };
        tokio::spawn(async move {
            if let Some(stream) = handshakes.shake(stream, &app, &crowd, &member.pulse).await {
                converse(stream, app, settings, crowd, member).await;
            }
        });
    }
}

async fn converse(stream: impl Stream, app: impl Respond, settings: Arc<Server>, crowd: Arc<Crowd>, member: Member) {
    let pulse = Arc::clone(&member.pulse);
    connection::converse(stream, app, &settings, crowd, pulse).await;
    drop(member);
}
