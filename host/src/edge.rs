//! Bytes in and out: connections, their bounds, and the graceful stop. What the requests mean is not known here.

mod connection;
mod crowd;
mod door;
mod early;
mod framing;
mod handshake;
mod listener;
mod pulse;
mod respond;
mod rewind;
mod tls;
mod vanished;
mod watch;
mod wire;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::timeout;

use crate::settings::Server;
use crowd::Crowd;
use door::Door;

pub use early::EndedEarly;
pub use framing::HeadRefusal;
pub use listener::Listener;
pub use pulse::Peer;
pub use respond::{Closed, Respond};
pub use tls::{Tls, TlsError, trusting};
pub use vanished::Stream;

/// Whether callbacks are welcome: from the start until the stop begins.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Whether callbacks are welcome.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn stop(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

/// Answers the requests that arrive on one connection, until it ends or is idle for too long.
///
/// This is what [`serve`] does with each connection that it accepts; tests bring streams of their own.
pub async fn converse(stream: impl Stream, app: impl Respond, settings: &Server, peer: Peer) {
    let crowd = Crowd::new();
    // Without a maximum there is always room.
    if let Some(member) = crowd.enter(peer, 0) {
        connection::converse(stream, app, settings, Arc::clone(&crowd), Arc::clone(&member.pulse)).await;
    }
}

/// Serves until `stop` completes. Then it is no longer ready, and goes on for `drain_delay`, with each answer as the
/// last of its connection; then it stops accepting, answers what is running, and closes.
pub async fn serve(
    listener: Listener,
    app: impl Respond,
    settings: &Server,
    ready: Readiness,
    stop: impl Future<Output = Stop>,
) {
    let mut door = Door::new(listener, app, Arc::new(settings.clone()));
    let stop = door.accept_until(stop).await;
    ready.stop();
    door.drain();
    if stop == Stop::Drain && !settings.drain_delay.is_zero() {
        door.accept_until(tokio::time::sleep(settings.drain_delay)).await;
    }
    if timeout(settings.shutdown_within, door.close()).await.is_err() {
        tracing::warn!("connections were still open after `shutdown_within_ms` and are closed now");
    }
}

/// How to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Chat servers have `drain_delay` to notice.
    Drain,
    /// Without that.
    Now,
}
