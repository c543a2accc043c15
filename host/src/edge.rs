//! Bytes in and out: connections, their bounds, and the graceful stop. What the requests mean is not known here.

mod connection;
mod early;
mod respond;
mod wire;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::settings::Server;

pub use early::EndedEarly;
pub use respond::Respond;

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
pub async fn converse<S>(stream: S, app: impl Respond, settings: &Server)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    connection::converse(stream, app, settings.idle_within, GracefulShutdown::new().watcher()).await;
}

/// Serves until `stop` completes, then stops accepting, answers what is running, and closes.
pub async fn serve(
    listener: TcpListener,
    app: impl Respond,
    settings: &Server,
    ready: Readiness,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(settings.connections_max));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&connections).acquire_owned() => permit,
            () = &mut stop => break,
        };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: accepting again at once would only burn this core.
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small and awaited: there is nothing to gather.
        let _ = stream.set_nodelay(true);
        let conversation = connection::converse(stream, app.clone(), settings.idle_within, graceful.watcher());
        tokio::spawn(async move {
            conversation.await;
            drop(permit);
        });
    }
    ready.stop();
    drop(listener);
    if timeout(settings.shutdown_within, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still open after `shutdown_within_ms` and are closed now");
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
