//! Whether the client that waits for an answer is still there.
//!
//! A client that has closed its connection and one that has only shut down its own side look the same: nothing more
//! comes from either. The second one still wants its answer. So it gets a sign of life, an interim answer that every
//! client in HTTP/1.1 ignores: the system of a client that is gone replies to it with a reset.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::server::TlsStream;

/// A connection's stream.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// An error of the stream that reading does not tell; `None` if there is none, or if it has no such errors.
    fn error(&self) -> Option<io::Error> {
        None
    }
}

impl Stream for TcpStream {
    fn error(&self) -> Option<io::Error> {
        self.take_error().ok().flatten()
    }
}

#[cfg(unix)]
impl Stream for tokio::net::UnixStream {
    fn error(&self) -> Option<io::Error> {
        self.take_error().ok().flatten()
    }
}

impl<S: Stream> Stream for TlsStream<S> {
    fn error(&self) -> Option<io::Error> {
        self.get_ref().0.error()
    }
}

/// In memory, for tests.
impl Stream for DuplexStream {}

/// The state of a client that has ended its stream.
#[derive(Debug, Default)]
pub(super) struct Vanishing {
    has_ended: bool,
    /// The pause after the next check, and when that is.
    next: Option<(Duration, Pin<Box<Sleep>>)>,
    is_signed: bool,
}

/// An answer that comes this soon needs no sign of life before it.
const SIGN_AFTER: Duration = Duration::from_millis(50);

/// Time between the interim answer and the first check for a reset; each further pause is twice as long.
const FIRST_LOOK: Duration = Duration::from_millis(5);

/// Time between two looks at most.
const LOOK: Duration = Duration::from_millis(200);

/// What to do about such a client.
#[derive(Debug)]
pub(super) enum Look {
    /// Send it [`Vanishing::SIGN_OF_LIFE`].
    Sign,
    /// Nothing, for now.
    Wait,
    /// It is gone.
    Gone(io::Error),
}

impl Vanishing {
    /// An interim answer.
    pub(super) const SIGN_OF_LIFE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

    /// Nothing more comes from the client.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Looks whether the client is gone, now and again later.
    pub(super) fn look<S: Stream>(&mut self, stream: &S, cx: &mut Context<'_>) -> Look {
        loop {
            let (pause, next) = self.next.get_or_insert_with(|| (FIRST_LOOK, Box::pin(sleep(SIGN_AFTER))));
            if next.as_mut().poll(cx).is_pending() {
                return Look::Wait;
            }
            next.as_mut().reset(Instant::now() + *pause);
            if !std::mem::replace(&mut self.is_signed, true) {
                return Look::Sign;
            }
            *pause = (*pause * 2).min(LOOK);
            if let Some(error) = stream.error() {
                return Look::Gone(error);
            }
        }
    }
}

/// Reads and discards what still comes from a client that was answered before it had sent everything. Closing the
/// connection earlier would make its system drop the answer.
pub(super) async fn linger<S: Stream>(mut stream: S) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let rest = async {
        let _ = stream.shutdown().await;
        let mut bytes = vec![0; 8192];
        let mut left = LINGER_BYTES_MAX;
        while left > 0 {
            match stream.read(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_WITHIN, rest).await;
}

const LINGER_WITHIN: Duration = Duration::from_secs(1);

const LINGER_BYTES_MAX: usize = 1 << 20;
