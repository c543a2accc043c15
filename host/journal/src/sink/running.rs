//! The sinks of a journal, each on a thread of its own: what hangs in one holds up nothing else, and not the end of the
//! process.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::feed::Feed;
use super::lines::Lines;
use super::status::{Shared, SinkStatus, State};
use super::{Kind, SinkSettings, http, in_order};
use crate::clock::Clock;
use crate::error::NotKept;
use crate::journal::Journal;
use crate::record::{Sequence, SinkCursor};

/// All sinks of a journal.
pub struct Sinks {
    journal: Journal,
    clock: Clock,
    running: Mutex<Vec<Running>>,
    reopen: watch::Sender<u64>,
}

/// One sink.
struct Running {
    settings: SinkSettings,
    shared: Arc<Shared>,
    /// Dropped, it ends the sink, too.
    stop: watch::Sender<bool>,
}

/// Why sinks cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum SinksError {
    /// Their cursors cannot be read.
    #[error("the journal does not say what the sinks have already: {0}")]
    Cursors(#[from] NotKept),
    /// There is no thread.
    #[error(
        "no thread can be started for a sink: raise the maximum number of threads (`ulimit -u`, `TasksMax` of systemd)"
    )]
    Thread(#[source] io::Error),
}

impl Sinks {
    /// No sinks yet.
    #[must_use]
    pub fn new(journal: Journal, clock: Clock) -> Self {
        Self { journal, clock, running: Mutex::default(), reopen: watch::Sender::new(0) }
    }

    /// Makes these the sinks: those that are the same as before go on, those that are gone end, and those that are new begin
    /// with the next record, or where they were when they last ran.
    ///
    /// # Errors
    /// If they cannot be started. Those that could go on.
    pub async fn set(&self, settings: Vec<SinkSettings>) -> Result<(), SinksError> {
        let names = settings.iter().map(|sink| sink.name.clone()).collect();
        // A sink that is changed goes on where it is, not where it has saved that it is: its old thread ends first.
        self.end_those_not_among(&settings);
        let cursors = self.journal.set_sinks(names, None).await?;
        let mut cursors: HashMap<String, SinkCursor> =
            cursors.into_iter().map(|cursor| (cursor.sink.clone(), cursor)).collect();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for sink in settings {
            if running.iter().any(|running| running.settings == sink) {
                continue;
            }
            let cursor = cursors.remove(&sink.name);
            running.push(self.start(sink, cursor)?);
        }
        Ok(())
    }

    fn end_those_not_among(&self, settings: &[SinkSettings]) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|running| {
            let stays = settings.contains(&running.settings);
            if !stays {
                running.stop.send_replace(true);
            }
            stays
        });
    }

    fn start(&self, settings: SinkSettings, cursor: Option<SinkCursor>) -> Result<Running, SinksError> {
        let (delivered_to, state) = cursor.map_or((*self.journal.watch_records().borrow(), String::new()), |cursor| {
            (cursor.delivered_to, cursor.state)
        });
        let shared = Arc::new(Shared::new(delivered_to));
        let (stop, stopped) = watch::channel(false);
        let running = Running { settings: settings.clone(), shared: Arc::clone(&shared), stop };
        if let Kind::Http(http) = &settings.kind
            && let Some(off) = http::off(http, &state)
        {
            tracing::error!(sink = settings.name.as_str(), "the sink stays switched off: {off}; give it another `url`");
            shared.set(off);
            return Ok(running);
        }
        let feed = Feed::new(self.journal.clone(), self.clock.clone(), settings.clone(), shared, delivered_to, stopped);
        let reopen = self.reopen.subscribe();
        let name = format!("sink-{}", settings.name);
        let run = move || on_this_thread(feed, settings.kind, reopen);
        std::thread::Builder::new().name(name).spawn(run).map_err(SinksError::Thread)?;
        Ok(running)
    }

    /// Has the sinks open their files again: they may have been renamed.
    pub fn reopen(&self) {
        self.reopen.send_modify(|times| *times += 1);
    }

    /// How the sinks are doing, in the order of the settings.
    #[must_use]
    pub fn status(&self) -> Vec<SinkStatus> {
        let (last, now_unix_ms) = (*self.journal.watch_records().borrow(), self.clock.now_unix_ms());
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let status = |sink: &Running| {
            let (name, kind) = (sink.settings.name.as_str(), sink.settings.kind.name());
            sink.shared.status(name, kind, last, now_unix_ms)
        };
        running.iter().map(status).collect()
    }

    /// Waits until each sink that works has everything that is on disk now. One that fails is not waited for.
    pub async fn settle(&self) {
        let last = *self.journal.watch_records().borrow();
        let waiting: Vec<(Arc<Shared>, watch::Receiver<Sequence>)> = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.iter().map(|sink| (Arc::clone(&sink.shared), sink.shared.delivered_to.subscribe())).collect()
        };
        for (shared, mut delivered_to) in waiting {
            if shared.state() == State::Running {
                let _ = delivered_to.wait_for(|delivered_to| *delivered_to >= last).await;
            }
        }
    }

    /// Ends all sinks, each after the record that it is at.
    pub fn stop(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl std::fmt::Debug for Sinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sinks").finish_non_exhaustive()
    }
}

/// Runs a sink on the thread that calls this.
fn on_this_thread(feed: Feed, kind: Kind, reopen: watch::Receiver<u64>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let sink = feed.settings.name.as_str();
            feed.shared.set(State::Off { why: error.to_string() });
            return tracing::error!(sink, "the sink does not start: {error}");
        }
    };
    runtime.block_on(async {
        if let Some(lines) = Lines::of(&kind) {
            return in_order::run(feed, lines, reopen).await;
        }
        if let Kind::Http(http) = kind {
            let (shared, name, journal) = (Arc::clone(&feed.shared), feed.settings.name.clone(), feed.journal());
            if let Some(why) = http::run(feed, http.clone()).await {
                let sink = name.as_str();
                tracing::error!(sink, "the sink is switched off: {why}; its records wait. Give it another `url`");
                let delivered_to = *shared.delivered_to.borrow();
                journal.save_cursor(SinkCursor { sink: name, delivered_to, state: http::off_state(&http, &why) });
                shared.set(State::Off { why });
            }
        }
    });
    // A name that is being looked up can take long: it is not waited for.
    runtime.shutdown_background();
}
