//! The sinks of a journal, each on a thread of its own: what hangs in one holds up nothing else, and not the end of the
//! process.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::feed::Feed;
use super::lines::Lines;
use super::settings::{Kind, SinkSettings};
use super::status::{Shared, SinkStatus, State};
use super::{http, in_order};
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
    /// Closed by the end of its thread.
    ended: watch::Receiver<()>,
}

/// Time for a changed sink to finish its current write. If it hangs for longer, records may be delivered twice.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// Maximum time that [`Sinks::settle`] waits: a write can hang forever, for example one to a pipe without a reader.
pub const SETTLES_WITHIN: Duration = Duration::from_secs(10);

/// Why sinks cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum SinksError {
    /// Their cursors cannot be read.
    #[error("the journal cannot be read for what the sinks have received: {0}")]
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

    /// Replaces the sinks: unchanged ones continue, removed ones end, and new ones begin with the next record, or where
    /// they were when they last ran.
    ///
    /// # Errors
    /// If some cannot be started. The others keep running.
    pub async fn set(&self, settings: Vec<SinkSettings>) -> Result<(), SinksError> {
        let order: Vec<String> = settings.iter().map(|sink| sink.name.clone()).collect();
        // A sink that is changed goes on where it is, which it may not have saved yet.
        let before = self.end_those_not_among(&settings).await;
        let cursors = self.journal.set_sinks(order.clone(), None).await?;
        let mut cursors: HashMap<String, SinkCursor> =
            cursors.into_iter().map(|cursor| (cursor.sink.clone(), cursor)).collect();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for sink in settings {
            if running.iter().any(|running| running.settings == sink) {
                continue;
            }
            let mut cursor = cursors.remove(&sink.name);
            if let (Some(cursor), Some(delivered_to)) = (&mut cursor, before.get(&sink.name)) {
                cursor.delivered_to = cursor.delivered_to.max(*delivered_to);
            }
            running.push(self.start(sink, cursor)?);
        }
        running.sort_by_key(|running| order.iter().position(|name| *name == running.settings.name));
        Ok(())
    }

    /// Ends all other sinks. Returns what they had delivered at their end, by name.
    async fn end_those_not_among(&self, settings: &[SinkSettings]) -> HashMap<String, Sequence> {
        let others: Vec<Running> = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.extract_if(.., |running| !settings.contains(&running.settings)).collect()
        };
        let mut delivered = HashMap::new();
        others.iter().for_each(|running| _ = running.stop.send_replace(true));
        for mut running in others {
            let _ = timeout(ENDS_WITHIN, running.ended.changed()).await;
            delivered.insert(running.settings.name, *running.shared.delivered_to.borrow());
        }
        delivered
    }

    fn start(&self, settings: SinkSettings, cursor: Option<SinkCursor>) -> Result<Running, SinksError> {
        let (delivered_to, state) = cursor.map_or((*self.journal.watch_records().borrow(), String::new()), |cursor| {
            (cursor.delivered_to, cursor.state)
        });
        let shared = Arc::new(Shared::new(delivered_to));
        let (stop, stopped) = watch::channel(false);
        let (alive, ended) = watch::channel(());
        let running = Running { settings: settings.clone(), shared: Arc::clone(&shared), stop, ended };
        if let Kind::Http(http) = &settings.kind
            && let Some(off) = http::off(http, &state)
        {
            tracing::error!(sink = settings.name.as_str(), "the sink stays switched off: {off}; give it another `url`");
            shared.set(off);
            // No feed runs for this sink, so another thread looks up its oldest record: that can take a while.
            let (journal, name) = (self.journal.clone(), format!("sink-{}", settings.name));
            let run = move || {
                let _alive = alive;
                note_oldest(&journal, &settings, &shared, &stopped);
            };
            std::thread::Builder::new().name(name).spawn(run).map_err(SinksError::Thread)?;
            return Ok(running);
        }
        let feed = Feed::new(self.journal.clone(), self.clock.clone(), settings.clone(), shared, delivered_to, stopped);
        let reopen = self.reopen.subscribe();
        let name = format!("sink-{}", settings.name);
        let run = move || {
            on_this_thread(feed, settings.kind, reopen);
            drop(alive);
        };
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

    /// Waits until each sink that works has everything that is on disk now, at most for [`SETTLES_WITHIN`]. One that
    /// fails is not waited for. Records that are not delivered by then are delivered later.
    pub async fn settle(&self) {
        let _ = timeout(SETTLES_WITHIN, self.delivered()).await;
    }

    /// As [`Sinks::settle`], however long it takes.
    async fn delivered(&self) {
        let last = *self.journal.watch_records().borrow();
        let waiting: Vec<(Arc<Shared>, watch::Receiver<Sequence>)> = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.iter().map(|sink| (Arc::clone(&sink.shared), sink.shared.delivered_to.subscribe())).collect()
        };
        for (shared, mut delivered_to) in waiting {
            let is_over = |delivered_to: &Sequence| *delivered_to >= last || shared.state() != State::Running;
            let _ = delivered_to.wait_for(is_over).await;
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

/// Waits for the first record that a sink which is off has not received, and notes its time; records that are gone do
/// not count as waiting. Ends with the sink.
fn note_oldest(journal: &Journal, settings: &SinkSettings, shared: &Shared, stopped: &watch::Receiver<bool>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(sink = settings.name.as_str(), "its oldest record is not known: {error}"),
    };
    let (mut reader, mut records, mut stop) = (journal.reader(), journal.watch_records(), stopped.clone());
    let mut read_to = *shared.delivered_to.borrow();
    runtime.block_on(async {
        loop {
            let last = *records.borrow_and_update();
            while read_to < last && !*stop.borrow() && stop.has_changed().is_ok() {
                let Ok(batch) = reader.records_after(read_to, 1, 1, |topic| settings.topics.take(topic)) else { break };
                if let Some(first) = batch.records.first() {
                    return shared.oldest(Some(first.record.at_unix_ms));
                }
                // Those in between were dropped because of their age, or lost with a damaged file.
                read_to = if batch.read_to > read_to { batch.read_to } else { last };
                // Nothing up to here waits for the sink. Its saved cursor stays where it is.
                shared.delivered_to.send_replace(read_to);
            }
            let goes_on = tokio::select! {
                changed = records.changed() => changed.is_ok(),
                _ = stop.wait_for(|stop| *stop) => false,
            };
            if !goes_on {
                return;
            }
        }
    });
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
