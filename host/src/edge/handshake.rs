//! The beginning of a connection that speaks TLS.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;
use tokio::time::error::Elapsed;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::crowd::Crowd;
use super::early::EndedEarly;
use super::framing::HeadRefusal;
use super::pulse::{Handshake, Order, Pulse};
use super::respond::{Closed, Respond};
use super::rewind::Rewind;
use super::tls::Tls;
use super::vanished::{Stream, linger};
use super::wire::refusal;

/// The TLS of a listener, and the handshakes under way.
#[derive(Debug)]
pub(super) struct Handshakes {
    tls: Arc<Tls>,
    permits: Semaphore,
    within: Duration,
}

/// Time for a handshake that is under way when the service stops.
const LAST_WITHIN: Duration = Duration::from_secs(1);

impl Handshakes {
    pub(super) fn new(tls: Arc<Tls>, within: Duration, handshakes_max: usize) -> Self {
        Self { tls, permits: Semaphore::new(handshakes_max), within }
    }

    /// Whether there are as many handshakes as there may be.
    pub(super) fn are_many(&self) -> bool {
        self.permits.available_permits() == 0
    }

    /// Performs the handshake; `None` if it fails, takes too long, or the connection is closed to make room for others.
    pub(super) async fn shake<S: Stream>(
        &self,
        stream: S,
        app: &impl Respond,
        crowd: &Crowd,
        pulse: &Pulse,
    ) -> Option<TlsStream<Rewind<S>>> {
        let shaken = tokio::select! {
            shaken = self.in_turn(stream, crowd, pulse) => shaken,
            () = pulse.ordered(Order::Leave) => return None,
            () = async { pulse.ordered(Order::Finish).await; sleep(LAST_WITHIN).await } => return None,
        };
        match shaken {
            Ok(Shaken::Secure(stream)) => Some(*stream),
            Ok(Shaken::Silent) => {
                app.ended_early(EndedEarly::Silent);
                None
            }
            Ok(Shaken::Failed) => {
                app.closed(Closed::HandshakeFailed, 1);
                None
            }
            Ok(Shaken::Plain(stream)) => {
                answer_plainly(stream, app).await;
                None
            }
            Err(_) => {
                app.closed(Closed::HandshakeTooSlow, 1);
                None
            }
        }
    }

    /// Waits for a permit, and performs the handshake. Its time begins with the permit.
    async fn in_turn<S: Stream>(&self, stream: S, crowd: &Crowd, pulse: &Pulse) -> Result<Shaken<S>, Elapsed> {
        pulse.set_handshake(Handshake::Waiting, crowd.now_s());
        let Ok(_permit) = self.permits.acquire().await else { return Ok(Shaken::Failed) };
        pulse.set_handshake(Handshake::Running, crowd.now_s());
        let shaken = timeout(self.within, self.try_shake(stream)).await;
        pulse.set_handshake(Handshake::None, crowd.now_s());
        shaken
    }

    async fn try_shake<S: Stream>(&self, stream: S) -> Shaken<S> {
        let Ok(stream) = Rewind::peek(stream).await else { return Shaken::Failed };
        match stream.first() {
            None => Shaken::Silent,
            Some(HANDSHAKE) => match TlsAcceptor::from(self.tls.config()).accept(stream).await {
                Ok(stream) => Shaken::Secure(Box::new(stream)),
                Err(_) => Shaken::Failed,
            },
            Some(_) => Shaken::Plain(stream.into_rest()),
        }
    }
}

/// What a TLS connection begins with: a record of this type (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

enum Shaken<S> {
    Secure(Box<TlsStream<Rewind<S>>>),
    /// Nothing came.
    Silent,
    Failed,
    /// No TLS came.
    Plain(S),
}

/// Answers a client that speaks plain HTTP, in plain HTTP.
async fn answer_plainly<S: Stream>(mut stream: S, app: &impl Respond) {
    let Some(body) = app.refuse_head(HeadRefusal::NotTls) else { return };
    if stream.write_all(&refusal(HeadRefusal::NotTls.status(), &body)).await.is_ok() {
        linger(stream).await;
    }
}
