//! One connection: its requests are answered one after the other until it ends, or is idle for too long.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};

use super::early::EndedEarly;
use super::respond::Respond;
use super::wire::{First, Wire};

/// Answers the requests that arrive on `stream`. A connection that fails affects no other.
pub(super) async fn converse<S>(stream: S, app: impl Respond, idle_within: Duration, graceful: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let first = First::default();
    let stream = Wire::new(stream, app.clone(), first.clone());
    let connected = Arc::new(Connected { app, requests: Requests::default() });
    let service = service_fn({
        let connected = Arc::clone(&connected);
        move |request| {
            let running = Running::new(&connected);
            async move { Ok::<_, Infallible>(running.0.app.respond(request).await) }
        }
    });
    // Head and body of an answer are copied together, which costs less than handing the kernel two pieces.
    let connection = http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // Errors here are the client's: it went away, or sent what is not HTTP.
        _ = graceful.watch(connection) => {}
        () = connected.requests.idle(idle_within) => {}
    }
    if connected.requests.started.load(Ordering::Relaxed) == 0 {
        connected.app.ended_early(EndedEarly::from_first(&first.bytes()));
    }
}

/// What the requests of one connection share. They count references to this, and not to the application: that would be
/// one counter for all threads.
struct Connected<A> {
    app: A,
    requests: Requests,
}

/// The requests of one connection. A timer for each would cost every callback what is needed once an hour.
#[derive(Debug, Default)]
struct Requests {
    started: AtomicU64,
    running: AtomicU64,
}

impl Requests {
    /// Completes when no request was running or has begun for at least `within`, and at most twice that; or when the
    /// first one takes too long to come, which no chat server's does.
    async fn idle(&self, within: Duration) {
        tokio::time::sleep(within.min(FIRST_REQUEST_WITHIN)).await;
        if self.started.load(Ordering::Relaxed) == 0 {
            return;
        }
        loop {
            let before = self.started.load(Ordering::Relaxed);
            tokio::time::sleep(within).await;
            if self.started.load(Ordering::Relaxed) == before && self.running.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }
}

/// Time for the first request's head on a new connection: strangers who open connections and send nothing must not
/// take the places of those who do.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(15);

/// A request that counts as running for as long as this lives.
struct Running<A>(Arc<Connected<A>>);

impl<A> Running<A> {
    fn new(connected: &Arc<Connected<A>>) -> Self {
        connected.requests.started.fetch_add(1, Ordering::Relaxed);
        connected.requests.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connected))
    }
}

impl<A> Drop for Running<A> {
    fn drop(&mut self) {
        self.0.requests.running.fetch_sub(1, Ordering::Relaxed);
    }
}
