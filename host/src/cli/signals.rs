//! Signals: what they mean, from the first moment of the service on.
//!
//! As the first process of a container this one has no default for any signal: without handlers, a stop that comes
//! while plugins are loaded would be lost. So the handlers are installed before anything else.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::manager;
use crate::edge::Stop;

/// The signals to this process.
#[derive(Debug)]
pub(super) struct Signals {
    stop: watch::Receiver<Option<Stop>>,
    is_serving: Arc<AtomicBool>,
    reload: Requests,
    reopen: Requests,
}

/// Time for the log to be written before the process ends at once.
const LOG_WITHIN: Duration = Duration::from_millis(50);

/// What is added to the number of a signal that ends the process at once, as shells do.
#[cfg(unix)]
const EXIT_OF_SIGNAL: i32 = 128;

impl Signals {
    /// Handles signals from now on. SIGTERM and Ctrl-C end the process at once with code 0 as long as nothing is
    /// served; then the first one begins to stop the service, and the second one ends the process at once. Must be
    /// called in a runtime with several threads, since loading plugins blocks one.
    ///
    /// # Errors
    /// If the system does not let it.
    #[cfg(unix)]
    pub(super) fn handle() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let reload = Requests { signal: signal(SignalKind::hangup())? };
        let reopen = Requests { signal: signal(SignalKind::user_defined1())? };
        let (told, stop) = watch::channel(None);
        let is_serving = Arc::new(AtomicBool::new(false));
        let serving = Arc::clone(&is_serving);
        tokio::spawn(async move {
            loop {
                // Ctrl-C comes from a person, who should not have to wait for load balancers.
                let (how, kind) = tokio::select! {
                    _ = terminate.recv() => (Stop::Drain, SignalKind::terminate()),
                    _ = interrupt.recv() => (Stop::Now, SignalKind::interrupt()),
                };
                if told.borrow().is_some() {
                    tracing::warn!("second signal to stop: exiting at once, without finishing running callbacks");
                    end(EXIT_OF_SIGNAL + kind.as_raw_value());
                }
                told.send_replace(Some(how));
                if !serving.load(Ordering::SeqCst) {
                    tracing::info!("stopped before the first callback");
                    manager::tell(manager::STOPPING);
                    end(0);
                }
            }
        });
        Ok(Self { stop, is_serving, reload, reopen })
    }

    /// Nothing restores instances or limits the loading of modules here, so no callbacks are served.
    #[cfg(not(unix))]
    pub(super) fn handle() -> io::Result<Self> {
        let why =
            "serving is for Linux and macOS: on this system use the commands for authors, such as `callgate test`";
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    }

    /// SIGHUP, which requests a reload, and SIGUSR1, which requests that files are reopened.
    pub(super) fn into_requests(self) -> (Requests, Requests) {
        (self.reload, self.reopen)
    }

    /// From now on the service is stopped in order. Returns what completes when it is to stop.
    pub(super) fn serving(&self) -> impl Future<Output = Stop> + use<> {
        self.is_serving.store(true, Ordering::SeqCst);
        let mut stop = self.stop.clone();
        async move {
            match stop.wait_for(Option::is_some).await {
                Ok(how) => how.unwrap_or(Stop::Now),
                // The sender lives as long as the runtime.
                Err(_) => std::future::pending().await,
            }
        }
    }
}

/// A signal that requests something. A signal that arrives early is remembered.
#[derive(Debug)]
pub(super) struct Requests {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Requests {
    /// Waits for the next one; `false`: there will be none.
    pub(super) async fn next(&mut self) -> bool {
        #[cfg(unix)]
        return self.signal.recv().await.is_some();
        #[cfg(not(unix))]
        false
    }
}

/// Ends the process, if nothing else does, after this time: a thread that hangs, in a file for example, must not keep
/// it alive.
pub(super) fn end_within(time: Duration) {
    let name = "callgate-end".to_owned();
    let waiting = std::thread::Builder::new().name(name).spawn(move || {
        std::thread::sleep(time);
        tracing::error!("the service did not stop in time because something hangs; exiting at once");
        end(1);
    });
    if let Err(error) = waiting {
        tracing::warn!("no watchdog thread can be started, so this process may hang when it stops: {error}");
    }
}

fn end(code: i32) -> ! {
    std::thread::sleep(LOG_WITHIN);
    std::process::exit(code)
}
